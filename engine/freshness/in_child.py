"""Computes from the rows of a chapter, in a child process that reads them itself."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from engine.db.session import Database
from models.tables import Chapter


def computed_of(
    database_url: str,
    environment: Mapping[str, str],
    chapter_id: UUID,
    function: Callable[..., Awaitable[Any]],
    arguments: tuple[Any, ...],
) -> Any:
    """What a function answers, given a session, the chapter and these arguments.

    Unlike others, this child is connected to the database: the rows of a long chapter would cost more to send.
    `environment` is what libpq reads beside the URL, such as `PGPASSWORD`; it is gone when the function returns.
    """

    async def work() -> Any:
        database = Database(database_url, pool_size=1)
        try:
            async with database.session() as session:
                return await function(session, await session.get_one(Chapter, chapter_id), *arguments)
        finally:
            await database.close()

    os.environ.update(environment)
    try:
        return asyncio.run(work())
    finally:
        for name in environment:
            del os.environ[name]
