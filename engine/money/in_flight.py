"""Limits on calls in flight, of one project and to one provider, over all workers.

Slots limit what one worker sends; these hold however many workers there are. Both are off unless settings name them.
"""

from uuid import UUID

from sqlalchemy import bindparam, func, select, text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import RateLimited
from engine.money.budgets import AWAITED
from models.tables import ProviderCall
from models.tables.columns import table

# Seconds until a call that found no room looks again.
AGAIN = 1.0

_CALLS = table(ProviderCall)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 17))")
_OF_PROJECT = select(func.count()).where(_CALLS.c.project_id == bindparam("name"), AWAITED)
_OF_PROVIDER = select(func.count()).where(_CALLS.c.provider == bindparam("name"), AWAITED)


async def crowded(
    session: AsyncSession,
    project_id: UUID,
    provider: str,
    *,
    project_calls: int | None,
    provider_calls: int | None,
) -> RateLimited | None:
    """Why a call has to wait for others to be answered; None if there is room.

    The count stays locked until the call is reserved, so that simultaneous calls see each other.
    """
    for limit, statement, name, whose in (
        (project_calls, _OF_PROJECT, project_id, "The project has"),
        (provider_calls, _OF_PROVIDER, provider, f"{provider} is sent"),
    ):
        if limit is None:
            continue
        await execute(session, _LOCK, {"name": str(name)})
        if (await execute(session, statement, {"name": name})).scalar_one() >= limit:
            return RateLimited(f"{whose} {limit} calls at a time, as many as the settings allow.", retry_after=AGAIN)
    return None
