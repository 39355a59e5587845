"""Real adapters, real processes, stopped in order in the middle of paid calls: every answer is kept."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlmodel import select

from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.stack import Endpoints, Stack
from inkloom.run import run_story
from inkloom.story import Story
from models.options import GenerationOptions, GenerationStatus
from models.tables import ProviderCall
from models.tables.ledger import CallState
from tests.fakes.taught import TaughtVendor

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
    with tempfile.TemporaryDirectory(prefix="inkloom-tests-") as name:
        # Started by root, Postgres runs as somebody else, who must be able to enter.
        Path(name).chmod(0o755)
        (Path(name) / "out").mkdir()
        yield Path(name)


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


async def test_a_restart_in_the_middle_of_paid_calls_loses_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted at the vendor: each picture once, and nothing waits for a person."""
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
        display = Listening()
        work = (
            Story(title="Restarted", text="Mara lit a lamp.", script=None),
            GenerationOptions(images="openai"),
            folder / "out",
            None,
        )
        async with Stack(settings, api=False, report=display.say, commands=commands) as endpoints:
            making = asyncio.create_task(run_story(settings, endpoints, *work, display))
            await under_way(endpoints)
            making.cancel()
            with suppress(asyncio.CancelledError):
                await making
        assert any("Waiting for answers that are under way" in line for line in display.lines)
        paid = len(vendor.paid)
        assert sum(vendor.answered.values()) == paid
        async with Stack(settings, api=False, report=display.say, commands=commands) as endpoints:
            finished = await run_story(settings, endpoints, *work, display)
        assert (finished.status, finished.calls.unknown) == (GenerationStatus.COMPLETED, 0)
        assert set(vendor.answered.values()) == {1}
