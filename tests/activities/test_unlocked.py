"""Reading a long text takes seconds: no row is locked meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities.records import Records
from engine.db.session import Database
from engine.processes import pool
from engine.steps.step import Loaded
from engine.store.rows import get
from engine.tasks.outline import rows, windows
from engine.tasks.outline.task import Out, Scene
from models.runs import Run, TaskCall
from models.tables import Chapter, Generation
from models.tables import Scene as StoryScene
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration

# More than is read without a child process.
LONG = "It rained on the harbour, and Mara lit a lamp. " * 1_100


@asynccontextmanager
async def every_child_taken() -> AsyncIterator[None]:
    """What needs a child process waits."""
    before = pool.lane.get()
    async with AsyncExitStack() as places:
        for number in range(pool.shared()._most):
            pool.lane.set(f"taken {number}")
            await places.enter_async_context(pool.shared().place())
        pool.lane.set(before)
        yield


async def waiting(work: Awaitable[Any]) -> "asyncio.Future[Any]":
    """Work that has come to where it waits for a child process."""
    began = asyncio.ensure_future(work)
    async with asyncio.timeout(30):
        while not pool.shared()._waiting:
            assert not began.done()
            await asyncio.sleep(0.01)
    return began


async def lock_all(database: Database, ordered: Ordered) -> None:
    """Raises if any of the rows of the generation is locked."""
    async with database.session() as session:
        for model in (Chapter, Generation):
            await session.exec(
                select(model).where(model.project_id == ordered.run.project_id).with_for_update(nowait=True)
            )


async def answer_all(database: Database, ordered: Ordered) -> None:
    """Store an outline of each window of the text, with a scene for each."""
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        _, spans = await windows.read_apart(chapter.source_text, windows.window_tokens(ordered.run.options))
    for part, span in enumerate(spans):
        call = TaskCall(
            **ordered.run.model_dump(include=set(Run.model_fields)), target_id=ordered.run.chapter_id, part=part
        )
        async with database.session() as session:
            loaded = await rows.load(session, call, 100)
            assert isinstance(loaded, Loaded)
            found = Out(scenes=[Scene(title="Rain", first=span.start, last=span.stop - 1, gist="It rains.")])
            await rows.apply(session, call, found, loaded.basis)


@pytest.mark.parametrize("name", ["open_chapter", "store_outline"])
async def test_no_row_is_locked_while_a_text_is_read(database: Database, order: Order, name: str) -> None:
    ordered = await order(f"{name}. {LONG}")
    records = Records(database)
    if name == "store_outline":
        await ActivityEnvironment().run(records.open_chapter, ordered.run)
        await answer_all(database, ordered)
    windows._KNOWN.clear()
    async with every_child_taken():
        began = await waiting(ActivityEnvironment().run(getattr(records, name), ordered.run))
        await lock_all(database, ordered)
    async with asyncio.timeout(60):
        await began


async def test_a_text_that_changes_while_it_is_read_is_read_again(database: Database, order: Order) -> None:
    """Its outline is that of the new text, and scenes hold its words."""
    ordered = await order(LONG)
    records = Records(database)
    await ActivityEnvironment().run(records.open_chapter, ordered.run)
    windows._KNOWN.clear()
    async with every_child_taken():
        began = await waiting(ActivityEnvironment().run(records.store_outline, ordered.run))
        async with asyncio.timeout(30), database.session() as session:
            chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id, lock=True)
            chapter.source_text = "It snowed."
            session.add(chapter)
        await answer_all(database, ordered)
    async with asyncio.timeout(60):
        await began
    async with database.session() as session:
        told = select(col(StoryScene.sentences)).where(StoryScene.chapter_id == ordered.run.chapter_id)
        assert (await session.exec(told)).all() == [["It snowed.\n"]]


async def test_an_answer_counts_for_the_text_that_it_is_about(database: Database, order: Order) -> None:
    """A text that changes between question and answer is still to be outlined."""
    ordered = await order("It rained.")
    call = TaskCall(**ordered.run.model_dump(include=set(Run.model_fields)), target_id=ordered.run.chapter_id, part=0)
    async with database.session() as session:
        loaded = await rows.load(session, call, 100)
        assert isinstance(loaded, Loaded)
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id, lock=True)
        chapter.source_text = "It snowed."
        session.add(chapter)
        await session.flush()
        await rows.apply(session, call, Out(scenes=[]), loaded.basis)
        assert windows.unread(chapter, ordered.run.options) == [0]
        chapter.source_text = "It rained."
        assert windows.unread(chapter, ordered.run.options) == []
