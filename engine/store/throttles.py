"""Limits attempts per key and period, across all processes and restarts."""

from datetime import timedelta

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import TooMany

# One statement, so that however many ask at once, no try is given away twice. `left` is what would be there now.
_TAKE = text(
    "INSERT INTO throttles AS t (key, tries, at) VALUES (:key, :capacity - 1.0, clock_timestamp())"
    " ON CONFLICT (key) DO UPDATE SET at = clock_timestamp(), tries ="
    " LEAST(:capacity, t.tries + EXTRACT(EPOCH FROM clock_timestamp() - t.at) * :rate) - 1.0"
    " WHERE LEAST(:capacity, t.tries + EXTRACT(EPOCH FROM clock_timestamp() - t.at) * :rate) >= 1.0"
    " RETURNING tries"
)
_WAIT = text(
    "SELECT (1.0 - LEAST(:capacity, tries + EXTRACT(EPOCH FROM clock_timestamp() - at) * :rate)) / :rate"
    " FROM throttles WHERE key = :key"
)
_FORGET = text("DELETE FROM throttles WHERE at < clock_timestamp() - interval '1 day'")


async def take(session: AsyncSession, key: str, tries: int, within: timedelta) -> float:
    """Take one of the tries that `key` has; 0, or the seconds after which there is another."""
    values = {"key": key, "capacity": float(tries), "rate": tries / within.total_seconds()}
    if (await execute(session, _TAKE, values)).first() is not None:
        return 0.0
    return max(1.0, float((await execute(session, _WAIT, values)).scalar_one()))


async def spend(session: AsyncSession, key: str, tries: int, within: timedelta, what: str) -> None:
    """Take one in the transaction of what it is for. Raises `TooMany`; `what` says of what there were too many."""
    if wait := await take(session, key, tries, within):
        raise TooMany(f"Too many {what}. Try again in {round(wait)} seconds.", retry_after=wait)


async def give_back(session: AsyncSession, key: str) -> None:
    """All tries are there again: whoever it was has shown to be who they say."""
    await execute(session, text("DELETE FROM throttles WHERE key = :key"), {"key": key})


async def forget(session: AsyncSession) -> None:
    """Remove what is full again anyway."""
    await execute(session, _FORGET)
