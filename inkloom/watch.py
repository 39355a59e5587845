"""Follows a generation in the database and shows its progress."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlmodel.ext.asyncio.session import AsyncSession

from activities.outages import is_outage, outlast
from engine.db.session import Database
from engine.errors import EngineError
from engine.store import delays, events, tallies
from engine.store.rows import get
from engine.store.scope import Scope
from models.options import FINAL_STATUSES, GenerationStatus
from models.tables import Event, Generation

POLL_SECONDS = 0.25
# The supervisor restarts a killed Postgres within seconds; another operator's server may take minutes.
OUTAGE_SECONDS = 600.0
# After this time without an event, a generation that waits for a decision makes no more progress.
QUIET_SECONDS = 3.0
# How often to look for delays, and how long after it was shown one is shown again at first.
LOOK_SECONDS = 2.0
REPEAT_SECONDS = 30.0
WAITING = frozenset(
    {GenerationStatus.WAITING_REVIEW, GenerationStatus.WAITING_UNKNOWN, GenerationStatus.BUDGET_EXCEEDED}
)

# Events worth a line to a waiting user; the rest moves the bar.
_TOLD: dict[str, Callable[[dict[str, object]], str]] = {
    "chapter.outlined": lambda data: f"outlined: {data['scenes']} scenes, {data['characters']} characters",
    "character.profiled": lambda data: f"met {data['name']}",
    "scene.written": lambda data: f"scene {int(str(data['position'])) + 1}: {data['panels']} panels",
    "character.failed": lambda data: f"no sheet of {data['name']}: {data['reason']}",
    "scene.failed": lambda data: f"a scene failed: {data['reason']}",
    "panel.failed": lambda data: f"a panel failed: {data['reason']}",
    "generation.waiting": lambda data: f"waits: {data['message']}",
    "generation.cancelling": lambda data: "cancelled: waits for the answers that are under way",
    "page.composed": lambda data: f"page {data['number']}",
    "export.built": lambda data: f"built {data['format']}",
}

ResultT = TypeVar("ResultT")


class Speaker(Protocol):
    """Where lines are shown."""

    def say(self, line: str) -> None: ...


class Display(Speaker, Protocol):
    """Where progress is shown, too: a terminal, or nowhere."""

    def update(self, progress: float) -> None: ...


class Bar:
    """A live bar on a terminal; elsewhere plain lines, one for each tenth."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tenth = 0
        self._progress = Progress(
            TextColumn("{task.percentage:>3.0f} %"),
            BarColumn(bar_width=32),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.description}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("starting", total=1.0)
        if console.is_terminal:
            self._progress.start()

    def update(self, progress: float) -> None:
        self._progress.update(self._task, completed=progress)
        if not self._console.is_terminal and int(progress * 10) > self._tenth:
            self._tenth = int(progress * 10)
            self._console.print(f"{self._tenth * 10} %")

    def say(self, line: str) -> None:
        if self._console.is_terminal:
            self._progress.update(self._task, description=line)
        else:
            self._console.print(f"  {line}", markup=False, highlight=False)

    def close(self) -> None:
        # Stopped without having been shown, it would leave an empty line.
        if self._console.is_terminal:
            self._progress.stop()


class Delayed:
    """Says what a generation waits for beside people: a provider, a disk, a worker."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._next_look = 0.0
        # When each reason is repeated, and after how many seconds then: what hangs for hours must not fill a log.
        self._due: dict[str, tuple[float, float]] = {}

    async def look(self, session: AsyncSession, generation_id: UUID) -> None:
        """Look every few seconds; the oldest delay of each reason stands for the others."""
        now, today = time.monotonic(), datetime.now(UTC)
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        found = {delay.reason: delay for delay in reversed(await delays.waiting_of(session, [generation_id]))}
        self._due = {reason: due for reason, due in self._due.items() if reason in found}
        for reason, delay in found.items():
            due, pause = self._due.get(reason, (now, REPEAT_SECONDS))
            seconds = (today - delay.since).total_seconds()
            if now >= due and seconds >= delays.NEWS.total_seconds():
                self._due[reason] = now + pause, pause * 2
                said = f" It said: {delay.said}" if delay.said else ""
                self._display.say(f"waits for {seconds:.0f} s: {delay.message}{said}")


async def patiently(work: Callable[[], Awaitable[ResultT]], display: Speaker) -> ResultT:
    """Do work that may be done twice; report an outage of the database and wait for its end."""
    try:
        return await outlast(
            work, OUTAGE_SECONDS, away=lambda _: display.say("the database is unavailable; waiting for it")
        )
    except Exception as error:
        if not is_outage(error):
            raise
        raise EngineError(
            f"The database has been unavailable for {OUTAGE_SECONDS / 60:.0f} minutes. Nothing is lost: "
            "once it is back, run the same command again to continue."
        ) from error


async def follow(database: Database, project_id: UUID, generation_id: UUID, display: Display) -> Generation:
    """Wait until the generation is final or waits for a decision."""
    seen, quiet = 0, 0.0
    delayed = Delayed(display)

    async def look() -> tuple[Generation, list[Event], bool]:
        async with database.session() as session:
            generation = await get(session, Scope(project_id=project_id), Generation, generation_id)
            fresh = await events.of_generation(session, generation_id, seen, 200)
            # A call in flight is paid for: stopping now loses its answer.
            busy = generation.status in WAITING and await tallies.in_flight(session, generation_id) > 0
            await delayed.look(session, generation_id)
            return generation, fresh, busy

    while True:
        generation, fresh, busy = await patiently(look, display)
        for event in fresh:
            seen = event.seq
            _tell(display, event)
        display.update(generation.progress)
        quiet = 0.0 if fresh or busy else quiet + POLL_SECONDS
        if not fresh and generation.status in FINAL_STATUSES:
            return generation
        # One part waits for a decision; the others continue as far as they can.
        if generation.status in WAITING and quiet > QUIET_SECONDS:
            return generation
        await asyncio.sleep(POLL_SECONDS)


def _tell(display: Display, event: Event) -> None:
    line_of = _TOLD.get(event.type)
    if line_of is not None:
        display.say(line_of(event.data))
