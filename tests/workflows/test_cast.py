"""Characters and places through a whole chapter: clothes by scene, reference pictures with the right panels."""

from collections.abc import Sequence

import pytest
from sqlmodel import col, select

from engine.db.session import Database
from engine.images import ImageRequest
from engine.images.png_text import stamped
from engine.storage.folder import FolderStorage
from engine.store.images import record_picture, store_picture
from models.options import GenerationStatus
from models.story import Profile
from models.tables import Attachment, Character, Panel, ProviderCall, Scene
from tests.conftest import Order, Ordered
from tests.working import Generate, Painter, Working, Writer, again, plain

pytestmark = pytest.mark.workflow

STORY = """\
The Lamp

Mara stood in the kitchen. She lit the lamp and looked at Joss.

"It rains," said Joss.

***

Mara put on a yellow raincoat and opened the door. Joss followed Mara into the yard.

"Wait for me," said Joss.

***

On the quay the wind blew. Mara held the lamp high.

"There it is," said Mara.

***

In the boat shed Mara took the raincoat off. Joss shut the door behind Mara.

"At last," said Mara.
"""


async def scenes_of(database: Database, ordered: Ordered) -> Sequence[tuple[Scene, Sequence[Panel]]]:
    async with database.session() as session:
        query = select(Scene).where(Scene.chapter_id == ordered.run.chapter_id).order_by(col(Scene.position))
        scenes = (await session.exec(query)).all()
        return [
            (scene, (await session.exec(select(Panel).where(Panel.scene_id == scene.id))).all()) for scene in scenes
        ]


async def test_clothes_change_with_the_text_and_stay_changed_until_it_says_otherwise(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The prompts of the scenes between have the raincoat, those before and after what she always wears."""
    ordered = await order(STORY, until="script")
    async with working(Writer(), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED
    async with database.session() as session:
        query = select(Character).where(Character.project_id == ordered.run.project_id, Character.name == "Mara")
        mara = (await session.exec(query)).one().profile
    assert mara is not None
    assert [(one.name, one.clothes, one.colours) for one in mara.outfits] == [
        ("yellow raincoat", "a yellow raincoat", ["yellow"])
    ]
    told = await scenes_of(database, ordered)
    assert [scene.outfits for scene, _ in told] == [
        {}, {"Mara": "yellow raincoat"}, {"Mara": "yellow raincoat"}, {}
    ]  # fmt: skip
    for (_, panels), clothes in zip(told, [mara.clothes, *["a yellow raincoat"] * 2, mara.clothes], strict=True):
        prompts = [panel.prompt or "" for panel in panels if "Mara" in panel.characters]
        assert prompts
        assert all(f"; {clothes}" in prompt.partition("On stage:")[2] for prompt in prompts)


async def test_sheets_go_with_the_panels_of_whom_they_show(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The artist gets the sheets that it drew, of those on stage and nobody else; asked again, nothing is drawn."""
    ordered = await order(STORY, images="local")
    sheets: dict[str, str] = {}

    async def paint(request: ImageRequest) -> None:
        if request.sheet is not None:
            sheets[request.sheet.name] = (await plain(request)).data.hex()

    painter = Painter(before=paint)
    async with working(Writer(), painter, artists={"offline": Painter(), "local": painter}):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
        drawn = len(painter.asked)
        assert (await generate(await again(database, ordered))).status == GenerationStatus.COMPLETED
    assert len(painter.asked) == drawn
    panels = [request for request in painter.asked if request.panel is not None]
    assert panels
    for request in panels:
        assert request.panel is not None
        on_stage = [who.name for who in request.panel.characters]
        assert [one.shows.partition(",")[0] for one in request.references] == on_stage
        assert [one.data.hex() for one in request.references] == [sheets[name] for name in on_stage]


async def test_a_picture_that_was_brought_replaces_the_sheet(
    database: Database, order: Order, storage: FolderStorage, working: Working, generate: Generate
) -> None:
    """No sheet is drawn or paid for, and the brought picture goes with the panels."""
    ordered = await order(STORY, images="local")
    project = ordered.run.project_id
    picture = await plain(ImageRequest(model="", prompt="", negative="", width=40, height=40, seed=3))
    kept = await store_picture(storage, project, stamped(picture.data, "Joss"), "image/png", 40, 40)
    async with database.session() as session:
        image = await record_picture(session, project, kept)
        joss = Character(project_id=project, name="Joss", name_key="joss")
        session.add(joss)
        await session.flush()
        session.add(Attachment(project_id=project, image_id=image, character_id=joss.id))
    painter = Painter()
    async with working(Writer(), painter, artists={"offline": Painter(), "local": painter}):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert {request.sheet.name for request in painter.asked if request.sheet is not None} == {"Mara"}
    shown = [one for request in painter.asked for one in request.references if one.shows.startswith("Joss")]
    assert shown
    assert {one.sha256 for one in shown} == {kept.sha256}
    async with database.session() as session:
        query = select(ProviderCall.id).where(ProviderCall.project_id == project, ProviderCall.purpose == "sheet")
        assert len((await session.exec(query)).all()) == 1


async def test_a_sheet_that_is_drawn_anew_is_to_be_approved_again(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Whoever approved has seen another picture; a sheet that stays as it is stays approved."""
    ordered = await order(STORY)
    query = select(Character).where(Character.project_id == ordered.run.project_id).order_by(col(Character.name))
    async with working(Writer(), Painter()):
        await generate(ordered)
        async with database.session() as session:
            joss, mara = (await session.exec(query)).all()
            for who in (joss, mara):
                who.sheet_approved_at = who.created_at
                session.add(who)
            mara.profile = (mara.profile or Profile(name="Mara")).model_copy(update={"hair": "green hair"})
        await generate(await again(database, ordered))
    async with database.session() as session:
        joss, mara = (await session.exec(query)).all()
    assert (joss.sheet_approved_at is None, mara.sheet_approved_at is None) == (False, True)
