"""Decisions about a batch meet its steps at any moment: nothing stays open for ever, and none is thrown out."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text, update
from sqlmodel import col

from engine.batches.advance import advance
from engine.db.session import Database, execute
from engine.store import batches, generations
from models.batches import BatchStatus, ItemState
from models.options import GenerationStatus
from models.tables import BatchItem
from tests.batched import Shelf, shelf

pytestmark = pytest.mark.integration

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND pid <> pg_backend_pid()"
)


@pytest.fixture
async def mine(database: Database) -> AsyncIterator[Shelf]:
    async with shelf(database) as opened:
        yield opened


async def blocked(database: Database) -> None:
    """Wait until someone waits for a lock."""
    async with asyncio.timeout(30):
        while True:
            async with database.session() as session:
                if (await execute(session, _WAITING)).scalar_one():
                    return
            await asyncio.sleep(0.02)


async def test_cancelled_in_the_moment_in_which_an_item_fails(mine: Shelf, database: Database) -> None:
    """The item is not put back for another attempt that never comes: the batch ends."""
    batch = await mine.batch(await mine.chapters(1), attempts=3)
    (start,) = (await advance(database, batch.id)).starts
    async with database.session() as session:
        await generations.end(session, start.project_id, start.generation_id, GenerationStatus.FAILED)
    async with database.session() as session:
        # The step has read the batch, and waits for the calls of its items.
        await execute(session, text("LOCK TABLE provider_calls IN ACCESS EXCLUSIVE MODE"))
        step = asyncio.create_task(advance(database, batch.id))
        await blocked(database)
        async with database.session() as other:
            await batches.cancel(other, mine.scope, batch.id)
    await asyncio.wait_for(step, 30)
    assert (await advance(database, batch.id)).ended
    assert (await mine.read(batch)).status == BatchStatus.CANCELLED
    assert {item.state for item in await mine.items(batch)} == {ItemState.CANCELLED}


async def test_a_cancellation_and_an_item_that_cannot_start_do_not_wait_for_each_other(
    mine: Shelf, database: Database
) -> None:
    """Both lock the batch before its items, so that neither is thrown out for a deadlock."""
    batch = await mine.batch(await mine.chapters(2))
    async with database.session() as session:
        gone = {"target_ids": [str(uuid4())]}
        await session.exec(update(BatchItem).where(col(BatchItem.batch_id) == batch.id).values(**gone))
    async with database.session() as session:
        async with database.session() as other:
            # The step is about to look for the chapter.
            await execute(other, text("LOCK TABLE chapters IN ACCESS EXCLUSIVE MODE"))
            step = asyncio.create_task(advance(database, batch.id))
            await blocked(database)
            await batches.locked(session, mine.scope, batch.id)
        await blocked(database)
        await batches.cancel(session, mine.scope, batch.id)
    await asyncio.wait_for(step, 30)
    assert (await advance(database, batch.id)).ended
    assert (await mine.read(batch)).status == BatchStatus.CANCELLED
