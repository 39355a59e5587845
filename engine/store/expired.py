"""Deletes expired rows regularly, so that no table grows forever."""

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from engine.db.session import Database, execute
from engine.store import idempotency, throttles

# How long a webhook's deliveries can be looked up.
DELIVERIES_DAYS = 30

# By what they are called where they are counted.
_STATEMENTS = {
    "throttles": throttles.FORGET,
    "idempotency_keys": idempotency.FORGET,
    # Kept a day longer than they are valid: an access token may outlive its login a little.
    "logins": text("DELETE FROM refresh_tokens WHERE expires_at < clock_timestamp() - interval '1 day'"),
    "tickets": text("DELETE FROM tickets WHERE expires_at < clock_timestamp() - interval '1 day'"),
    "access_tokens": text(
        "DELETE FROM access_tokens WHERE LEAST(expires_at, revoked_at) < clock_timestamp() - interval '30 days'"
        # `LEAST` ignores nulls.
        " AND num_nonnulls(expires_at, revoked_at) > 0"
    ),
    "deliveries": text(
        "DELETE FROM deliveries WHERE ended_at < clock_timestamp() - make_interval(days => :days)"
    ).bindparams(days=DELIVERIES_DAYS),
    # The delivery's workflow is started again: if Temporal still has it, nothing happens; if Temporal lost it, the
    # message is sent after all.
    "deliveries_to_start_again": text(
        "UPDATE deliveries SET started_at = NULL"
        " WHERE state = 'pending' AND started_at < clock_timestamp() - interval '1 hour'"
    ),
}


async def forget(database: Database, *, dry_run: bool = False) -> dict[str, int]:
    """Run once; returns how many rows of each kind there were. A dry run changes nothing.

    Each table is a transaction of its own. One that fails does not keep the others from it; its error comes last.
    """
    found, failed = {}, []
    for name, statement in _STATEMENTS.items():
        try:
            async with database.session() as session:
                found[name] = (await execute(session, statement)).rowcount
                if dry_run:
                    await session.rollback()
        except SQLAlchemyError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return found
