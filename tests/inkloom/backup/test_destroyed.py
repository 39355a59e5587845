"""Database, pictures, Temporal and secret key are destroyed while a generation works. A backup brings it all back."""

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlmodel import select

from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.secret import secret_key
from inkloom.local.stack import Endpoints, Stack
from inkloom.run import Finished, run_story
from inkloom.story import Story
from models.options import FINAL_STATUSES, GenerationOptions, GenerationStatus
from models.tables import Generation, ProviderCall
from models.tables.ledger import CallState
from tests.fakes.openai import CHAT
from tests.fakes.server import Answer, Asked
from tests.fakes.taught import TaughtVendor
from tests.paying_worker import TEACH
from tests.support.command_line import inkloom
from tests.support.displays import Silent
from tests.support.folders import enterable_folder

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

WORKER = (sys.executable, "-m", "tests.paying_worker")
KEPT = Story(title="Kept", text="Mara lit a lamp.", script=None)
UNFINISHED = Story(title="Unfinished", text="Joss ran along the quay.", script=None)


class Holding(TaughtVendor):
    """Answers no picture until it is released."""

    def __init__(self) -> None:
        super().__init__(0.1)
        self.released = asyncio.Event()

    async def respond(self, asked: Asked) -> Answer:
        if asked.path != CHAT and asked.path != TEACH:
            await self.released.wait()
        return await super().respond(asked)


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as name:
        yield name


async def calls(endpoints: Endpoints) -> dict[CallState, int]:
    database = Database(endpoints.database_url, pool_size=1)
    async with database.session() as session:
        states = (await session.exec(select(ProviderCall.state).where(ProviderCall.provider == "openai"))).all()
    await database.close()
    return {state: states.count(state) for state in CallState}


async def held(endpoints: Endpoints, vendor: Holding) -> None:
    """Until pictures alone are in flight, and everything that was answered is confirmed."""
    async with asyncio.timeout(120):
        while True:
            there = await calls(endpoints)
            if there[CallState.SUBMITTED] and there[CallState.CONFIRMED] == sum(vendor.answered.values()):
                return
            await asyncio.sleep(0.1)


async def ended(endpoints: Endpoints) -> list[str]:
    """The statuses of all generations once none is open."""
    database = Database(endpoints.database_url, pool_size=1)
    async with asyncio.timeout(180):
        while True:
            async with database.session() as session:
                statuses = list((await session.exec(select(Generation.status))).all())
            if all(status in FINAL_STATUSES for status in statuses):
                break
            await asyncio.sleep(0.2)
    await database.close()
    return statuses


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(600)
async def test_a_backup_outlives_everything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finished chapter comes back byte for byte, the unfinished one is finished by itself, and the vendor is asked
    nothing twice that it had answered by then.
    """
    async with Holding() as vendor:
        for variable, value in (
            ("OPENAI_API_KEY", "sk-destroyed"),
            ("OPENAI_BASE_URL", vendor.base_url),
            ("INKLOOM_ASK_ABOVE_USD", "100"),
            ("INKLOOM_ANSWER_PATIENCE", "1"),
            ("TEST_VENDOR", vendor.url),
        ):
            monkeypatch.setenv(variable, value)
        key_file, destination = folder / "backup.key", folder / "destination"
        key_file.write_text("0123456789abcdef" * 4)
        commands = Commands(workers={"worker-flow": (*WORKER, "flow"), "worker-draw": (*WORKER, "draw")})

        async def run(data: Path, endpoints: Endpoints, story: Story, out: str) -> Finished:
            options = GenerationOptions(images="openai", llm="openai") if story is UNFINISHED else GenerationOptions()
            (folder / out).mkdir(exist_ok=True)
            return await run_story(Settings(data=data), endpoints, story, options, folder / out, None, Silent())

        first, second = folder / "first", folder / "second"
        # As the workers' command makes it, which these workers go around.
        secret = secret_key(Settings(data=first))
        async with Stack(Settings(data=first), api=False, report=print, commands=commands) as endpoints:
            await run(first, endpoints, KEPT, "before")
            making = asyncio.create_task(run(first, endpoints, UNFINISHED, "unfinished"))
            await held(endpoints, vendor)
            ran = await asyncio.to_thread(
                inkloom, "backup", destination, "--key-file", key_file, "--json", INKLOOM_DATA=str(first)
            )
            assert ran.returncode == 0, ran.stderr
            made = json.loads(ran.stdout)
            running = await asyncio.to_thread(
                inkloom, "restore", destination, "--key-file", key_file, INKLOOM_DATA=str(first)
            )
            assert (running.returncode, "Stop it" in running.stderr) == (1, True)
            making.cancel()
            with suppress(asyncio.CancelledError):
                await making
        shutil.rmtree(first)
        vendor.released.set()

        ran = await asyncio.to_thread(
            inkloom, "restore", destination, "--key-file", key_file, "--json", INKLOOM_DATA=str(second)
        )
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["backup"] == made["backup"]
        assert (second / "secret_key").read_text().strip() == secret
        async with Stack(Settings(data=second), api=False, report=print, commands=commands) as endpoints:
            assert await ended(endpoints) == [GenerationStatus.COMPLETED] * 2
            assert (await calls(endpoints))[CallState.UNKNOWN] >= 1
            assert set(vendor.answered.values()) == {1}
            answered = vendor.answered.total()
            again = await run(second, endpoints, KEPT, "after")
            assert (again.calls.llm, again.calls.image) == (0, 0)
            assert (await run(second, endpoints, UNFINISHED, "unfinished")).status == GenerationStatus.COMPLETED
            assert vendor.answered.total() == answered
        assert files_of(folder / "after") == files_of(folder / "before")
