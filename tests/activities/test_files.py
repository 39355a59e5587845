"""What a file is built from when something is missing, and how its parts are called, from rows as they lie."""

import io
import zipfile

import pytest
from PIL import Image as Pillow
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.files import Files
from activities.pages import Pages
from engine.db.session import Database
from engine.errors import BadInput
from engine.storage.folder import FolderStorage
from engine.store.images import record_picture, store_picture
from models.ids import new_id
from models.runs import ExportCall, PageCall, PagesCall
from models.tables import Draft, Export, Page, Panel, Scene
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration


def picture(colour: str) -> bytes:
    data = io.BytesIO()
    Pillow.new("RGB", (64, 48), colour).save(data, "PNG")
    return data.getvalue()


async def panels(
    database: Database, storage: FolderStorage, ordered: Ordered, count: int, drawn: range | None = None
) -> None:
    """A scene of so many panels; those in `drawn` have a picture."""
    run = ordered.run
    kept = await store_picture(storage, run.project_id, picture("teal"), "image/png", 64, 48)
    async with database.session() as session:
        scene = Scene(project_id=run.project_id, chapter_id=run.chapter_id, position=0)
        session.add(scene)
        await session.flush()
        image_id = await record_picture(session, run.project_id, kept)
        rows = [
            Panel(id=new_id(), project_id=run.project_id, scene_id=scene.id, position=position, description="A lamp.")
            for position in range(count)
        ]
        session.add_all(rows)
        await session.flush()
        for position in drawn if drawn is not None else range(count):
            draft = Draft(
                id=new_id(),
                project_id=run.project_id,
                panel_id=rows[position].id,
                ordinal=1,
                image_id=image_id,
                provider="offline",
                prompt="",
                seed=1,
                made_from="x",
            )
            session.add(draft)
            await session.flush()
            rows[position].selected_draft_id = draft.id


def paged(ordered: Ordered) -> PagesCall:
    return PagesCall(**dict(ordered.run))


async def composed(database: Database, storage: FolderStorage, ordered: Ordered) -> None:
    paging, environment = Pages(database, storage), ActivityEnvironment()
    planned = await environment.run(paging.plan_pages, paged(ordered))
    base = ordered.run.model_dump(include={"project_id", "generation_id", "options"})
    for number in planned.due:
        call = PageCall(**base, chapter_id=ordered.run.chapter_id, number=number)
        await environment.run(paging.compose_page, call)


async def build(database: Database, storage: FolderStorage, ordered: Ordered, format: str) -> bytes:
    """The file of a format, as an order for it builds it."""
    run = ordered.run
    call = ExportCall(
        project_id=run.project_id,
        generation_id=run.generation_id,
        options=run.options,
        chapter_id=run.chapter_id,
        format=format,
    )
    await ActivityEnvironment().run(Files(database, storage).build_export, call)
    async with database.session() as session:
        found = (
            await session.exec(select(Export).where(Export.chapter_id == run.chapter_id, Export.format == format))
        ).one()
    return await storage.get(found.key)


def names(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


@pytest.mark.parametrize("format", ["cbz", "pdf", "epub", "print", "webtoon", "png", "jpeg", "ora"])
async def test_a_page_without_picture_ends_the_build(
    database: Database, storage: FolderStorage, order: Order, format: str
) -> None:
    """A book with a hole in it would be taken for a whole one: nothing is kept, and it says which page it is."""
    ordered = await order()
    await panels(database, storage, ordered, 1)
    await ActivityEnvironment().run(Pages(database, storage).plan_pages, paged(ordered))
    with pytest.raises(BadInput, match=r"“A chapter”: page 1 has no picture yet\. Generate the chapter"):
        await build(database, storage, ordered, format)
    async with database.session() as session:
        assert (await session.exec(select(Export).where(Export.chapter_id == ordered.run.chapter_id))).all() == []


async def test_a_panel_without_picture_is_shown_as_missing_and_has_none_of_its_own(
    database: Database, storage: FolderStorage, order: Order
) -> None:
    """Its page is there, with a placeholder; among the pictures of panels it is left out; layers say what it lacks."""
    ordered = await order()
    await panels(database, storage, ordered, 2, drawn=range(1, 2))
    await composed(database, storage, ordered)
    assert names(await build(database, storage, ordered, "png")) == ["001.png"]
    assert names(await build(database, storage, ordered, "panels")) == ["scene-01-panel-02.png"]
    layers = zipfile.ZipFile(io.BytesIO(await build(database, storage, ordered, "ora")))
    with zipfile.ZipFile(io.BytesIO(layers.read("001.ora"))) as archive:
        stack = archive.read("stack.xml").decode()
    assert 'name="Panel 1 (picture missing)"' in stack
    assert 'name="Panel 2"' in stack


async def test_no_picture_of_any_panel_is_no_file(database: Database, storage: FolderStorage, order: Order) -> None:
    ordered = await order()
    await panels(database, storage, ordered, 1, drawn=range(0))
    with pytest.raises(BadInput, match="no pictures of panels"):
        await build(database, storage, ordered, "panels")


async def test_100_panels_of_a_scene_stay_in_their_order(
    database: Database, storage: FolderStorage, order: Order
) -> None:
    """Archives are read in the order of names: the hundredth comes last, not after the tenth."""
    ordered = await order()
    await panels(database, storage, ordered, 100)
    found = names(await build(database, storage, ordered, "panels"))
    assert len(found) == 100
    assert found == sorted(found)
    assert (found[0], found[-1]) == ("scene-01-panel-001.png", "scene-01-panel-100.png")


async def test_a_page_of_one_panel_is_a_whole_book(database: Database, storage: FolderStorage, order: Order) -> None:
    ordered = await order()
    await panels(database, storage, ordered, 1)
    await composed(database, storage, ordered)
    async with database.session() as session:
        [page] = (await session.exec(select(Page).where(Page.chapter_id == ordered.run.chapter_id))).all()
    assert len(page.layout.cells) == 1
    for format in ("cbz", "pdf", "epub", "print", "png", "jpeg", "ora"):
        assert await build(database, storage, ordered, format)
