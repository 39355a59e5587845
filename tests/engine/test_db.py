"""The connection pool, when connections die in it."""

import asyncio

import pytest
from sqlalchemy import text

from activities.outages import is_outage
from engine.db import IDLE_SECONDS, Database
from inkloom.local.supervise import Endpoints

pytestmark = pytest.mark.integration


async def ended(database: Database, other: Database) -> None:
    """End the server's side of the one connection in the pool, as a restart of Postgres does."""
    async with database.session() as session:
        pid = (await (await session.connection()).execute(text("SELECT pg_backend_pid()"))).scalar_one()
    async with other.session() as session:
        await (await session.connection()).execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})


async def one(database: Database) -> int:
    async with database.session() as session:
        return int((await (await session.connection()).execute(text("SELECT 1"))).scalar_one())


async def test_a_connection_that_died_in_the_pool_is_replaced(endpoints: Endpoints, database: Database) -> None:
    """Nobody notices a restart of Postgres that happened while nothing was asked."""
    pool = Database(endpoints.database_url, pool_size=1)
    await ended(pool, database)
    await asyncio.sleep(IDLE_SECONDS)
    assert await one(pool) == 1
    await pool.close()


async def test_one_that_died_just_now_counts_as_an_outage(endpoints: Endpoints, database: Database) -> None:
    """It is found out by the statement, which may be tried again, and not a second time."""
    pool = Database(endpoints.database_url, pool_size=1)
    await ended(pool, database)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever it is, it must be told as an outage
        await one(pool)
    assert is_outage(caught.value)
    assert await one(pool) == 1
    await pool.close()
