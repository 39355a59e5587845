"""A call that waits for its turn is sent only if somebody still wants it."""

import asyncio
from dataclasses import replace

import pytest
from temporalio.testing import ActivityEnvironment

from activities.outages import see_through
from activities.sending import sending
from engine import ledger
from engine.db import Database
from engine.errors import CallInFlight
from engine.settings import Rate
from models.tables.ledger import CallState
from tests.conftest import Order, Ordered
from tests.engine.test_budgets import ask, costly
from tests.engine.test_ledger import states

pytestmark = pytest.mark.integration


async def waiting(database: Database, ordered: Ordered, seconds: float) -> ledger.Grant:
    """A call that is reserved, and whose turn comes in so many seconds."""
    terms = ledger.Terms(rates={"metered": Rate(requests=1)})
    for number in range(2):
        granted = await ask(database, costly(ordered, f"panel {number}", "0", provider="metered"), terms)
    assert isinstance(granted, ledger.Grant)
    assert granted.call.state == CallState.RESERVED
    return replace(granted, wait=seconds)


async def test_a_call_that_was_given_up_is_not_sent(database: Database, order: Order) -> None:
    """Its generation has ended, or the next attempt took its place: sent all the same, it would be in no book."""
    ordered = await order()
    grant = await waiting(database, ordered, 0.01)
    async with database.session() as session:
        await ledger.abandon(session, ordered.run.generation_id)
    sent = False

    async def send() -> None:
        nonlocal sent
        async with sending(database, grant, gives_way=False):
            sent = True

    with pytest.raises(CallInFlight):
        await ActivityEnvironment().run(send)
    assert not sent


async def test_nothing_is_sent_for_an_activity_that_was_cancelled(database: Database, order: Order) -> None:
    """Cancelled while it waits, it ends within seconds, and nobody pays for it."""
    ordered = await order()
    grant = await waiting(database, ordered, 0.3)
    sent = False

    async def send() -> None:
        nonlocal sent
        async with sending(database, grant, gives_way=False):
            sent = True

    environment = ActivityEnvironment()

    async def work() -> None:
        await see_through(send())

    running = asyncio.ensure_future(environment.run(work))
    await asyncio.sleep(0.05)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not sent
    assert (1, "reserved") in await states(database, ordered)
