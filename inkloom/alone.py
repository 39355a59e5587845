"""One process at a time: a lock in Postgres that ends with its holder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from engine.db.session import Database, execute
from models.sweeps import SweepKind

# The first half of an advisory lock's key; the second is the kind's place.
_LOCKS = 743164
# The lock may be held for hours, in a transaction that does nothing else: a limit on such must not end it.
_TRY = text(
    "SELECT pg_try_advisory_xact_lock(:locks, :kind), set_config('idle_in_transaction_session_timeout', '0', true)"
)


@asynccontextmanager
async def alone(database: Database, kind: SweepKind) -> AsyncIterator[bool]:
    """Whether this process is the one that sweeps for this kind until the block ends.

    The transaction that holds the lock does nothing else, so it keeps no row and no old version of one. Its connection
    ends with the process, however that ends.
    """
    async with database.session() as session:
        held = await execute(session, _TRY, {"locks": _LOCKS, "kind": list(SweepKind).index(kind)})
        yield bool(held.scalar_one())
