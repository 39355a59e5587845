"""Which pictures go with a panel: of whom, in what order, and only with an artist that takes them."""

import io
from dataclasses import dataclass
from uuid import UUID

import pytest
from PIL import Image as Pixels

from engine.db.session import Database
from engine.images import ImageRequest
from engine.providers.registry import draws_of
from engine.storage.folder import FolderStorage
from engine.store import references
from engine.store.images import record_picture, store_picture
from engine.store.panels import as_data, cast_of
from engine.store.references import Stored
from models.story import Profile
from models.tables import Attachment, Character, Location, Panel, Scene
from models.tables.uploads import AttachmentRole
from tests.conftest import Order, Ordered

OPENAI, LOCAL = draws_of("openai"), draws_of("local")

pytestmark = pytest.mark.integration


@dataclass
class Stage:
    """A panel with two people in a place, in a project of its own."""

    ordered: Ordered
    database: Database
    storage: FolderStorage
    panel: UUID
    people: dict[str, UUID]
    place: UUID

    async def picture(self, shade: int) -> UUID:
        """A stored picture, known by its shade."""
        data = io.BytesIO()
        Pixels.new("L", (8, 8), shade).save(data, "PNG")
        project = self.ordered.run.project_id
        kept = await store_picture(self.storage, project, data.getvalue(), "image/png", 8, 8)
        async with self.database.session() as session:
            return await record_picture(session, project, kept)

    async def attach(self, shade: int, role: AttachmentRole = AttachmentRole.REFERENCE, **to: UUID) -> None:
        image = await self.picture(shade)
        async with self.database.session() as session:
            values = {"project_id": self.ordered.run.project_id, "image_id": image, "role": role, **to}
            session.add(Attachment.model_validate(values))

    async def sheet(self, name: str, shade: int) -> None:
        image = await self.picture(shade)
        async with self.database.session() as session:
            who = await session.get_one(Character, self.people[name])
            who.sheet_image_id = image
            session.add(who)

    async def shown(self, *artists: str) -> list[Stored]:
        async with self.database.session() as session:
            panel = await session.get_one(Panel, self.panel)
            scene = await session.get_one(Scene, panel.scene_id)
            cast = await cast_of(session, panel.project_id)
            data = as_data(panel, scene, cast)
            return await references.of_panel(
                session, panel, data, cast, [draws_of(one) for one in artists or ("openai",)]
            )

    async def shades(self, request: ImageRequest, stored: list[Stored]) -> list[int]:
        """What is sent as references, by shade."""
        whole = await references.with_bytes(self.storage, request, stored)
        return [shade_of(one.data) for one in whole.references]


def shade_of(data: bytes) -> int:
    with Pixels.open(io.BytesIO(data)) as picture:
        shade = picture.getpixel((0, 0))
    assert isinstance(shade, int)
    return shade


REQUEST = ImageRequest(model="", prompt="Mara and Joss.", negative="", width=512, height=512, seed=1)


@pytest.fixture
async def stage(database: Database, order: Order, storage: FolderStorage) -> Stage:
    ordered = await order()
    project = ordered.run.project_id
    async with database.session() as session:
        people = {
            name: Character(
                project_id=project,
                name=name,
                name_key=name.casefold(),
                profile=Profile(name=name, clothes="a coat"),
            )
            for name in ("Mara", "Joss", "Eve")
        }
        place = Location(project_id=project, name="Quay", name_key="quay", description="Wet steps.")
        scene = Scene(
            project_id=project,
            chapter_id=ordered.run.chapter_id,
            position=0,
            place="the quay",
            sentences=["Mara waits."],
            outfits={"Joss": "red cloak"},
        )
        session.add_all([*people.values(), place, scene])
        await session.flush()
        panel = Panel(project_id=project, scene_id=scene.id, position=0, characters=["Mara", "Joss"])
        session.add(panel)
        await session.flush()
        ids = {name: who.id for name, who in people.items()}
        return Stage(ordered, database, storage, panel.id, ids, place.id)


