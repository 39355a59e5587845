"""What `run` orders, and what it goes on with."""

from decimal import Decimal

import pytest

from engine.db import Database
from engine.store import generations
from inkloom.run import order_or_attach
from models.options import GenerationStatus
from tests.conftest import Order

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("given", "counts"), [(None, "1.5"), (Decimal(4), "4")], ids=["not said again", "said again"])
async def test_the_last_budget_counts_for_a_chapter_that_failed(
    database: Database, order: Order, given: Decimal | None, counts: str
) -> None:
    """Tried again without a word about money, it does not get all the money there is."""
    ordered = await order()
    run = ordered.run
    ids = (run.chapter_id, run.project_id, run.options)
    async with database.session() as session:
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
        first = await order_or_attach(session, *ids, Decimal("1.5"))
        await generations.end(session, run.project_id, first.id, GenerationStatus.FAILED)
        session.expire_all()
        again = await order_or_attach(session, *ids, given)
        assert again.id != first.id
        assert again.budget_usd == Decimal(counts)
