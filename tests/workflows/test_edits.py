"""Edits reach the artist as it takes them: a draft and a mask, a draft alone, a sketch; drafts know their parent."""

from typing import Any

import pytest
from sqlmodel import col, select
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import BadInput
from engine.images import ImageRequest
from engine.storage.folder import FolderStorage
from engine.store import redraws
from engine.store.images import record_picture, store_picture
from engine.store.redraws import Wanted
from engine.store.rows import get
from engine.store.scope import Scope
from models.ids import new_id
from models.options import GenerationOptions, GenerationStatus
from models.runs import ChapterRun
from models.tables import Draft, Image, Panel
from tests.conftest import Order, Ordered
from tests.working import Generate, Painter, Working, Writer, finished, plain
from workflows.starting import start

pytestmark = pytest.mark.workflow


async def sketch(database: Database, storage: FolderStorage, ordered: Ordered, width: int, height: int) -> Any:
    """A picture that somebody brought."""
    request = ImageRequest(model="", prompt="", negative="", width=width, height=height, seed=7)
    drawn = await plain(request)
    kept = await store_picture(storage, ordered.run.project_id, drawn.data, drawn.media_type, width, height)
    async with database.session() as session:
        return await record_picture(session, ordered.run.project_id, kept)


@pytest.mark.parametrize("how", ["mask", "draft", "sketch"])
async def test_an_edit_is_asked_of_the_artist_as_it_was_meant(
    client: Client,
    database: Database,
    storage: FolderStorage,
    order: Order,
    working: Working,
    generate: Generate,
    how: str,
) -> None:
    """By an artist that can: the bytes of the draft, the mask and the sketch, the strength and the unit's settings."""
    ordered = await order("Mara laughed.")
    artist = Painter()
    async with working(Writer(), Painter(), artists={"offline": Painter(), "local": artist}):
        await generate(ordered)
        async with database.session() as session:
            panel = (await session.exec(select(Panel).where(Panel.project_id == ordered.run.project_id))).one()
            (old,) = (await session.exec(select(Draft).where(Draft.panel_id == panel.id))).all()
            picture = await get(session, ordered.scope, Image, old.image_id)
        given = await sketch(database, storage, ordered, picture.width, picture.height)
        wanted = {
            "mask": Wanted(parent_id=old.id, mask_image_id=given, prompt="a red lantern", strength=0.5),
            "draft": Wanted(parent_id=old.id, strength=0.25, drafts=2),
            "sketch": Wanted(control_image_id=given, control={"module": "openpose", "model": "pose", "weight": 0.5}),
        }[how]
        async with database.session() as session:
            scope = Scope(user_id=ordered.owner_id)
            locked = await get(session, scope, Panel, panel.id, lock=True)
            options = GenerationOptions(images="local")
            generation, woken = await redraws.request_redraw(session, scope, locked, wanted, options)
            assert woken == []
            await session.refresh(generation)
        await start(database, client, generation)
        run = ChapterRun(
            project_id=ordered.run.project_id,
            generation_id=generation.id,
            options=options,
            chapter_id=ordered.run.chapter_id,
        )
        ended = await finished(database, Ordered(run, ordered.owner_id))
    assert (ended.status, ended.error) == (GenerationStatus.COMPLETED, "")
    request = artist.asked[0]
    source = await storage.get(picture.key)
    assert (request.source.data if request.source else b"") == (b"" if how == "sketch" else source)
    assert (request.mask is not None) is (how == "mask")
    assert request.strength == {"mask": 0.5, "draft": 0.25, "sketch": 0.75}[how]
    units = [(unit.module, unit.model, unit.weight, bool(unit.picture.data)) for unit in request.control]
    assert units == ([("openpose", "pose", 0.5, True)] if how == "sketch" else [])
    assert (request.width, request.height) == (picture.width, picture.height)
    if how == "mask":
        assert request.prompt == "a red lantern"
    async with database.session() as session:
        query = select(Draft).where(Draft.panel_id == panel.id).order_by(col(Draft.ordinal))
        drafts = (await session.exec(query)).all()
        panel = await get(session, ordered.scope, Panel, panel.id)
    assert drafts[0].id == old.id
    assert {(draft.origin, draft.parent_id) for draft in drafts[1:]} == {
        ("edited", None if how == "sketch" else old.id)
    }
    assert len({draft.seed for draft in drafts}) == len(drafts) == 1 + wanted.drafts
    assert panel.selected_draft_id in {draft.id for draft in drafts[1:]}


async def test_what_an_artist_cannot_do_is_refused_with_who_can(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    ordered = await order("Mara laughed.")
    async with working(Writer(), Painter()):
        await generate(ordered)
    async with database.session() as session:
        panel = (await session.exec(select(Panel).where(Panel.project_id == ordered.run.project_id))).one()
        scope = Scope(user_id=ordered.owner_id)
        with pytest.raises(BadInput, match="cannot follow a sketch or a pose; these can: local"):
            await redraws.request_redraw(session, scope, panel, Wanted(control_image_id=new_id()), GenerationOptions())
