"""Removals that need not be waited for."""

from sqlalchemy import text

from engine.db.session import Database, execute


async def everything_due(database: Database) -> None:
    """As if half an hour had passed."""
    async with database.session() as session:
        await execute(session, text("UPDATE removals SET due_at = clock_timestamp() WHERE done_at IS NULL"))
