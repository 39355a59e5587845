"""The fingerprint of a chapter covers every row that its freshness, estimates and drift are computed from."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import event, select, update
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database, execute
from engine.freshness.fingerprint import ROWS, fingerprint
from engine.freshness.parts import stale_parts
from engine.freshness.remaining import work_left, writer_calls
from engine.store import drifts
from engine.store.rows import get
from models.options import GenerationOptions, GenerationStatus
from models.tables import Chapter
from tests.conftest import Order, Ordered
from tests.working import STORY, Generate, Painter, Working, Writer, translating

pytestmark = pytest.mark.workflow

# Artists that take reference pictures make the list of stale parts read them as well.
OPTIONS = {"images": "openai", "translations": ["de"]}


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def computed(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> None:
    """All that is kept by the fingerprint."""
    parts = await stale_parts(session, chapter, options)
    await writer_calls(session, chapter, options, parts)
    await work_left(session, chapter, options)
    await drifts.findings_in(session, chapter)


async def made(order: Order, working: Working, generate: Generate, text: str = STORY) -> Ordered:
    ordered = await order(text, translations=["de"])
    async with working(Writer(before=translating), Painter()):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
    return ordered


async def test_what_is_read_is_covered_and_takes_as_many_statements_for_any_length(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    options = GenerationOptions.model_validate(OPTIONS)
    counts: list[int] = []
    for text in (STORY.partition("***")[0], STORY):
        ordered = await made(order, working, generate, text)
        async with database.session() as session:
            chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
            with statements(database) as seen:
                await computed(session, chapter, options)
            tables = {table for statement in seen for table in re.findall(r"(?:FROM|JOIN) (\w+)", statement)}
            assert tables
            assert tables <= ROWS.keys()
            counts.append(len(seen))
            # A row that is written, even with its own values, is another version of it.
            before = await fingerprint(session, chapter.project_id, chapter.id)
            assert before == await fingerprint(session, chapter.project_id, chapter.id)
            for name in ROWS:
                table = SQLModel.metadata.tables[name]
                of = table.c.id if name == "projects" else table.c.project_id
                ids: list[UUID] = list(
                    (await execute(session, select(table.c.id).where(of == chapter.project_id))).scalars()
                )
                if ids:
                    # Events write the project's row, too, so that its values count.
                    values: dict[str, object] = {"style": "ink"} if name == "projects" else {"id": ids[0]}
                    await execute(session, update(table).where(table.c.id == ids[0]).values(values))
                    after = await fingerprint(session, chapter.project_id, chapter.id)
                    assert after != before, name
                    before = after
    assert counts[0] == counts[1]
