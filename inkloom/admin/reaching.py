"""The servers that an operator's command works on: those that are configured, or the embedded ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.db.session import Database
from engine.settings import Settings
from inkloom.commands import report
from inkloom.local.commands import Commands
from inkloom.local.signals import cancelled_by_signals
from inkloom.local.stack import Endpoints, Stack


@asynccontextmanager
async def servers(settings: Settings, *, temporal: bool = True) -> AsyncIterator[Endpoints]:
    """Where the servers are. Embedded ones are started if they do not run; no worker is, which would make calls."""
    with cancelled_by_signals():
        if settings.database_url and (settings.temporal_address or not temporal):
            yield Endpoints(settings.database_url, settings.temporal_address or "", None, None)
            return
        async with Stack(settings, api=False, report=report, commands=Commands(workers={})) as endpoints:
            yield endpoints


@asynccontextmanager
async def database_of(settings: Settings) -> AsyncIterator[Database]:
    """The database alone."""
    async with servers(settings, temporal=False) as there:
        database = Database(there.database_url, pool_size=2)
        try:
            yield database
        finally:
            await database.close()
