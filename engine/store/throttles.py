"""Limits attempts per key and period, across all processes and restarts."""

from datetime import timedelta

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import TooMany

# One statement, so that concurrent requests never take the same token. The expression computes the tokens that have
# refilled by now.
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
# Keys that begin so are no buckets: they record that something was proven, and when.
PROVEN = "proven:"
_PROVE = text(
    "INSERT INTO throttles (key, tries, at) VALUES (:key, 0, clock_timestamp())"
    " ON CONFLICT (key) DO UPDATE SET at = clock_timestamp()"
)
_PROVEN = text("SELECT 1 FROM throttles WHERE key = :key AND at > clock_timestamp() - interval '90 days'")
# Buckets that have refilled anyway, and old proofs.
FORGET = text(
    "DELETE FROM throttles WHERE at < clock_timestamp() - interval '1 day'"
    " AND (NOT starts_with(key, 'proven:') OR at < clock_timestamp() - interval '90 days')"
)


async def take_token(session: AsyncSession, key: str, tries: int, within: timedelta) -> float:
    """Take one token of `key`; 0.0, or the seconds until the next one."""
    values = {"key": key, "capacity": float(tries), "rate": tries / within.total_seconds()}
    if (await execute(session, _TAKE, values)).first() is not None:
        return 0.0
    return max(1.0, float((await execute(session, _WAIT, values)).scalar_one()))


async def spend(session: AsyncSession, key: str, tries: int, within: timedelta, what: str) -> None:
    """Take a token in the transaction of the attempt. Raises `TooMany`; `what` names the attempts in its message."""
    if wait := await take_token(session, key, tries, within):
        raise TooMany(f"Too many {what}. Try again in {round(wait)} seconds.", retry_after=wait)


async def refill(session: AsyncSession, key: str) -> None:
    """Refill the bucket: the user has proved their identity."""
    await execute(session, text("DELETE FROM throttles WHERE key = :key"), {"key": key})


async def prove(session: AsyncSession, key: str) -> None:
    """Remember for 90 days that a caller proved who they are; `key` says who, and from where."""
    await execute(session, _PROVE, {"key": PROVEN + key})


async def proven(session: AsyncSession, key: str) -> bool:
    """Whether that was proven in the last 90 days."""
    return (await execute(session, _PROVEN, {"key": PROVEN + key})).first() is not None
