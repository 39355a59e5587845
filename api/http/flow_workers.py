"""Whether any worker carries out workflows: without one, nothing goes on, and no sweeper is there to say so."""

import asyncio
import logging
import time
from datetime import UTC, datetime

from temporalio.client import Client

from workflows.dispatch.queues import WORKFLOWS
from workflows.queue_lag import lag_of

log = logging.getLogger(__name__)

# Seconds that an answer of Temporal is kept, and that it may take.
FRESH = 10.0
PATIENCE = 1.0


class FlowWorkers:
    """What this process last heard about the pollers of the queue of workflows. Asked at most every `FRESH` seconds."""

    def __init__(self, temporal: Client) -> None:
        self._temporal = temporal
        self._at = -FRESH
        self._missing_since: datetime | None = None
        self._one_at_a_time = asyncio.Lock()

    async def missing_since(self) -> datetime | None:
        """Since when no worker is known to serve it; None if one does, or if Temporal does not answer."""
        async with self._one_at_a_time:
            if time.monotonic() - self._at >= FRESH:
                self._missing_since = None if await self._served() else self._missing_since or datetime.now(UTC)
                self._at = time.monotonic()
            return self._missing_since

    async def _served(self) -> bool:
        try:
            return (await asyncio.wait_for(lag_of(self._temporal, WORKFLOWS, workflows=True), PATIENCE)).served
        except Exception as error:  # noqa: BLE001  # whatever it is, the generation itself can be read
            log.warning("it is not known whether a worker runs: %s", type(error).__name__)
            return True
