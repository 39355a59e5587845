"""What is still to be made of a chapter is counted, once its panels are known."""

from decimal import Decimal

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from engine.db.session import Database
from engine.freshness.remaining import work_left
from engine.money.estimate import Work
from engine.store.rows import get
from models.options import GenerationOptions
from models.tables import Chapter, Draft, Panel
from tests.conftest import Order, Ordered
from tests.working import STORY, Generate, Painter, Working, Writer

pytestmark = pytest.mark.workflow

SCRIPT = {"title": "Two", "scenes": [{"panels": [{"description": "A door."}, {"description": "A lamp."}]}]}


async def remaining(database: Database, ordered: Ordered, **options: object) -> Work:
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        return await work_left(session, chapter, GenerationOptions.model_validate(options))


async def test_a_script_is_counted_before_it_is_begun(database: Database, order: Order) -> None:
    """Its panels are there to be counted, its words need no writer."""
    work = await remaining(database, await order("", script=SCRIPT), drafts=2)
    assert work.counted
    assert {work.pictures.low, work.pictures.high} == {Decimal(4)}
    assert "Dialogue" not in work.tasks


async def test_what_was_left_out_needs_no_calls(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Condensed to one panel, one of the two scenes has none: the chapter is finished all the same."""
    ordered = await order(STORY, max_panels=1, until="script")
    async with working(Writer(), Painter()):
        await generate(ordered)
    work = await remaining(database, ordered, max_panels=1, until="script")
    assert work.counted
    assert {calls.high for calls in work.tasks.values()} == {Decimal(0)}


async def test_drafts_to_spare_of_one_panel_are_none_of_another(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Three of each but one, and one of each is wanted: one is to be drawn."""
    ordered = await order(STORY, drafts=3)
    async with working(Writer(), Painter()):
        await generate(ordered)
    async with database.session() as session:
        panel = (await session.exec(select(Panel).where(Panel.project_id == ordered.run.project_id))).first()
        assert panel is not None
        await session.exec(delete(Draft).where(col(Draft.panel_id) == panel.id))
    assert (await remaining(database, ordered, drafts=1)).pictures.expected == 1
