"""Real adapters, real processes, `kill -9` in the middle of it: counted at the vendor, everything is paid for once.

The same run carries planted keys, and afterwards nothing that was written anywhere holds one.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import col, select

from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.stack import Endpoints, Stack
from inkloom.local.state import StateFile
from inkloom.run import Finished, run_story
from inkloom.story import Story
from inkloom.worker import connect
from models.options import GenerationOptions, GenerationStatus
from models.tables import Generation, ProviderCall
from models.tables.ledger import CallState
from scripts.kill_matrix import story_of
from tests.fakes.taught import TaughtVendor
from tests.support.folders import enterable_folder

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

KEY = "sk-planted-0f3b9c6d7e1a"
SECRET = "planted-secret-5d1c8e2f"
KILLS = 6


@dataclass
class Ran:
    """A finished chapter, with all that a test may want to look into."""

    finished: Finished
    vendor: TaughtVendor
    calls: list[ProviderCall]
    in_flight: int
    data: Path
    out: Path
    dump: str
    histories: str
    shown: list[str] = field(default_factory=list)


class Listening:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def update(self, progress: float) -> None: ...

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with enterable_folder() as name:
        (name / "out").mkdir()
        yield name


@pytest.fixture(scope="module")
async def ran(folder: Path) -> AsyncIterator[Ran]:
    """A chapter of at least 24 panels, made through six kills of its workers."""
    async with TaughtVendor() as vendor:
        yield await _run(vendor, folder / "data", folder / "out")


async def _run(vendor: TaughtVendor, data: Path, out: Path) -> Ran:
    settings = Settings(
        data=data,
        temporal_ui_port=0,
        secret_key=SECRET,
        openai_api_key=KEY,
        openai_base_url=vendor.base_url,
    )
    # What `run` would hand on from a person's environment.
    for variable, value in (
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_BASE_URL", vendor.base_url),
        ("INKLOOM_SECRET_KEY", SECRET),
        ("INKLOOM_ASK_ABOVE_USD", "100"),
        ("TEST_VENDOR", vendor.url),
    ):
        os.environ[variable] = value
    worker = (sys.executable, "-m", "tests.paying_worker")
    commands = Commands(workers={"worker-flow": (*worker, "flow"), "worker-draw": (*worker, "draw")})
    display = Listening()
    try:
        async with Stack(settings, api=False, report=display.say, commands=commands) as endpoints:
            story = Story(
                title="Paid",
                text=story_of(3, random.Random(3)) + "\n***\n\n" + story_of(4, random.Random(3)),
                script=None,
            )
            options = GenerationOptions(llm="openai", images="openai", translations=["de"])
            making = asyncio.create_task(
                run_story(settings, endpoints, story, options, out, Decimal(500), display, None)
            )
            in_flight = await _killed(endpoints, data, making)
            finished = await making
            return await _seen(finished, vendor, endpoints, in_flight, data, out, display.lines)
    finally:
        for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "INKLOOM_SECRET_KEY", "INKLOOM_ASK_ABOVE_USD"):
            os.environ.pop(variable, None)


async def _killed(endpoints: Endpoints, data: Path, making: "asyncio.Task[Finished]") -> int:
    """Kill a worker again and again, spread over the work; returns how many calls were in flight at the kills."""
    database = Database(endpoints.database_url, pool_size=1)
    dice, in_flight, confirmed = random.Random(5), 0, 0
    for kill in range(KILLS):
        # At every stage: by how much is done, not by the clock.
        while not making.done():
            async with database.session() as session:
                states = (await session.exec(select(ProviderCall.state))).all()
            confirmed = states.count(CallState.CONFIRMED)
            flying = states.count(CallState.SUBMITTED)
            if confirmed >= 2 + kill * 14 and flying:
                break
            await asyncio.sleep(0.03)
        role = dice.choice(["worker-flow", "worker-draw"])
        child = StateFile(data).read().children.get(role)
        if making.done() or child is None:
            continue
        # Stopped first, so that nothing is sent between the count and the kill.
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGSTOP)
            async with database.session() as session:
                states = (await session.exec(select(ProviderCall.state))).all()
            in_flight += states.count(CallState.SUBMITTED)
            os.kill(child.pid, signal.SIGKILL)
        await asyncio.sleep(0.5)
    await database.close()
    return in_flight


async def _seen(
    finished: Finished,
    vendor: TaughtVendor,
    endpoints: Endpoints,
    in_flight: int,
    data: Path,
    out: Path,
    shown: list[str],
) -> Ran:
    database = Database(endpoints.database_url, pool_size=1)
    async with database.session() as session:
        calls = list((await session.exec(select(ProviderCall).order_by(col(ProviderCall.id)))).all())
        generations = (await session.exec(select(Generation.id))).all()
    rows: list[str] = []
    async with database.engine.connect() as connection:
        tables = await connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in tables.all():
            found = await connection.exec_driver_sql(f'SELECT row_to_json(t)::text FROM "{table}" t')  # noqa: S608
            rows += [row for (row,) in found.all()]
    await database.close()
    client = await connect(endpoints.temporal_address, "default")
    histories: list[str] = []
    for generation in generations:
        async for workflow in client.list_workflows(f'WorkflowId STARTS_WITH "generation-{generation}"'):
            handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
            histories.append((await handle.fetch_history()).to_json())
    return Ran(finished, vendor, calls, in_flight, data, out, "\n".join(rows), "\n".join(histories), shown)


def test_the_chapter_is_whole(ran: Ran) -> None:
    """Kills cost time and nothing else: 24 panels and more, every one with its picture."""
    assert ran.finished.generation.status == GenerationStatus.COMPLETED
    assert ran.finished.made.panels >= 24
    assert ran.finished.made.drafts == ran.finished.made.panels


def test_what_was_answered_and_stored_is_never_asked_again(ran: Ran) -> None:
    """Counted at the vendor: requests = calls in the ledger, and only unknown ones were made anew."""
    states = Counter(call.state for call in ran.calls)
    assert set(states) <= {CallState.CONFIRMED, CallState.UNKNOWN, CallState.FAILED}
    sent = [call for call in ran.calls if call.submitted_at is not None]
    assert len(ran.vendor.paid) <= len(sent)
    keys = Counter(call.call_key for call in ran.calls if call.state == CallState.CONFIRMED)
    assert max(keys.values()) == 1
    # Whatever the vendor answered twice has an attempt whose answer was lost.
    unknown = Counter(call.call_key for call in ran.calls if call.state == CallState.UNKNOWN)
    repeats = sum(times - 1 for times in ran.vendor.answered.values())
    assert repeats <= sum(unknown.values())


def test_unknown_calls_are_those_in_flight_at_the_kills(ran: Ran) -> None:
    """They are listed, told in the result, and no more than were on their way."""
    unknown = [call for call in ran.calls if call.state == CallState.UNKNOWN]
    assert ran.in_flight > 0
    assert len(unknown) <= ran.in_flight
    assert ran.finished.as_json()["calls"]["unknown"] == len(unknown)
    assert all(call.reserved_usd > 0 and call.error for call in unknown)


def test_the_cost_is_what_the_vendor_says(ran: Ran) -> None:
    """Every answered call has its tokens and its price."""
    confirmed = [call for call in ran.calls if call.state == CallState.CONFIRMED]
    assert all(call.cost_usd > 0 and call.output_tokens > 0 for call in confirmed)
    assert ran.finished.calls.cost_usd == sum(call.cost_usd for call in ran.calls)


@pytest.mark.parametrize("secret", [KEY, SECRET])
def test_secrets_are_nowhere(ran: Ran, secret: str) -> None:
    """Not in logs, histories, rows, what was shown, pictures or files; in the vendor's requests the key was."""
    assert len(ran.histories) > 10_000
    assert any(KEY in asked.headers.get("authorization", "") for asked in ran.vendor.paid)
    for told in (ran.dump, ran.histories, "\n".join(ran.shown), json.dumps(ran.finished.as_json())):
        assert secret not in told
    logs = list((ran.data / "logs").glob("*"))
    assert logs
    for path in [*logs, *(ran.data / "pictures").rglob("*"), *ran.out.rglob("*"), *ran.data.glob("temporal*")]:
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path.name
