"""Keeps one process running: starts it or takes it over, and starts it again whenever it dies."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from inkloom.local.errors import Killed, StackError
from inkloom.local.logs import tail, trim, turn
from inkloom.local.processes import Process

WATCH = 0.2
TRIM_EVERY = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
# A process that lived this long counts as well; this many deaths within that time need a person.
SPAN, DEATHS = 30.0, 5
STARTS = 3


class Service(Protocol):
    """A process that can be kept running: how to find, start and stop it."""

    role: str

    async def orphan(self) -> Process | None: ...

    async def launch(self) -> Process: ...

    async def end(self, process: Process) -> None: ...


class Supervised:
    """Keeps one service running."""

    def __init__(self, service: Service, log: Path, report: Callable[[str], None]) -> None:
        self.service = service
        self._log = log
        self._report = report
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self, adopted: Callable[[Process], None]) -> None:
        """Take over what an earlier supervisor left, or start it; from now on it is kept running."""
        role = self.service.role
        began = time.monotonic()
        if found := await self.service.orphan():
            self._process = found
            adopted(found)
            self._report(f"{role}: running already (pid {found.pid})")
        else:
            turn(self._log)
            self._process = await self._launch()
            self._report(f"{role}: up after {time.monotonic() - began:.1f} s")
        self._watch = asyncio.create_task(self._keep(), name=f"keep {role}")

    async def _launch(self) -> Process:
        for _ in range(STARTS - 1):
            try:
                return await self.service.launch()
            except Killed:
                self._report(f"{self.service.role}: killed while it started; starting it again")
        return await self.service.launch()

    async def stop(self) -> None:
        """Stop it."""
        await self._unwatch()
        if self._process is not None:
            await self.service.end(self._process)
            self._process = None

    async def leave(self) -> None:
        """Leave it running for another supervisor."""
        await self._unwatch()
        if self._process is not None:
            self._process.leave()
            self._process = None

    async def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None

    async def _keep(self) -> None:
        deaths: deque[float] = deque(maxlen=DEATHS)
        pause, complained = FIRST_PAUSE, False
        while True:
            born = time.monotonic()
            if self._process is not None:
                while not await self._process.ended(TRIM_EVERY, every=WATCH):
                    # A full disk, or a folder that is gone, must not keep us from supervising.
                    with suppress(OSError):
                        await asyncio.to_thread(trim, self._log)
            now = time.monotonic()
            if now - born > SPAN:
                pause, complained = FIRST_PAUSE, False
            deaths.append(now)
            if len(deaths) == DEATHS and now - deaths[0] < SPAN:
                if not complained:
                    self._report(self._complaint())
                complained = True
            elif not complained:
                outcome = self._process.outcome() if self._process else "it did not start"
                self._report(f"{self.service.role}: ended ({outcome}); starting it again")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                self._process = await self.service.launch()
            except (StackError, OSError):
                # Counted as one more death: its log says why, and the report shows it.
                self._process = None

    def _complaint(self) -> str:
        return (
            f"{self.service.role}: keeps ending; it will be restarted every {LONGEST_PAUSE:.0f} s. "
            f"The end of its log (all of it: {self._log}):\n{tail(self._log)}"
        )
