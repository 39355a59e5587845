"""Sets aside what ends every worker that tries it, and nothing that only ran beside it.

A killed worker leaves no failure behind, only the last heartbeat of each activity. So an attempt begins with a
heartbeat that counts it as lost, and takes that back if it fails in order. All that runs beside a poison activity is
lost with it and counted too: that is why the last attempt before an activity is set aside runs alone in its process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from engine.errors import SetAside

# Attempts that may end with their worker. More than the restarts that one activity sees on a bad day.
MAX_LOST = 5
# These read nothing that people wrote, and go on after everything: the end of a generation, and a batch's next items.
_NEVER_SET_ASIDE = frozenset({"finish_generation", "advance_batch"})
# Workers that are restarted or run out of memory now and then end no activity for good: a loss counts for this long.
_FORGOTTEN_SECONDS = 3600.0
# How long an attempt waits to be alone. Nothing else begins in its process meanwhile, so it must not be long.
QUIET_SECONDS = 60.0
# An attempt after lost ones waits until its first heartbeat has left, so that it counts however soon its worker ends.
# The heartbeat after another one leaves at the end of the workers' interval of three seconds.
_SENT_SECONDS = 0.2
_SENT_AFTER_ANOTHER_SECONDS = 3.5


class Attempt:
    """The heartbeats of one attempt: its progress, and how many attempts are lost if its worker ends now.

    The first attempt counts nothing: most activities need only that, and each heartbeat is a call to the server.
    """

    def __init__(self, info: activity.Info, most_lost: int) -> None:
        self.shares: list[float] = []
        self._info = info
        self._most_lost = most_lost
        self._lost, self._lost_at = _lost_before(info)
        self._counted = False
        self._beats = 0

    @property
    def is_last(self) -> bool:
        """Whether the activity is set aside if this attempt is lost, too."""
        return 0 < self._lost == self._most_lost - 1 and self._info.activity_type not in _NEVER_SET_ASIDE

    def require_allowed(self, given: Sequence[Any]) -> None:
        """Raise `SetAside` if too many attempts were lost."""
        if self._lost >= self._most_lost and self._info.activity_type not in _NEVER_SET_ASIDE:
            raise SetAside(_message(self._info, given, self._lost))

    async def begin(self) -> None:
        """Count this attempt as lost from now on."""
        if self._info.attempt == 1:
            return
        sent = _SENT_AFTER_ANOTHER_SECONDS if self._beats else _SENT_SECONDS
        self._counted = True
        self.tell()
        await asyncio.sleep(sent if self._lost else 0)

    def end(self) -> None:
        """Take that back: the worker lives. It goes out with the attempt's failure."""
        if self._counted:
            self._counted = False
            self.tell()

    def tell(self) -> None:
        """Send a heartbeat."""
        self._beats += 1
        if self._info.attempt == 1:
            activity.heartbeat(*self.shares[-1:])
            return
        lost, at = (self._lost + 1, time.time()) if self._counted else (self._lost, self._lost_at)
        activity.heartbeat(self.shares[-1] if self.shares else 0.0, lost, at)


class Company:
    """Lets the activities of a process run side by side, or one of them alone."""

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._running = 0
        self._empty = asyncio.Event()

    @asynccontextmanager
    async def join(self, *, alone: bool) -> AsyncIterator[None]:
        """Run beside others, or alone: then wait until they have ended, while no other begins."""
        if alone:
            async with self._door:
                await self._others_ended()
                yield
            return
        async with self._door:
            self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._empty.set()

    async def _others_ended(self) -> None:
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while self._running:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            raise ApplicationError(
                "After lost attempts, this one runs alone in its worker, which has other work under way.",
                type="NotAlone",
                next_retry_delay=timedelta(seconds=QUIET_SECONDS),
                category=ApplicationErrorCategory.BENIGN,
            ) from None


def _lost_before(info: activity.Info) -> tuple[int, float]:
    """How many attempts ended with their worker, and when the last one did, by its last heartbeat."""
    details = info.heartbeat_details
    if info.attempt == 1 or len(details) < 2:
        return 0, 0.0
    lost, at = int(details[1]), float(details[2]) if len(details) > 2 else time.time()
    return (0, 0.0) if time.time() - at > _FORGOTTEN_SECONDS else (lost, at)


def _message(info: activity.Info, given: Sequence[Any], lost: int) -> str:
    """What was set aside, as people find it."""
    named = ("number", "format", "target_id", "panel_id", "scene_id", "chapter_id", "generation_id")
    found = next(
        (f"{name} {value}" for one in given for name in named if (value := getattr(one, name, None)) is not None), ""
    )
    what = f"{info.activity_type} ({found})" if found else info.activity_type
    return (
        f"{what} is set aside: {lost + 1} times the worker that tried it ended or stopped answering, the last time"
        " while it ran nothing else. The workers' logs and the system's say why; retry the generation to try it again."
    )
