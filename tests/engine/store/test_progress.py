"""Progress moves forward, by planned weights, once per step."""

import pytest
from sqlmodel import col, select

from engine.db.session import Database
from engine.store import generations
from engine.store.progress import complete_and_tell, plan, split
from models.options import GenerationStatus
from models.tables import Event, Generation
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration


async def done(database: Database, ordered: Ordered, key: str) -> None:
    async with database.session() as session:
        await complete_and_tell(session, ordered.run.project_id, ordered.run.generation_id, key)


async def progress(database: Database, ordered: Ordered) -> float:
    async with database.session() as session:
        query = select(Generation.progress).where(Generation.id == ordered.run.generation_id)
        return (await session.exec(query)).one()


async def test_steps_weigh_what_was_planned(database: Database, order: Order) -> None:
    """A step moves progress by its share, its parts by shares of it, and each of them once."""
    ordered = await order()
    async with database.session() as session:
        await plan(session, ordered.run.generation_id, {"outline": 1, "scenes": 9})
        await plan(session, ordered.run.generation_id, {"outline": 5, "scenes": 5})
    await done(database, ordered, "outline")
    assert await progress(database, ordered) == pytest.approx(0.1)
    await done(database, ordered, "outline")
    assert await progress(database, ordered) == pytest.approx(0.1)
    async with database.session() as session:
        await split(session, ordered.run.generation_id, "scenes", {"one": 1, "two": 2})
        await split(session, ordered.run.generation_id, "scenes", {"three": 1})
    await done(database, ordered, "scenes")
    await done(database, ordered, "two")
    assert await progress(database, ordered) == pytest.approx(0.7)


async def test_only_the_end_is_one(database: Database, order: Order) -> None:
    """All steps done is not yet the end; the end is exactly 1, and said last."""
    ordered = await order()
    async with database.session() as session:
        await plan(session, ordered.run.generation_id, {"all": 1})
    await done(database, ordered, "all")
    assert await progress(database, ordered) < 1
    async with database.session() as session:
        await generations.end(session, ordered.run.project_id, ordered.run.generation_id, GenerationStatus.COMPLETED)
    assert await progress(database, ordered) == 1.0
    async with database.session() as session:
        query = select(Event).where(Event.generation_id == ordered.run.generation_id).order_by(col(Event.seq))
        told = (await session.exec(query)).all()
    assert told[-1].type == "generation.completed"
    assert told[-1].data["progress"] == 1.0
    values = [event.data["progress"] for event in told if "progress" in event.data]
    assert values == sorted(values)
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
