"""Real adapters, real processes, stopped in order in the middle of paid calls: every answer is kept."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.stack import Endpoints, Stack
from inkloom.local.state import StateFile
from inkloom.run import Finished, run_story
from inkloom.story import Story
from models.options import GenerationOptions, GenerationStatus
from models.tables import ProviderCall
from models.tables.ledger import CallState
from tests.fakes.taught import TaughtVendor
from tests.support.folders import enterable_folder

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

# Longer than a stack stops without a word about it.
DRAWING = 6.0
WORKER = (sys.executable, "-m", "tests.paying_worker")


class Listening:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def update(self, progress: float) -> None: ...

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as name:
        (name / "out").mkdir()
        yield name


async def under_way(endpoints: Endpoints) -> None:
    """Until a picture is being drawn."""
    database = Database(endpoints.database_url, pool_size=1)
    query = select(ProviderCall.id).where(ProviderCall.state == CallState.SUBMITTED, ProviderCall.kind == "image")
    async with asyncio.timeout(120):
        while True:
            async with database.session() as session:
                if (await session.exec(query.limit(1))).first() is not None:
                    break
            await asyncio.sleep(0.1)
    await database.close()


@asynccontextmanager
async def paid_stack(
    folder: Path, monkeypatch: pytest.MonkeyPatch, display: Listening
) -> AsyncIterator[tuple[TaughtVendor, Callable[[], Stack], Callable[[Endpoints], Coroutine[Any, Any, Finished]]]]:
    """A vendor that takes its time, a way to start the servers and workers, and the run of a story with them."""
    async with TaughtVendor(DRAWING) as vendor:
        for variable, value in (
            ("OPENAI_API_KEY", "sk-restart"),
            ("OPENAI_BASE_URL", vendor.base_url),
            ("INKLOOM_SECRET_KEY", "a secret of the tests"),
            ("TEST_VENDOR", vendor.url),
        ):
            monkeypatch.setenv(variable, value)
        settings = Settings(data=folder / "data")
        commands = Commands(workers={"worker-flow": (*WORKER, "flow"), "worker-draw": (*WORKER, "draw")})
        story = Story(title="Restarted", text="Mara lit a lamp.", script=None)

        def stack() -> Stack:
            return Stack(settings, api=False, report=display.say, commands=commands)

        def run(endpoints: Endpoints) -> Coroutine[Any, Any, Finished]:
            options = GenerationOptions(images="openai")
            return run_story(settings, endpoints, story, options, folder / "out", None, display)

        yield vendor, stack, run


async def test_a_restart_in_the_middle_of_paid_calls_loses_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted at the vendor: each picture once, and nothing waits for a person."""
    display = Listening()
    async with paid_stack(folder, monkeypatch, display) as (vendor, stack, run):
        async with stack() as endpoints:
            making = asyncio.create_task(run(endpoints))
            await under_way(endpoints)
            making.cancel()
            with suppress(asyncio.CancelledError):
                await making
        assert any("Waiting for answers that are under way" in line for line in display.lines)
        paid = len(vendor.paid)
        assert sum(vendor.answered.values()) == paid
        async with stack() as endpoints:
            finished = await run(endpoints)
        assert (finished.status, finished.calls.unknown) == (GenerationStatus.COMPLETED, 0)
        assert set(vendor.answered.values()) == {1}


@pytest.mark.timeout(400)
async def test_a_chapter_outlives_temporals_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is damaged while a picture is drawn: the server gets a new one, which knows of no workflow. The chapter is
    finished from its rows, and each picture is paid for once.
    """
    display = Listening()
    async with paid_stack(folder, monkeypatch, display) as (vendor, stack, run), stack() as endpoints:
        making = asyncio.create_task(run(endpoints))
        await under_way(endpoints)
        # Without a pause: the supervisor, which runs in this process, must not start it in between.
        damage_temporal(folder / "data")
        finished = await making
        assert any("is damaged" in line and "moved to" in line for line in display.lines)
        assert (finished.status, finished.calls.unknown) == (GenerationStatus.COMPLETED, 0)
        assert set(vendor.answered.values()) == {1}


def damage_temporal(data: Path) -> None:
    """End Temporal's server, and write over most of its database."""
    database = data / "temporal" / "temporal.db"
    os.kill(StateFile(data).read().children["temporal"].identity.pid, signal.SIGKILL)
    # Otherwise the pages in the log repair what is damaged.
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(max(database.stat().st_size - 8192, 8192)))
