"""The event log: numbered without gaps, in the order of commits."""

import asyncio
import random

import pytest

from engine.db.session import Database
from engine.store import events
from engine.store.progress import complete_and_tell, plan
from models.events import EventType
from tests.conftest import Order

pytestmark = pytest.mark.integration


async def test_numbers_follow_commits_and_a_rollback_leaves_no_gap(database: Database, order: Order) -> None:
    """Forty writers at once, a quarter of which fail: what a reader sees grows at its end only, without holes."""
    ordered = await order()
    project, generation = ordered.run.project_id, ordered.run.generation_id
    stop = asyncio.Event()
    snapshots: list[list[int]] = []

    async def write(number: int) -> None:
        try:
            async with database.session() as session:
                await asyncio.sleep(random.random() / 50)
                await events.emit(session, project, generation, EventType.PANEL_WRITTEN, {"number": number})
                await asyncio.sleep(random.random() / 50)
                if number % 4 == 0:
                    raise RuntimeError("rolled back")
        except RuntimeError:
            pass

    async def read() -> None:
        while not stop.is_set():
            async with database.session() as session:
                snapshots.append([event.seq for event in await events.of_project(session, project, 0, 1000)])

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(40)))
    stop.set()
    await reader
    async with database.session() as session:
        final = [event.seq for event in await events.of_project(session, project, 0, 1000)]
    assert final == list(range(1, 1 + 1 + 30))
    assert all(snapshot == final[: len(snapshot)] for snapshot in snapshots)


async def test_a_client_that_comes_back_misses_nothing(database: Database, order: Order) -> None:
    """Pages of events after the last one seen, put together, are the log."""
    ordered = await order()
    for number in range(7):
        async with database.session() as session:
            await events.emit(
                session,
                ordered.run.project_id,
                ordered.run.generation_id,
                EventType.PANEL_WRITTEN,
                {"number": number},
            )
    seen: list[int] = []
    while True:
        async with database.session() as session:
            after = seen[-1] if seen else 0
            fresh = await events.of_generation(session, ordered.run.generation_id, after, 3)
        if not fresh:
            break
        seen += [event.seq for event in fresh]
    assert seen == list(range(1, 9))


async def test_progress_and_events_in_either_order_do_not_wait_for_each_other_for_ever(
    database: Database, order: Order
) -> None:
    """The generation is locked before the project by everybody: a deadlock would end one of these with an error."""
    ordered = await order()
    project, generation = ordered.run.project_id, ordered.run.generation_id
    async with database.session() as session:
        await plan(session, generation, {f"step {number}": 1 for number in range(40)})

    async def work(number: int) -> None:
        async with database.session() as session:
            if number % 2:
                await events.emit(session, project, generation, EventType.PANEL_DRAFTED, {})
            await asyncio.sleep(0.002)
            await complete_and_tell(session, project, generation, f"step {number}")

    await asyncio.gather(*(work(number) for number in range(40)))
    async with database.session() as session:
        told = await events.of_generation(session, generation, 0, 1000)
    progress = [event.data["progress"] for event in told]
    assert progress == sorted(progress)
    assert progress[-1] == 0.999
