"""A database for commands that need nothing else: no Temporal, no workers, no migration."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.endpoints import database_url
from inkloom.local.stack import Stack
from inkloom.local.state import StateFile

# Settings that name a Temporal start none; this one is never connected to.
_NO_TEMPORAL = "127.0.0.1:9"
_NOTHING = (sys.executable, "-c", "")


def runs_here(settings: Settings) -> bool:
    """Whether a stack runs on the data folder."""
    owner = StateFile(settings.data.expanduser().absolute()).read().owner
    return owner is not None and owner.alive()


@asynccontextmanager
async def database_alone(settings: Settings, report: Callable[[str], None]) -> AsyncIterator[str]:
    """The address of the configured database, or of that of the running stack, or else of the embedded one, started for
    this block and as it is.
    """
    if settings.database_url:
        yield settings.database_url
    elif runs_here(settings):
        yield database_url(settings, StateFile(settings.data.expanduser().absolute()).read())
    else:
        alone = settings.model_copy(update={"temporal_address": _NO_TEMPORAL})
        commands = Commands(migrate=_NOTHING, workers={})
        async with Stack(alone, api=False, report=report, commands=commands) as endpoints:
            yield endpoints.database_url
