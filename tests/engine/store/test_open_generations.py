"""What the sweeper looks after, and in which order."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from engine.db.session import Database
from engine.store import generations
from models.options import GenerationStatus
from models.tables import Generation
from tests.conftest import Order

pytestmark = pytest.mark.integration


async def test_what_nobody_started_comes_before_what_waits(database: Database, order: Order) -> None:
    """However many wait for a person, an order is not kept from beginning."""
    waits, begins = await order(), await order()
    async with database.session() as session:
        await session.exec(
            update(Generation)
            .where(col(Generation.id) == waits.run.generation_id)
            .values(status=GenerationStatus.BUDGET_EXCEEDED)
        )
    async with database.session() as session:
        found = [one.id for one in await generations.open_generations(session, timedelta(0))]
        few = [one.id for one in await generations.open_generations(session, timedelta(0), 1)]
    assert len(few) == 2
    assert few[0] in found
    assert found.index(begins.run.generation_id) < found.index(waits.run.generation_id)
