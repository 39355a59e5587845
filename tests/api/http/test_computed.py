"""Answers that cost CPU are computed once for all who ask, and kept while the rows are the same."""

import asyncio

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.computed import Computed
from engine.db.session import Database
from engine.store.rows import get
from models.tables import Chapter
from tests.conftest import Order, Ordered
from tests.fakes.server import eventually

pytestmark = pytest.mark.integration


class Work:
    """Something to compute, which a test lets go on."""

    def __init__(self) -> None:
        self.begun, self.ended = 0, 0
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()

    async def of(self, session: AsyncSession, chapter: Chapter) -> int:
        self.begun += 1
        self.started.set()
        await self.go_on.wait()
        self.ended += 1
        return self.ended


async def asked(database: Database, computed: Computed, ordered: Ordered, work: Work, what: str = "stale") -> int:
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        return await computed.about(session, chapter, what, work.of)


async def test_all_who_ask_at_once_get_one_answer_which_is_kept(database: Database, order: Order) -> None:
    ordered, work, computed = await order(), Work(), Computed(database)
    waiting = [asyncio.create_task(asked(database, computed, ordered, work)) for _ in range(5)]
    await work.started.wait()
    work.go_on.set()
    assert await asyncio.gather(*waiting) == [1] * 5
    assert await asked(database, computed, ordered, work) == 1
    assert work.begun == 1
    assert await asked(database, computed, ordered, work, "drift") == 2


async def test_a_change_is_seen_at_once(database: Database, order: Order) -> None:
    ordered, work, computed = await order(), Work(), Computed(database)
    work.go_on.set()
    assert await asked(database, computed, ordered, work) == 1
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        chapter.title = "Another title"
        session.add(chapter)
    assert await asked(database, computed, ordered, work) == 2


async def test_it_stops_once_everybody_has_left(database: Database, order: Order) -> None:
    ordered, work, computed = await order(), Work(), Computed(database)
    first, second = (asyncio.create_task(asked(database, computed, ordered, work)) for _ in range(2))
    await eventually(lambda: sum(computed.waiting.values()) == 2)
    first.cancel()
    await asyncio.wait({first})
    work.go_on.set()
    assert await second == 1
    work.go_on.clear()
    work.started.clear()
    alone = asyncio.create_task(asked(database, computed, ordered, work, "drift"))
    await work.started.wait()
    alone.cancel()
    await asyncio.wait({alone})
    work.go_on.set()
    # The next one begins again.
    assert await asked(database, computed, ordered, work, "drift") == 2
    assert (work.begun, work.ended) == (3, 2)
