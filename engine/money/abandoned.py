"""Calls that nothing awaits any more: their generation has ended, or their process went with a lost database."""

from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import ProviderCall
from models.tables.ledger import CallState


async def abandon(session: AsyncSession, generation_id: UUID) -> None:
    """Settle the open calls of a generation that has ended: reserved ones were never sent, submitted ones are
    unknown.
    """
    await _abandon(session, "The generation ended before the answer came.", generation_id)


async def abandon_all(session: AsyncSession) -> None:
    """The same for all calls of a database that was restored from a backup: no process awaits them."""
    await _abandon(session, "The backup was made before the answer came.")


async def _abandon(session: AsyncSession, error: str, generation_id: UUID | None = None) -> None:
    of = [] if generation_id is None else [col(ProviderCall.generation_id) == generation_id]
    for before, after in ((CallState.RESERVED, CallState.FAILED), (CallState.SUBMITTED, CallState.UNKNOWN)):
        await session.exec(
            update(ProviderCall)
            .where(*of, col(ProviderCall.state) == before)
            .values(state=after, error=error, settled_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )
