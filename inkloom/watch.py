"""Follows a generation in the database and shows where it stands."""

import asyncio
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from engine.db import Database
from engine.store import events
from engine.store.scope import Scope, get
from models.options import FINAL_STATUSES, GenerationStatus
from models.tables import Event, Generation

POLL_SECONDS = 0.25
WAITING = frozenset(
    {GenerationStatus.WAITING_REVIEW, GenerationStatus.WAITING_UNKNOWN, GenerationStatus.BUDGET_EXCEEDED}
)

# What is worth a line to somebody who waits; the rest moves the bar.
_TOLD: dict[str, Callable[[dict[str, object]], str]] = {
    "chapter.outlined": lambda data: f"outlined: {data['scenes']} scenes, {data['characters']} characters",
    "character.profiled": lambda data: f"met {data['name']}",
    "scene.written": lambda data: f"scene {int(str(data['position'])) + 1}: {data['panels']} panels",
    "scene.failed": lambda data: f"a scene failed: {data['reason']}",
    "panel.failed": lambda data: f"a panel failed: {data['reason']}",
    "page.composed": lambda data: f"page {data['number']}",
    "export.built": lambda data: f"built {data['format']}",
}


class Display(Protocol):
    """Where progress is shown: a terminal, or nowhere."""

    def update(self, progress: float) -> None: ...

    def say(self, line: str) -> None: ...


class Bar:
    """A live bar on a terminal; plain lines, a tenth at a time, where there is none."""

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
        self._progress.stop()


async def follow(database: Database, project_id: UUID, generation_id: UUID, display: Display) -> Generation:
    """Wait until the generation is final or waits for somebody; outages of the database are sat out."""
    seen = 0
    while True:
        try:
            async with database.session() as session:
                generation = await get(session, Scope(project_id=project_id), Generation, generation_id)
                fresh = await events.of_generation(session, generation_id, seen, 200)
        except (SQLAlchemyError, OSError):
            await asyncio.sleep(1)
            continue
        for event in fresh:
            seen = event.seq
            _tell(display, event)
        display.update(generation.progress)
        if not fresh and (generation.status in FINAL_STATUSES or generation.status in WAITING):
            return generation
        await asyncio.sleep(POLL_SECONDS)


def _tell(display: Display, event: Event) -> None:
    told = _TOLD.get(event.type)
    if told is not None:
        display.say(told(event.data))
