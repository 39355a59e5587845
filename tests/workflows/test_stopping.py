"""A worker that stops, and a generation that is cancelled, wait for the answers that are paid for already."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlmodel import col, select
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from engine.db.session import Database
from engine.images import ImageRequest, ImageResult
from engine.storage.folder import FolderStorage
from engine.store.rows import get
from inkloom.worker import STORING, Parts, build_workers
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Generation, ProviderCall
from tests.conftest import Order, Ordered
from tests.working import Painter, Writer, finished
from workflows.starting import start

pytestmark = pytest.mark.workflow

# Longer than a machine under load needs for what is waited for, and less than a test may take.
LONG, SHORT = 60.0, 0.1


class SlowArtist:
    """Draws a panel once `until` has come; `drawing` says that a call is under way."""

    def __init__(self, until: Callable[[], Awaitable[object]]) -> None:
        self.drawing = asyncio.Event()
        self.painter = Painter(self._draw)
        self._until = until

    @property
    def panels(self) -> int:
        return sum(request.panel is not None for request in self.painter.asked)

    async def _draw(self, request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            self.drawing.set()
            await self._until()
        return None


async def at_once() -> None: ...


async def never() -> None:
    await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def running(
    client: Client, database: Database, storage: FolderStorage, artist: SlowArtist, **more: Any
) -> AsyncIterator[list[Worker]]:
    parts = Parts(
        database=database,
        storage=storage,
        writers={"offline": Writer()},
        artists={"offline": artist.painter},
        **more,
    )
    workers = build_workers(client, parts)
    async with contextlib.AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        yield workers


async def begun(client: Client, database: Database, ordered: Ordered, artist: SlowArtist) -> Generation:
    """The generation once the artist draws for it."""
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
    await start(database, client, generation)
    await asyncio.wait_for(artist.drawing.wait(), LONG)
    return generation


async def drafts_of(database: Database, ordered: Ordered) -> list[str]:
    """The states of the calls for drafts."""
    query = (
        select(ProviderCall.state)
        .where(ProviderCall.generation_id == ordered.run.generation_id, ProviderCall.purpose == "draft")
        .order_by(col(ProviderCall.id))
    )
    async with database.session() as session:
        return [str(state) for state in (await session.exec(query)).all()]


async def test_a_worker_that_stops_receives_the_answers_under_way_and_sends_no_more(
    client: Client, database: Database, storage: FolderStorage, order: Order
) -> None:
    """Three drafts, one slot: the one under way is stored, those that wait for the slot are left to the next worker."""
    ordered, artist = await order("Mara laughed.", drafts=3), SlowArtist(activity.wait_for_worker_shutdown)
    async with running(client, database, storage, artist, image_slots=1, image_patience=LONG) as workers:
        await begun(client, database, ordered, artist)
        await asyncio.wait_for(asyncio.gather(*(worker.shutdown() for worker in workers)), LONG)
    assert (artist.panels, await drafts_of(database, ordered)) == (1, ["confirmed"])
    # The next worker pays for the other two, and for nothing twice.
    later = SlowArtist(at_once)
    async with running(client, database, storage, later):
        generation = await finished(database, ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert (later.panels, await drafts_of(database, ordered)) == (2, ["confirmed"] * 3)


async def test_patience_ends(client: Client, database: Database, storage: FolderStorage, order: Order) -> None:
    """With a lower setting a worker stops without the answer, and the call may have been billed."""
    ordered, artist = await order("Mara laughed."), SlowArtist(never)
    async with running(client, database, storage, artist, image_patience=SHORT - STORING) as workers:
        await begun(client, database, ordered, artist)
        await asyncio.wait_for(asyncio.gather(*(worker.shutdown() for worker in workers)), LONG)
    assert await drafts_of(database, ordered) == ["submitted"]


@pytest.mark.parametrize(("patience", "state"), [(LONG, "confirmed"), (SHORT, "unknown")])
async def test_a_cancel_waits_for_the_answer_under_way(
    client: Client, database: Database, storage: FolderStorage, order: Order, patience: float, state: str
) -> None:
    """It is stored, however long the artist takes within the patience that is set; beyond, it may have been billed."""
    cancelled = activity.wait_for_cancelled
    ordered, artist = await order("Mara laughed."), SlowArtist(cancelled if state == "confirmed" else never)
    async with running(client, database, storage, artist, image_patience=patience):
        generation = await begun(client, database, ordered, artist)
        await client.get_workflow_handle(generation_workflow_id(generation.id)).cancel()
        assert (await finished(database, ordered)).status == GenerationStatus.CANCELLED
    assert await drafts_of(database, ordered) == [state]
