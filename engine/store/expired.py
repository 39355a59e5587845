"""Deletes expired rows from time to time, so that no table grows forever."""

from sqlalchemy import text

from engine.db.session import Database, execute
from engine.store import idempotency, throttles

# How long the messages to an address can be looked up.
DELIVERIES_DAYS = 30

# A day more than they count: an access token may live a little longer than the login that it came from.
_STATEMENTS = (
    text("DELETE FROM refresh_tokens WHERE expires_at < clock_timestamp() - interval '1 day'"),
    text("DELETE FROM tickets WHERE expires_at < clock_timestamp() - interval '1 day'"),
    text(
        "DELETE FROM access_tokens WHERE LEAST(expires_at, revoked_at) < clock_timestamp() - interval '30 days'"
        # `LEAST` leaves out what is null.
        " AND num_nonnulls(expires_at, revoked_at) > 0"
    ),
    text("DELETE FROM deliveries WHERE ended_at < clock_timestamp() - make_interval(days => :days)").bindparams(
        days=DELIVERIES_DAYS
    ),
    # Its workflow is started again: where Temporal still has it, nothing comes of that; where it lost it, the message
    # goes on its way after all.
    text(
        "UPDATE deliveries SET started_at = NULL"
        " WHERE state = 'pending' AND started_at < clock_timestamp() - interval '1 hour'"
    ),
)


async def forget(database: Database) -> None:
    """One round. Each table is a transaction of its own; what fails is tried again the next time."""
    async with database.session() as session:
        await throttles.forget(session)
    async with database.session() as session:
        await idempotency.forget(session)
    for statement in _STATEMENTS:
        async with database.session() as session:
            await execute(session, statement)