async def test_pictures_are_of_those_on_stage_and_say_so(stage: Stage) -> None:
    """Nobody else's sheet goes along; each says who it is, where they stand, and that clothes may differ."""
    for shade, name in enumerate(("Mara", "Joss", "Eve"), 1):
        await stage.sheet(name, shade)
    await stage.attach(9, location_id=stage.place)
    stored = await stage.shown()
    assert [one.picture.shows for one in stored] == [
        "Mara, on the left",
        "Joss, on the right, in other clothes than there: those of the text",
        "the place: Quay",
    ]
    assert [one.picture.across for one in stored[:2]] == [(0.0, 0.5), (0.5, 1.0)]
    assert await stage.shades(references.with_references(REQUEST, OPENAI, stored), stored) == [1, 2, 9]


async def test_what_people_brought_counts_before_what_was_drawn(stage: Stage) -> None:
    await stage.sheet("Mara", 1)
    await stage.attach(20, character_id=stage.people["Mara"])
    await stage.attach(21, AttachmentRole.CONTROL, character_id=stage.people["Mara"])
    stored = await stage.shown()
    assert await stage.shades(references.with_references(REQUEST, OPENAI, stored), stored) == [20]


async def test_everybody_has_a_share(stage: Stage) -> None:
    """First one of each, then the panel's own and the place, then further ones; no more than three of one."""
    for shade in (10, 11, 12, 13):
        await stage.attach(shade, character_id=stage.people["Mara"])
    for shade in (30, 31):
        await stage.attach(shade, character_id=stage.people["Joss"])
    await stage.attach(50, panel_id=stage.panel)
    await stage.attach(60, location_id=stage.place)
    stored = await stage.shown()
    assert await stage.shades(references.with_references(REQUEST, OPENAI, stored), stored) == [
        10,
        30,
        50,
        60,
        11,
        31,
        12,
    ]
    # Three at most, and none of places.
    assert await stage.shades(references.with_references(REQUEST, LOCAL, stored), stored) == [10, 30, 50]


async def test_a_control_picture_leads_where_it_can(stage: Stage) -> None:
    """It takes one of the units that references need too; who has none draws without."""
    await stage.attach(70, AttachmentRole.CONTROL, panel_id=stage.panel)
    for shade in (10, 11, 12):
        await stage.attach(shade, character_id=stage.people["Mara"])
    stored = await stage.shown()
    local = await references.with_bytes(stage.storage, references.with_references(REQUEST, LOCAL, stored), stored)
    assert [shade_of(unit.picture.data) for unit in local.control] == [70]
    assert [shade_of(one.data) for one in local.references] == [10, 11]
    assert references.with_references(REQUEST, OPENAI, stored).control == ()


async def test_an_artist_that_takes_no_pictures_is_told_of_none(stage: Stage) -> None:
    await stage.sheet("Mara", 1)
    assert await stage.shown("offline") == []
    stored = await stage.shown("offline", "openai")
    assert references.with_references(REQUEST, draws_of("offline"), stored) == REQUEST


async def test_a_reference_is_part_of_what_a_picture_is(stage: Stage) -> None:
    """Another sheet is another request, and so is another word on it; the hash says so before a byte is read."""
    await stage.sheet("Mara", 1)
    stored = await stage.shown()
    one = references.with_references(REQUEST, OPENAI, stored)
    assert one.references[0].data == b""
    assert one.identity(data=False) != REQUEST.identity(data=False)
    await stage.sheet("Mara", 2)
    assert references.with_references(REQUEST, OPENAI, await stage.shown()).identity(data=False) != one.identity(
        data=False
    )


async def test_whose_picture_was_brought_needs_no_sheet(stage: Stage) -> None:
    await stage.attach(10, character_id=stage.people["Mara"])
    await stage.attach(11, AttachmentRole.CONTROL, character_id=stage.people["Joss"])
    async with stage.database.session() as session:
        assert await references.with_uploads(session, [stage.people["Mara"]])
        assert not await references.with_uploads(session, [stage.people["Joss"]])
