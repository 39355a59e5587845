"""What becomes of a call between its turn and its answer."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, update
from sqlmodel import col
from temporalio.testing import ActivityEnvironment

from activities.outages import see_through
from activities.sending import sending
from engine.db.session import Database
from engine.errors import AnswerLost, CallInFlight, EngineError, ProviderBusy, ProviderDown, ProviderRejected
from engine.money import ledger
from engine.money.abandoned import abandon
from engine.settings import Rate
from engine.store.rows import get
from models.tables import ProviderCall
from models.tables.ledger import CallState
from tests.conftest import Order, Ordered
from tests.support.calls import ask, costly, states

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
        await abandon(session, ordered.run.generation_id)
    sent = False

    async def send() -> None:
        nonlocal sent
        async with sending(database, grant, ledger.FREE, gives_way=False):
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
        async with sending(database, grant, ledger.FREE, gives_way=False):
            sent = True

    environment = ActivityEnvironment()

    async def work() -> None:
        await see_through(send(), 10)

    running = asyncio.ensure_future(environment.run(work))
    await asyncio.sleep(0.05)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not sent
    assert (1, "reserved") in await states(database, ordered)


async def failing(
    database: Database, ordered: Ordered, error: Exception, *, usd: str = "0", sent_before: float = 0.0
) -> tuple[Exception, ProviderCall]:
    """What comes of a call that fails, first sent so many seconds ago, in an activity that stood in line for long."""
    granted = await ask(database, costly(ordered, "panel", usd))
    assert isinstance(granted, ledger.Grant)
    async with database.session() as session:
        earlier = func.clock_timestamp() - timedelta(seconds=sent_before)
        values = update(ProviderCall).where(col(ProviderCall.id) == granted.call.id).values(submitted_at=earlier)
        await session.exec(values)

    async def send() -> None:
        async with sending(database, granted, ledger.FREE, gives_way=True):
            raise error

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, scheduled_time=datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(type(error) if not isinstance(error, EngineError) else EngineError) as raised:
        await environment.run(send)
    async with database.session() as session:
        return raised.value, await get(session, ordered.scope, ProviderCall, granted.call.id)


@pytest.mark.parametrize(
    ("error", "usd", "sent_before", "down"),
    [
        pytest.param(ProviderBusy("429"), "0", 0, False, id="the first failure after an hour in line"),
        pytest.param(ProviderBusy("503"), "0", 40, True, id="failing for longer than patience"),
        pytest.param(ProviderBusy("429", retry_after=600), "0", 0, True, id="it says that it will be away"),
        pytest.param(AnswerLost("silence"), "0.01", 40, True, id="cheap and lost"),
        pytest.param(AnswerLost("silence"), "1", 40, False, id="dear and lost: a person decides"),
        pytest.param(ProviderRejected("no such model"), "0", 40, False, id="a wrong request"),
    ],
)
async def test_when_a_provider_gives_way(
    database: Database, order: Order, error: EngineError, usd: str, sent_before: float, down: bool
) -> None:
    """When it has failed for long, or will; never for a call that a person has to decide about."""
    raised, _ = await failing(database, await order(), error, usd=usd, sent_before=sent_before)
    assert isinstance(raised, ProviderDown) == down


async def test_a_call_that_ends_with_a_defect_is_settled(database: Database, order: Order) -> None:
    """It may have been billed; left in flight, it would keep others waiting for what comes of it."""
    _, call = await failing(database, await order(), KeyError("a prompt"), usd="1")
    assert (call.state, call.error) == (CallState.UNKNOWN, "KeyError")
