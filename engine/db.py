"""One engine per process; a session is one transaction that commits at its edge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput


def driver_url(database_url: str) -> URL:
    """The address as SQLAlchemy wants it, whatever spelling the user knows it by."""
    try:
        url = make_url(database_url)
    except Exception as error:
        raise BadInput("INKLOOM_DATABASE_URL cannot be read; it looks like postgresql://user@host:5432/name") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise BadInput(f"INKLOOM_DATABASE_URL names {url.get_backend_name()!r}; only Postgres can be used")
    return url.set(drivername="postgresql+psycopg")


class Database:
    """Owns the connection pool of a process."""

    def __init__(self, database_url: str, *, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            driver_url(database_url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            # A restarted Postgres leaves dead connections in the pool; finding that out costs a round trip, an
            # activity failed on a dead one costs a retry.
            pool_pre_ping=True,
        )
        self._sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed when the block ends well, rolled back when it does not."""
        async with self._sessions() as session, session.begin():
            yield session

    async def close(self) -> None:
        await self.engine.dispose()
