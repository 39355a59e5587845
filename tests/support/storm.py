"""A storm over one installation: its processes are killed and its connections broken while it makes chapters.

A storm has a seed, which decides when and in which order. Each strike waits for the moment that it is about, and
chapters are requested, by a client that repeats its requests, until every strike has had its moment. Then the vendor,
the database, the files, Temporal and what the client saw are compared.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, select

from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.postgres_address import PORT
from inkloom.local.stack import Endpoints, Stack
from inkloom.local.state import StateFile
from inkloom.worker import connect
from models.options import FINAL_STATUSES, GenerationStatus
from models.tables import Draft, Event, Generation, Image, Panel, ProviderCall
from models.tables.ledger import CallState
from tests.fakes.taught import TaughtVendor
from tests.support import wired
from tests.support.wire import Wire, for_a_while, wire

TEXT = """\
Mara lit lamp {n} and put {n} keys on the table.

"Take key {n}," said Mara.

Joss shook his head. "I want the other {n}," he said.
"""
EVERYTHING = ("worker-flow", "worker-draw", "api", "temporal", "postgres")
# Seconds for a strike's moment to come, for a chapter to end after the last one, and for a request to be answered.
MOMENT, ENDING, ANSWER = 90.0, 240.0, 120.0
POLL = 0.02
CONNECTION_FAILED = (SQLAlchemyError, OSError)


@dataclass(frozen=True)
class Strike:
    """What is struck and when: processes that get SIGKILL, or wires to which something happens."""

    name: str
    roles: tuple[str, ...] = ()
    when: str = ""
    wires: tuple[str, ...] = ()
    what: str = ""


STRIKES = (
    Strike("a writer's call", ("worker-flow",), "writing"),
    Strike("a render", ("worker-draw",), "drawing"),
    Strike("a stored picture", ("worker-draw",), "stored"),
    Strike("page composition", ("worker-draw",), "composing"),
    Strike("Temporal", ("temporal",), "drawing"),
    Strike("Postgres", ("postgres",), "writing"),
    Strike("everything", EVERYTHING, "drawing"),
    Strike("vendor cut", when="writing", wires=("vendor",), what="cut"),
    Strike("vendor reset", when="drawing", wires=("vendor",), what="reset"),
    Strike("Temporal reset", when="writing", wires=("temporal",), what="reset"),
    Strike("Temporal slow", when="drawing", wires=("temporal",), what="slow"),
    Strike("Postgres cut", when="drawing", wires=("postgres",), what="cut"),
    Strike("Postgres away", when="writing", wires=("postgres",), what="dead"),
    Strike("Postgres slow", when="drawing", wires=("postgres",), what="slow"),
)


@dataclass
class Storm:
    """What came of it. `broken` lists the promises that were not kept."""

    seed: int
    strikes: list[str] = field(default_factory=list)
    generations: int = 0
    paid: int = 0
    unknown: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


@dataclass
class _Sea:
    """The installation in the storm, and what the client has seen of it."""

    data: Path
    endpoints: Endpoints
    vendor: TaughtVendor
    wires: dict[str, Wire]
    dice: random.Random
    database: Database
    api: httpx2.AsyncClient
    project: str = ""
    requested: list[str] = field(default_factory=list)
    events: dict[str, list[int]] = field(default_factory=dict)


async def storm(seed: int, strikes: tuple[Strike, ...] = STRIKES) -> Storm:
    """One storm over an installation of its own."""
    dice = random.Random(seed)
    order = dice.sample(strikes, len(strikes))
    result, began = Storm(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="inkloom-storm-") as folder:
        async with _sea(Path(folder), dice) as sea:
            sea.project = (await _asked(sea, "projects", {"title": f"Storm {seed}"}))["id"]
            await _request(sea, kill=True)
            for strike in order:
                if await _moment(sea, strike.when):
                    await _hit(sea, strike)
                    result.strikes.append(strike.name)
            result.broken += [f"no moment came for: {one.name}" for one in order if one.name not in result.strikes]
            result.broken += await _calm(sea)
            result.broken += [line async for line in _broken(sea)]
            result.generations, result.paid = len(sea.requested), len(sea.vendor.paid)
            result.unknown = (await _calls(sea)).count(CallState.UNKNOWN)
    result.seconds = time.monotonic() - began
    return result


@asynccontextmanager
async def _sea(folder: Path, dice: random.Random) -> AsyncIterator[_Sea]:
    data, sockets = folder / "data", folder / "s"
    # Started by root, Postgres runs as another account, which must be able to enter.
    folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
    sockets.mkdir()
    state = StateFile(data)
    async with contextlib.AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(TaughtVendor(0.3))
        port = int(vendor.url.rpartition(":")[2])

        def postgres() -> Path:
            return (state.read().postgres_sockets or data) / f".s.PGSQL.{PORT}"

        def temporal() -> int:
            ports = state.read().temporal
            return ports.frontend if ports else 1

        wires = {
            "vendor": await stack.enter_async_context(wire(lambda: port)),
            "temporal": await stack.enter_async_context(wire(temporal)),
            "postgres": await stack.enter_async_context(wire(postgres, sockets / f".s.PGSQL.{PORT}")),
        }
        stack.enter_context(
            _environment(
                OPENAI_API_KEY="sk-storm",
                OPENAI_BASE_URL=f"http://127.0.0.1:{wires['vendor'].port}/v1",
                INKLOOM_SECRET_KEY="a secret of the tests",
                INKLOOM_ASK_ABOVE_USD="100",
                TEST_VENDOR=vendor.url,
                **{wired.SOCKETS: str(sockets), wired.TEMPORAL: str(wires["temporal"].port)},
            )
        )
        settings = Settings(data=data, temporal_ui_port=0, api_port=0, local_owner=True)
        ours = (sys.executable, "-m", "tests.support.wired")
        commands = Commands(
            workers={f"worker-{queues}": (*ours, "tests.paying_worker", queues) for queues in ("flow", "draw")},
            api=(*ours, "inkloom", "api"),
        )
        endpoints = await stack.enter_async_context(Stack(settings, api=True, report=_unheard, commands=commands))
        database = Database(endpoints.database_url, pool_size=2)
        stack.push_async_callback(database.close)
        api = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=f"{endpoints.api_url}/api/v1/", timeout=20, trust_env=False)
        )
        yield _Sea(data, endpoints, vendor, wires, dice, database, api)


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _unheard(line: str) -> None:
    """Nobody reads what the supervisor reports."""


async def _asked(sea: _Sea, path: str, body: dict[str, Any] | None = None, key: str = "") -> dict[str, Any]:
    """The answer to a request, repeated until there is one, as a client would."""
    method = "GET" if body is None else "POST"
    async with asyncio.timeout(ANSWER):
        while True:
            with suppress(httpx2.HTTPError):
                answer = await sea.api.request(method, path, json=body, headers={"Idempotency-Key": key} if key else {})
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return dict(answer.json())
            await asyncio.sleep(0.2)


async def _request(sea: _Sea, *, kill: bool = False) -> None:
    """Request a chapter; with `kill`, the API dies while it is at it, and the request is repeated."""
    number = len(sea.requested) + 1
    text = TEXT.format(n=number)
    chapter = await _asked(sea, f"projects/{sea.project}/chapters", {"title": f"Chapter {number}", "text": text})
    body = {
        "kind": "chapter",
        "target_ids": [chapter["id"]],
        "options": {"llm": "openai", "images": "openai", "max_panels": 3},
    }
    asking = asyncio.create_task(_asked(sea, "generations", body, uuid4().hex))
    if kill:
        await asyncio.sleep(sea.dice.uniform(0, 0.06))
        _kill(sea, "api")
    sea.requested.append((await asking)["id"])


async def _moment(sea: _Sea, when: str) -> bool:
    """Wait for the moment of a strike, and request chapters until it comes; whether it did."""
    stored = _files(sea)
    deadline = time.monotonic() + MOMENT
    while time.monotonic() < deadline:
        with suppress(*CONNECTION_FAILED):
            if not await _decided(sea):
                await _request(sea)
            if when == "stored":
                if _files(sea) > stored:
                    return True
            elif await _is(sea, when):
                # Anywhere in it.
                await asyncio.sleep(sea.dice.uniform(0, 0.15))
                return True
        await asyncio.sleep(POLL if when == "stored" else 5 * POLL)
    return False


def _files(sea: _Sea) -> int:
    return sum(len(names) for _, _, names in os.walk(sea.data / "pictures"))


async def _open(sea: _Sea) -> list[Generation]:
    query = select(Generation).where(col(Generation.status).not_in(FINAL_STATUSES))
    async with sea.database.session() as session:
        return list((await session.exec(query)).all())


async def _decided(sea: _Sea) -> list[Generation]:
    """The open generations. Where answers were lost several times, a person has to decide: ask again."""
    found = await _open(sea)
    for one in found:
        if one.status == GenerationStatus.WAITING_UNKNOWN:
            with suppress(httpx2.HTTPError):
                await sea.api.post(f"generations/{one.id}/resume", json={"what": "waiting"})
    return found


async def _is(sea: _Sea, when: str) -> bool:
    kind = {"writing": "llm", "drawing": "image"}.get(when)
    async with sea.database.session() as session:
        if kind is not None:
            flying = select(ProviderCall.id).where(ProviderCall.state == CallState.SUBMITTED, ProviderCall.kind == kind)
            return (await session.exec(flying.limit(1))).first() is not None
    drawn = select(func.count()).where(Panel.state == "selected")
    panels = select(func.count()).select_from(Panel)
    for generation in await _open(sea):
        async with sea.database.session() as session:
            mine = col(Panel.project_id) == generation.project_id
            known = (await session.exec(panels.where(mine))).one()
            if known and known == (await session.exec(drawn.where(mine))).one():
                return True
    return False


def _kill(sea: _Sea, *roles: str) -> None:
    children = StateFile(sea.data).read().children
    for role in roles:
        if (child := children.get(role)) is not None:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)


async def _hit(sea: _Sea, strike: Strike) -> None:
    _kill(sea, *strike.roles)
    if strike.wires:
        chosen = [sea.wires[name] for name in strike.wires]
        await for_a_while(chosen, strike.what, sea.dice.uniform(0.5, 2.0), asyncio.sleep)
    await _look(sea)


async def _look(sea: _Sea) -> None:
    """What a client that comes back reads: the events after the last one that it has."""
    for generation in sea.requested:
        seen = sea.events.setdefault(generation, [])
        with suppress(httpx2.HTTPError):
            path = f"generations/{generation}/events"
            answer = await sea.api.get(path, params={"after": seen[-1] if seen else 0, "limit": 100})
            if answer.status_code == 200:
                seen += [event["seq"] for event in answer.json()["items"]]


async def _calm(sea: _Sea) -> list[str]:
    """Wait until nothing is open; what is still open then."""
    deadline = time.monotonic() + ENDING
    while time.monotonic() < deadline:
        with suppress(*CONNECTION_FAILED):
            if not await _decided(sea):
                return []
        await _look(sea)
        await asyncio.sleep(0.3)
    return [f"generation {one.id} is {one.status} after {ENDING:.0f} s" for one in await _open(sea)]


async def _calls(sea: _Sea) -> list[CallState]:
    async with sea.database.session() as session:
        return [CallState(state) for state in (await session.exec(select(ProviderCall.state))).all()]


async def _broken(sea: _Sea) -> AsyncIterator[str]:
    async with sea.database.session() as session:
        generations = (await session.exec(select(Generation))).all()
        calls = (await session.exec(select(ProviderCall))).all()
        keys = (await session.exec(select(Image.key).join(Draft, col(Draft.image_id) == Image.id))).all()
        unselected = (await session.exec(select(func.count()).where(Panel.state != "selected"))).one()
    if sorted(str(one.id) for one in generations) != sorted(sea.requested):
        yield f"{len(sea.requested)} generations were accepted, and {len(generations)} are there"
    for one in generations:
        if one.status not in (GenerationStatus.COMPLETED, GenerationStatus.FAILED) or (
            one.status == GenerationStatus.FAILED and not one.error
        ):
            yield f"generation {one.id} is {one.status} without a reason"
    if unselected:
        yield f"{unselected} panels have no picture"
    if lost := [key for key in keys if not (sea.data / "pictures" / key).is_file()]:
        yield f"{len(lost)} of {len(keys)} pictures are lost"
    confirmed = Counter(call.call_key for call in calls if call.state == CallState.CONFIRMED)
    if [key for key, times in confirmed.items() if times > 1]:
        yield "a call is confirmed twice"
    if still := [call for call in calls if call.state in (CallState.RESERVED, CallState.SUBMITTED)]:
        yield f"{len(still)} calls are still open"
    sent = [call for call in calls if call.submitted_at is not None]
    if len(sea.vendor.paid) > len(sent):
        yield f"the vendor was asked {len(sea.vendor.paid)} times, and the ledger knows of {len(sent)}"
    repeats = sum(times - 1 for times in sea.vendor.answered.values())
    lost_answers = sum(call.state == CallState.UNKNOWN for call in calls)
    failed = sum(call.state == CallState.FAILED and call.submitted_at is not None for call in calls)
    if repeats > lost_answers + failed:
        yield f"{repeats} answers were given twice, and only {lost_answers + failed} were lost"
    async for line in _broken_elsewhere(sea):
        yield line


async def _broken_elsewhere(sea: _Sea) -> AsyncIterator[str]:
    """In Temporal, and in what the client saw."""
    client = await connect(sea.endpoints.temporal_address, "default")
    running = 'ExecutionStatus = "Running" AND WorkflowId STARTS_WITH "generation-"'
    if not await _soon(lambda: _none(client.list_workflows(running))):
        yield "a workflow runs whose generation has ended"
    for generation in sea.requested:
        if not (await client.get_workflow_handle(f"generation-{generation}").describe()).close_time:
            yield f"the workflow of {generation} has not ended"
    for _ in range(5):
        await _look(sea)
    async with sea.database.session() as session:
        stored = (await session.exec(select(Event.seq, Event.generation_id).order_by(col(Event.seq)))).all()
    if [seq for seq, _ in stored] != list(range(1, len(stored) + 1)):
        yield "the numbers of the project's events have gaps"
    for generation, seen in sea.events.items():
        if seen != [seq for seq, about in stored if str(about) == generation]:
            yield f"the client that came back saw other events of {generation} than there are: {seen}"


async def _none(found: AsyncIterator[object]) -> bool:
    return not [one async for one in found]


async def _soon(look: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(60):
        if await look():
            return True
        await asyncio.sleep(0.5)
    return False
