"""What generations of a running stack wait for, for `doctor`: delays, and workers that are missing."""

import asyncio
from datetime import UTC, datetime

from engine.db.session import Database
from engine.settings import Settings
from engine.store import delays
from inkloom.local.endpoints import database_url, servers_answer
from inkloom.local.state import StateFile
from models.options import DelayReason

PATIENCE = 5.0
# Seconds that a delay may last before it is a finding.
LONG = 30.0
NAME = "waiting generations"
_FIXES = {
    DelayReason.PROVIDER_DOWN: "start the provider, or name another one with --llm-fallback or --image-fallback",
    DelayReason.RATE_LIMITED: "wait, or raise the limit at the provider",
    DelayReason.DISK_FULL: "free some space, or name another place in INKLOOM_STORAGE",
    DelayReason.STORAGE: "check INKLOOM_STORAGE and its permissions",
    DelayReason.NO_WORKER: "look why the worker does not run: logs/worker-*.log in the data folder",
    DelayReason.REPLAY: "run the version that began it; or cancel the generation and request it again",
}
_OTHERWISE = "look into the worker's log"


async def found(settings: Settings) -> tuple[bool, str, str] | None:
    """Whether all is well, what was found, and what to do; None if no database answers."""
    state = StateFile(settings.data.expanduser().absolute()).read()
    if not settings.database_url and (state.postgres_folder is None or not await servers_answer(settings, state)):
        return None
    database = Database(database_url(settings, state), pool_size=1, patience=PATIENCE)
    try:
        async with asyncio.timeout(PATIENCE), database.session() as session:
            waiting = await delays.longest(session)
    except Exception:  # noqa: BLE001  # another check says what is wrong with the database
        return None
    finally:
        await database.close()
    now = datetime.now(UTC)
    long = [one for one in waiting if (now - one.since).total_seconds() > LONG]
    if not long:
        return True, "none waits for a provider, storage or a worker", ""
    waits = [f"{one.reason} for {(now - one.since).total_seconds():.0f} s: {one.message} {one.said}" for one in long]
    fixes = dict.fromkeys(_FIXES.get(one.reason, _OTHERWISE) for one in long)
    return False, "; ".join(one.strip() for one in waits), "; ".join(fixes)
