"""The connection pool: whose turn it is, what happens when connections die in it, and when a transaction begins."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import col, select

from activities.outages import is_outage
from engine.db.session import IDLE_SECONDS, Database, read
from models.tables import User

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


async def test_a_connection_that_died_in_the_pool_is_replaced(database_url: str, database: Database) -> None:
    """Nobody notices a restart of Postgres that happened while nothing was asked."""
    pool = Database(database_url, pool_size=1)
    await ended(pool, database)
    await asyncio.sleep(IDLE_SECONDS)
    assert await one(pool) == 1
    await pool.close()


async def test_one_that_died_just_now_counts_as_an_outage(database_url: str, database: Database) -> None:
    """It is found out by the statement, which may be tried again, and not a second time."""
    pool = Database(database_url, pool_size=1)
    await ended(pool, database)
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever it is, it must be told as an outage
        await one(pool)
    assert is_outage(caught.value)
    assert await one(pool) == 1
    await pool.close()


async def test_who_waits_longest_is_served_first(database_url: str) -> None:
    """Whoever gives a connection back and wants one again at once is behind those who waited meanwhile."""
    pool = Database(database_url, pool_size=1)
    served: list[str] = []

    async def ask(name: str) -> None:
        async with pool.engine.connect():
            served.append(name)

    mine = await pool.engine.connect()
    waiting = [asyncio.create_task(ask(name)) for name in ("second", "third")]
    await asyncio.sleep(0.05)
    await mine.close()
    await ask("again")
    await asyncio.gather(*waiting)
    assert served == ["second", "third", "again"]
    await pool.close()


async def test_who_gives_up_in_the_moment_of_being_served_keeps_no_connection(database_url: str) -> None:
    pool = Database(database_url, pool_size=1)
    for pauses in range(8):
        free = asyncio.Event()

        async def hold(free: asyncio.Event = free) -> None:
            async with pool.session() as session:
                await session.connection()
                await free.wait()

        holding, waiting = asyncio.create_task(hold()), asyncio.create_task(one(pool))
        await asyncio.sleep(0.02)
        free.set()
        for _ in range(pauses):
            await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await holding
        assert await asyncio.wait_for(one(pool), 5) == 1
    await pool.close()


async def test_whoever_waits_too_long_is_told(database_url: str) -> None:
    pool = Database(database_url, pool_size=1, patience=0.1)
    async with pool.session() as session:
        await session.connection()
        with pytest.raises(PoolTimeout):
            await one(pool)
    assert await one(pool) == 1
    await pool.close()


async def test_a_statement_that_reads_alone_needs_no_transaction_and_leaves_none(database_url: str) -> None:
    """The connection is the pool's only one: whoever gets it next has a transaction again."""
    pool = Database(database_url, pool_size=1)
    is_alone = text("SELECT now() = statement_timestamp()")
    async with pool.session() as session:
        assert [row[0] for row in await read(session, is_alone)] == [True]
        assert not session.in_transaction()
    async with pool.session() as session:
        await read(session, text("SELECT 1"))
        await (await session.connection()).execute(text("SELECT pg_sleep(0.01)"))
        assert [row[0] for row in await read(session, is_alone)] == [False]
    await pool.close()


async def test_a_statement_that_reads_sees_what_its_session_has_written(database: Database) -> None:
    async with database.session() as session:
        user = User(email=f"{uuid4().hex}@example.org", name="Mara")
        session.add(user)
        await session.flush()
        found = await read(session, text("SELECT count(*) FROM users WHERE id = :id"), {"id": user.id})
        assert [row[0] for row in found] == [1]


async def test_a_session_that_ends_badly_has_written_nothing(database: Database) -> None:
    """Whether it went wrong before or after the rows were sent; one that ends well has written all, sent or not."""
    kept, lost, unsent = (User(email=f"{uuid4().hex}@example.org", name="Mara") for _ in range(3))
    async with database.session() as session:
        session.add(kept)
    for user, flush in ((lost, True), (unsent, False)):
        with suppress(LookupError):
            async with database.session() as session:
                session.add(user)
                if flush:
                    await session.flush()
                raise LookupError
    async with database.session() as session:
        wanted = select(User.email).where(col(User.email).in_([kept.email, lost.email, unsent.email]))
        assert (await session.exec(wanted)).all() == [kept.email]
