"""The worker processes that are alive, for `doctor`."""

import asyncio

from engine.settings import Settings
from inkloom.local.endpoints import servers_answer, temporal_address
from inkloom.local.state import StateFile

PATIENCE = 5.0
NAME = "workers"


async def found(settings: Settings) -> tuple[bool, str, str] | None:
    """That all is well, which there are, and nothing to do; None if no Temporal answers."""
    state = StateFile(settings.data.expanduser().absolute()).read()
    if not settings.temporal_address and (state.temporal is None or not await servers_answer(settings, state)):
        return None
    # Imported only where a server is asked, because the client costs time.
    from inkloom.worker import connect
    from workflows.live_workers import live_workers

    try:
        async with asyncio.timeout(PATIENCE):
            client = await connect(temporal_address(settings, state), settings.temporal_namespace)
            alive = await live_workers(client)
    except Exception:  # noqa: BLE001  # another check says what is wrong with Temporal
        return None
    # Not an error: `run` and `up` start their own.
    if not alive:
        return True, "none is alive, or Temporal's server lists none", ""
    lines = [
        f"{one.host} process {one.process}{f', build {one.build}' if one.build else ''}: {' '.join(one.queues)}"
        for one in alive
    ]
    return True, "; ".join(lines), ""
