"""Deletes expired rows regularly, so that no table grows forever."""

from sqlalchemy import text

from engine.db.session import Database, execute
from engine.store import idempotency, throttles

# How long a webhook's deliveries can be looked up.
DELIVERIES_DAYS = 30

# Kept a day longer than they are valid: an access token may outlive its login a little.
_STATEMENTS = (
    text("DELETE FROM refresh_tokens WHERE expires_at < clock_timestamp() - interval '1 day'"),
    text("DELETE FROM tickets WHERE expires_at < clock_timestamp() - interval '1 day'"),
    text(
        "DELETE FROM access_tokens WHERE LEAST(expires_at, revoked_at) < clock_timestamp() - interval '30 days'"
        # `LEAST` ignores nulls.
        " AND num_nonnulls(expires_at, revoked_at) > 0"
    ),
    text("DELETE FROM deliveries WHERE ended_at < clock_timestamp() - make_interval(days => :days)").bindparams(
        days=DELIVERIES_DAYS
    ),
    # The delivery's workflow is started again: if Temporal still has it, nothing happens; if Temporal lost it, the
    # message is sent after all.
    text(
        "UPDATE deliveries SET started_at = NULL"
        " WHERE state = 'pending' AND started_at < clock_timestamp() - interval '1 hour'"
    ),
)


async def forget(database: Database) -> None:
    """Run once. Each table is a transaction of its own; what fails is tried again in the next round."""
    async with database.session() as session:
        await throttles.forget(session)
    async with database.session() as session:
        await idempotency.forget(session)
    for statement in _STATEMENTS:
        async with database.session() as session:
            await execute(session, statement)
