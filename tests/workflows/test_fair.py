"""A small project does not wait behind a large one: on each queue they take turns, with one worker and with three."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import func
from sqlmodel import select
from temporalio.client import Client

from engine.db.session import Database
from engine.images import ImageRequest, ImageResult
from engine.storage.folder import FolderStorage
from engine.store import generations
from engine.store.projects import add_chapter
from inkloom.worker import connect
from models.batches import BatchStatus
from models.options import GenerationKind, GenerationOptions
from models.tables import Chapter, Panel
from models.tables.story import PanelState
from tests.batched import Shelf, shelf
from tests.working import Painter, Writer, workers
from workflows.starting import start, start_batch

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(300)]

# Pictures, each a chapter of its own.
LARGE, SMALL = 40, 5


@pytest.fixture
async def mine(database: Database) -> AsyncIterator[Shelf]:
    async with shelf(database) as opened:
        yield opened


def one_panel(what: str, number: int) -> dict[str, object]:
    """A chapter of one panel that needs no writer."""
    panel = {"description": f"A {what}.", "caption": f"Number {number}.", "prompt": f"a {what} over the harbour"}
    return {"title": f"{what} {number}", "scenes": [{"panels": [panel]}]}


@pytest.mark.parametrize("processes", [1, 3], ids=["one worker", "three workers"])
async def test_a_small_project_is_not_behind_a_large_one(
    client: Client, temporal_address: str, database: Database, storage: FolderStorage, mine: Shelf, processes: int
) -> None:
    """While the large one has forty pictures waiting, the small one's five are drawn in turns with them.

    In the order of arrival, all of the large one's would come first.
    """
    drawn: list[str] = []
    go_on = asyncio.Event()

    async def held(request: ImageRequest) -> ImageResult | None:
        await go_on.wait()
        drawn.append("boat" if "boat" in request.prompt else "kite")
        return None

    options = GenerationOptions(until="pages")
    large = await mine.chapters_of([one_panel("kite", number) for number in range(LARGE)])
    small = await mine.chapters_of([one_panel("boat", number) for number in range(SMALL)])
    many = await mine.batch(large, options, at_a_time=LARGE)
    few = await mine.batch(small, options, at_a_time=SMALL)
    async with AsyncExitStack() as stack:
        for _ in range(processes):
            # A client may have one worker of each queue.
            own = await connect(temporal_address, client.namespace)
            await stack.enter_async_context(workers(own, database, storage, Writer(), Painter(held), image_slots=1))
        for batch, chapters in ((many, large), (few, small)):
            await start_batch(client, batch)
            await written(mine, chapters)
        go_on.set()
        assert (await mine.ended(few)).status == BatchStatus.COMPLETED
        last = len(drawn) - 1 - drawn[::-1].index("boat")
        await mine.ended(many)
    # In turns, one for one; before that, what each process had taken already.
    assert drawn[:last].count("kite") <= 2 * SMALL + 3 * processes


async def test_a_person_is_not_behind_a_batch(
    client: Client, database: Database, storage: FolderStorage, mine: Shelf
) -> None:
    """A chapter that a person generates is drawn before what a batch of the same project has waiting.

    Fairness alone would not do it: within a project pictures are drawn in the order of their arrival.
    """
    drawn: list[str] = []
    go_on = asyncio.Event()

    async def held(request: ImageRequest) -> ImageResult | None:
        await go_on.wait()
        drawn.append("boat" if "boat" in request.prompt else "kite")
        return None

    options = GenerationOptions(until="pages")
    waiting = await mine.chapters_of([one_panel("kite", number) for number in range(LARGE // 2)])
    async with database.session() as session:
        project_id, script = waiting[0].project_id, one_panel("boat", 0)
        chapter = await add_chapter(session, project_id, title="boat", source_text="", script=script)
        generation = await generations.request(
            session, project_id=project_id, chapter_id=chapter.id, kind=GenerationKind.CHAPTER, options=options
        )
    batch = await mine.batch(waiting, options, at_a_time=len(waiting))
    async with workers(client, database, storage, Writer(), Painter(held), image_slots=1):
        await start_batch(client, batch)
        await written(mine, waiting)
        await start(database, client, generation)
        await written(mine, [*waiting, chapter])
        go_on.set()
        assert (await mine.ended(batch)).status == BatchStatus.COMPLETED
    # Before it, what the worker had taken already.
    assert drawn.index("boat") <= 3


async def written(mine: Shelf, chapters: Sequence[Chapter]) -> None:
    """Wait until every picture of these chapters waits to be drawn."""
    query = select(func.count()).where(Panel.project_id == chapters[0].project_id, Panel.state == PanelState.WRITTEN)
    async with asyncio.timeout(120):
        while True:
            async with mine.database.session() as session:
                if (await session.exec(query)).one() == len(chapters):
                    return
            await asyncio.sleep(0.2)
