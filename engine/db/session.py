"""One engine per process; a session is one transaction that commits when its block ends."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import URL, CursorResult, Dialect, Engine, Executable, Row, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.pool import FairPool
from engine.errors import BadInput

# The key under which a session finds how to read without a transaction.
_ALONE = "alone"

RowT = TypeVar("RowT", bound=NamedTuple)


def driver_url(database_url: str) -> URL:
    """The URL for SQLAlchemy, whatever spelling the user gave."""
    try:
        url = make_url(database_url)
    except Exception as error:
        raise BadInput("INKLOOM_DATABASE_URL cannot be read; it looks like postgresql://user@host:5432/name") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise BadInput(f"INKLOOM_DATABASE_URL names {url.get_backend_name()!r}; only Postgres can be used")
    return url.set(drivername="postgresql+psycopg")


async def execute(
    session: AsyncSession, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[Any]:
    """Run a statement in the session's transaction, past the ORM, which takes twice the time.

    For statements that every activity runs: over plain tables (`models.tables.columns.table`) or of text, built once
    with named parameters.
    """
    return await (await session.connection()).execute(statement, values)


async def read(
    session: AsyncSession, statement: Executable, values: Mapping[str, Any] | None = None
) -> Sequence[Row[Any]]:
    """The rows of one read-only statement, past the ORM like `execute`.

    In the session's transaction, if it has begun; otherwise in none. One statement sees one moment in any case, and
    beginning and ending a transaction are two more round trips.
    """
    if session.in_transaction():
        return (await execute(session, statement, values)).all()
    return await session.run_sync(_asked_alone, statement, values)


def _asked_alone(session: Session, statement: Executable, values: Mapping[str, Any] | None) -> Sequence[Row[Any]]:
    alone: Engine = session.info[_ALONE]
    with alone.connect() as connection:
        return connection.execute(statement, values).all()


@dataclass(frozen=True)
class Prepared(Generic[RowT]):
    """A statement with named parameters, and the class of its rows: a NamedTuple of its columns, in their order."""

    statement: Executable
    row: type[RowT]

    async def all(self, session: AsyncSession, **values: Any) -> list[RowT]:
        return [self.row(*row) for row in await execute(session, self.statement, values)]

    async def one(self, session: AsyncSession, **values: Any) -> RowT:
        return self.row(*(await execute(session, self.statement, values)).one())

    async def one_or_none(self, session: AsyncSession, **values: Any) -> RowT | None:
        row = (await execute(session, self.statement, values)).one_or_none()
        return None if row is None else self.row(*row)


# A connection idle for more than this many seconds is tested before use: a restarted Postgres leaves dead ones behind.
# Testing each time would add a third to the cost of a short transaction; if one died a moment ago, the statement fails
# and is retried as in any outage.
IDLE_SECONDS = 1.0


def _mark(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["idle_since"] = time.monotonic()


def _look(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
    now = time.monotonic()
    if now - record.info.get("idle_since", now) < IDLE_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except Exception as error:
        # The pool takes this as the order to reconnect.
        raise DisconnectionError from error


class Database:
    """Owns the connection pool of a process."""

    def __init__(self, database_url: str, *, pool_size: int = 10, patience: float = 30) -> None:
        """`patience`: seconds to wait for a connection while all are in use."""
        self.engine: AsyncEngine = create_async_engine(
            driver_url(database_url),
            pool_size=pool_size,
            max_overflow=0,
            poolclass=FairPool,
            pool_timeout=patience,
            # Parameters are stories, answers and hashes of keys: no error may quote them into a log.
            hide_parameters=True,
        )
        event.listen(self.engine.sync_engine.pool, "checkin", _mark)
        event.listen(self.engine.sync_engine.pool, "checkout", partial(_look, self.engine.dialect))
        alone = self.engine.sync_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(
            self.engine, class_=AsyncSession, expire_on_commit=False, info={_ALONE: alone}
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed if the block succeeds, rolled back otherwise. It begins with its first use."""
        session, well = self._sessions(), False
        try:
            yield session
            well = True
        finally:
            # An unused connection has nothing to return, and closing it takes a task.
            if session.in_transaction():
                async with session:
                    if well:
                        await session.commit()

    async def close(self) -> None:
        await self.engine.dispose()
