"""A workflow that cannot replay, and work that no worker takes, are seen; a cancellation ends both."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from engine.db.session import Database
from engine.images import ImageRequest, ImageResult
from engine.storage import Storage
from engine.store import delays, events, reviews
from engine.store.rows import get
from inkloom.stuck import QUIET, SETTLED, searched
from inkloom.sweeper import sweep
from inkloom.worker import Parts, build_workers, connect, sandbox
from models.ids import generation_workflow_id
from models.options import DelayReason, GenerationStatus
from models.tables import Generation
from tests.conftest import Order, Ordered
from tests.support.another_build import AnotherBuild
from tests.working import STORY, Generate, Painter, Working, Writer, again, finished, reached
from workflows.dispatch.queues import WORKFLOWS
from workflows.starting import start, wake

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(240)]

FoundT = TypeVar("FoundT")


@asynccontextmanager
async def another_build(address: str, client: Client, database: Database, storage: Storage) -> AsyncIterator[None]:
    """Workers of a version in which chapters go another way."""
    # A client may have one worker of each queue, and all that are built count, started or not.
    chapters_client, client = [await connect(address, client.namespace) for _ in range(2)]
    parts = Parts(database, storage, {"offline": Writer()}, {"offline": Painter()})
    chapters = Worker(chapters_client, task_queue=WORKFLOWS, workflows=[AnotherBuild], workflow_runner=sandbox())
    async with contextlib.AsyncExitStack() as stack:
        for one in (chapters, *build_workers(client, parts)[1:]):
            await stack.enter_async_context(one)
        yield


async def swept_until(database: Database, client: Client, look: Callable[[], Awaitable[FoundT]]) -> FoundT:
    """Sweep as the worker does until something is found."""
    async with asyncio.timeout(120):
        while True:
            await sweep(database, client, timedelta(0))
            if found := await look():
                return found
            await asyncio.sleep(0.5)


async def listed(database: Database, ordered: Ordered) -> list[delays.Listed]:
    async with database.session() as session:
        return await delays.waiting_of(session, [ordered.run.generation_id])


async def begin(client: Client, database: Database, ordered: Ordered) -> None:
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
    await start(database, client, generation)


@pytest.mark.slow
async def test_a_workflow_that_cannot_replay_is_seen_cancelled_and_retried_for_nothing(
    client: Client, temporal_address: str, database: Database, storage: Storage, order: Order, working: Working
) -> None:
    """It says so within seconds, a cancellation ends it though its code cannot, and its chapter is free again."""
    ordered = await order(STORY, review="outline", until="script")
    async with working(Writer(), Painter()):
        await begin(client, database, ordered)
        await reached(database, ordered, GenerationStatus.WAITING_REVIEW)
    async with another_build(temporal_address, client, database, storage):
        async with database.session() as session:
            woken = await reviews.approve(session, ordered.scope, ordered.run.chapter_id)
        await wake(client, woken)
        [delay] = await swept_until(database, client, lambda: listed(database, ordered))
        assert (delay.reason, delay.target_id) == (DelayReason.REPLAY, ordered.run.chapter_id)
        assert "cancel the generation and request it again" in delay.message
        assert "Nondeterminism" in delay.said
        async with database.session() as session:
            told = await events.of_generation(session, ordered.run.generation_id, 0, 200)
        assert [event.data["reason"] for event in told if event.type == "generation.delayed"] == ["replay"]
        await client.get_workflow_handle(generation_workflow_id(ordered.run.generation_id)).cancel()

        async def ended() -> Generation | None:
            async with database.session() as session:
                found = await get(session, ordered.scope, Generation, ordered.run.generation_id)
            return found if found.finished_at is not None else None

        generation = await swept_until(database, client, ended)
    assert generation is not None
    assert generation.status == GenerationStatus.CANCELLED
    assert await listed(database, ordered) == []
    writer = Writer()
    retried = await again(database, ordered)
    async with working(writer, Painter()):
        await begin(client, database, retried)
        await reached(database, retried, GenerationStatus.WAITING_REVIEW)
    assert writer.asked == []


@pytest.mark.slow
async def test_a_queue_without_a_worker_is_seen(
    client: Client, database: Database, storage: Storage, order: Order
) -> None:
    """Pictures wait for an artist that no worker has; once one has it, nothing waits."""
    ordered = await order("Mara laughed.", images="local")
    flow = Parts(database, storage, {"offline": Writer()}, {})
    drawing = Parts(database, storage, {}, {"local": Painter()})
    async with contextlib.AsyncExitStack() as stack:
        for one in build_workers(client, flow, "flow"):
            await stack.enter_async_context(one)
        await begin(client, database, ordered)
        found = await swept_until(database, client, lambda: listed(database, ordered))
        assert {delay.reason for delay in found} == {DelayReason.NO_WORKER}
        assert "No worker serves the queue images-local." in found[0].message
        for one in build_workers(client, drawing, "draw"):
            await stack.enter_async_context(one)
        generation = await finished(database, ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert await listed(database, ordered) == []


async def test_what_goes_on_is_not_searched(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """A round beside a generation that works finds nothing to say about it."""
    ordered = await order("Mara laughed.")
    looked = asyncio.Event()

    async def hold(_: ImageRequest) -> ImageResult | None:
        await looked.wait()
        return None

    async with working(Writer(), Painter(hold)):
        running = asyncio.ensure_future(generate(ordered))
        await reached_drawing(database, ordered)
        await sweep(database, client, timedelta(0))
        assert [one for one in await listed(database, ordered) if one.reason != DelayReason.CALL_UNDER_WAY] == []
        looked.set()
        assert (await running).status == GenerationStatus.COMPLETED


async def reached_drawing(database: Database, ordered: Ordered) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.session() as session:
                told = await events.of_generation(session, ordered.run.generation_id, 0, 200)
            if any(event.type == "panel.written" for event in told):
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("status", "quiet", "looked_at"),
    [
        (GenerationStatus.RUNNING, QUIET / 2, False),
        (GenerationStatus.RUNNING, QUIET, True),
        (GenerationStatus.RUNNING, 100 * SETTLED, True),
        (GenerationStatus.WAITING_REVIEW, QUIET / 2, False),
        (GenerationStatus.WAITING_REVIEW, QUIET, True),
        (GenerationStatus.WAITING_REVIEW, SETTLED, False),
        (GenerationStatus.BUDGET_EXCEEDED, SETTLED, False),
        (GenerationStatus.PAUSED, SETTLED, False),
    ],
)
def test_what_waits_for_a_person_is_not_searched_for_ever(
    status: GenerationStatus, quiet: timedelta, looked_at: bool
) -> None:
    assert searched(status, quiet) is looked_at
