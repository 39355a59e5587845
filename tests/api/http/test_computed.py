"""Answers that cost CPU are computed once for all who ask, and kept while the rows are the same."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import ClientDisconnect, Request

from api.http.computed import Computed, in_child
from engine.db.session import Database
from engine.freshness.parts import stale_parts
from engine.freshness.remaining import stale_parts_and_calls
from engine.store import events
from engine.store.rows import get
from models.events import EventType
from models.options import GenerationOptions
from models.tables import Chapter
from tests.conftest import Order, Ordered
from tests.fakes.server import eventually

pytestmark = pytest.mark.integration


class Client:
    """Who asks; it may leave."""

    def __init__(self) -> None:
        self.left = False

    async def is_disconnected(self) -> bool:
        return self.left


class Work:
    """Something to compute, which a test lets go on."""

    def __init__(self) -> None:
        self.begun, self.ended = 0, 0
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()

    async def compute(self, chapter_id: UUID, function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
        self.begun += 1
        self.started.set()
        await self.go_on.wait()
        self.ended += 1
        return self.ended


async def named(session: AsyncSession, chapter: Chapter, what: str) -> int:
    raise NotImplementedError


async def asked(
    database: Database, computed: Computed, ordered: Ordered, what: str = "stale", client: Client | None = None
) -> int:
    request: Request = client or Client()  # type: ignore[assignment]  # all that is asked of a request
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        return await computed.about(request, session, chapter, named, what)


async def test_all_who_ask_at_once_get_one_answer_which_is_kept(database: Database, order: Order) -> None:
    ordered, work = await order(), Work()
    computed = Computed(work.compute)
    waiting = [asyncio.create_task(asked(database, computed, ordered)) for _ in range(5)]
    await eventually(lambda: sum(computed.waiting.values()) == 5)
    work.go_on.set()
    assert await asyncio.gather(*waiting) == [1] * 5
    assert await asked(database, computed, ordered) == 1
    assert work.begun == 1
    assert await asked(database, computed, ordered, "drift") == 2


async def test_a_change_is_seen_at_once(database: Database, order: Order) -> None:
    ordered, work = await order(), Work()
    computed = Computed(work.compute)
    work.go_on.set()
    assert await asked(database, computed, ordered) == 1
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        chapter.title = "Another title"
        session.add(chapter)
    assert await asked(database, computed, ordered) == 2


async def test_what_happens_besides_changes_nothing(database: Database, order: Order) -> None:
    """Every event counts up in the row of its project."""
    ordered, work = await order(), Work()
    computed = Computed(work.compute)
    work.go_on.set()
    assert await asked(database, computed, ordered) == 1
    async with database.session() as session:
        await events.emit(session, ordered.run.project_id, None, EventType.PROJECT_CHANGED, {})
    assert await asked(database, computed, ordered) == 1


async def test_no_connection_is_held_while_an_answer_is_waited_for(database_url: str, order: Order) -> None:
    ordered, work = await order(), Work()
    computed, small = Computed(work.compute), Database(database_url, pool_size=1)
    waiting = asyncio.create_task(asked(small, computed, ordered))
    await work.started.wait()
    async with asyncio.timeout(10), small.session() as session:
        await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
    work.go_on.set()
    assert await waiting == 1
    await small.close()


async def test_it_stops_once_all_clients_have_left(database: Database, order: Order) -> None:
    ordered, work, leaving = await order(), Work(), Client()
    computed = Computed(work.compute)
    first = asyncio.create_task(asked(database, computed, ordered, client=leaving))
    second = asyncio.create_task(asked(database, computed, ordered))
    await eventually(lambda: sum(computed.waiting.values()) == 2)
    leaving.left = True
    with pytest.raises(ClientDisconnect):
        await first
    work.go_on.set()
    assert await second == 1
    work.go_on.clear()
    work.started.clear()
    alone = asyncio.create_task(asked(database, computed, ordered, "drift", client=leaving))
    await work.started.wait()
    with pytest.raises(ClientDisconnect):
        await alone
    work.go_on.set()
    # The next one begins again.
    assert await asked(database, computed, ordered, "drift") == 2
    assert (work.begun, work.ended) == (3, 2)


async def test_a_child_answers_as_this_process_would(database: Database, database_url: str, order: Order) -> None:
    ordered = await order(text="Mara lit a lamp.")
    options = GenerationOptions()
    found, calls = await in_child(database_url)(ordered.run.chapter_id, stale_parts_and_calls, (options,))
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        assert found == await stale_parts(session, chapter, options)
    assert [part.part for part in found] == ["outline"]
    assert calls == 1


async def application(session: AsyncSession, chapter: Chapter) -> str:
    return str((await session.execute(text("SHOW application_name"))).scalar_one())


async def test_a_child_connects_as_this_process_does(
    database_url: str, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password may stand in libpq's own variables, and not in the URL."""
    monkeypatch.setenv("PGAPPNAME", "named by the environment")
    ordered = await order()
    assert await in_child(database_url)(ordered.run.chapter_id, application, ()) == "named by the environment"
