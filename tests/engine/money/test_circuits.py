"""A provider that fails again and again is asked by one call at a time; the others wait, or ask the next provider."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, update
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

from activities.sending import sending
from engine.db.session import Database
from engine.errors import (
    AnswerLost,
    BadAnswer,
    EngineError,
    Paused,
    ProviderBusy,
    ProviderDown,
    ProviderRejected,
    RateLimited,
)
from engine.money import circuits, ledger
from engine.settings import Rate, Settings
from engine.store import holds
from models.tables import Circuit, ProviderCall
from tests.conftest import Order, Ordered
from tests.support.calls import ask, costly

pytestmark = pytest.mark.integration

DOWN = ProviderBusy("vendor answered 503.", detail="no capacity")
# Added to a pause of some seconds, which a busy machine lets pass before the next statement.
HOLD = 3600.0


@pytest.fixture
async def vendor(database: Database) -> AsyncIterator[str]:
    """The name of a provider that no other test asks."""
    name = f"vendor-{uuid4()}"
    yield name
    async with database.session() as session:
        await session.exec(delete(Circuit).where(col(Circuit.key).contains(name)))


async def send(database: Database, ordered: Ordered, vendor: str, error: EngineError | None, **more: object) -> object:
    """Make a call that ends so; returns the refusal if it is not sent."""
    granted = await ask(database, costly(ordered, str(uuid4()), "0", provider=vendor, **more))
    if isinstance(granted, EngineError):
        return granted

    async def work() -> None:
        async with sending(database, granted, ledger.FREE, gives_way=False):
            if error is not None:
                raise error

    if error is None:
        await ActivityEnvironment().run(work)
    else:
        with pytest.raises(type(error)):
            await ActivityEnvironment().run(work)
    return error


async def stays_open(database: Database, vendor: str) -> None:
    """Lengthen the pause of the provider's circuit by `HOLD`."""
    moved = col(Circuit.next_call_at) + timedelta(seconds=HOLD)
    async with database.session() as session:
        await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(next_call_at=moved))


async def later(database: Database, vendor: str, seconds: float) -> None:
    """So many seconds, and `HOLD`, pass for the provider's circuit."""
    moved = {
        "failing_since": col(Circuit.failing_since) - timedelta(seconds=seconds),
        "next_call_at": col(Circuit.next_call_at) - timedelta(seconds=HOLD + seconds),
    }
    async with database.session() as session:
        await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(moved))


async def opened(database: Database, order: Order, vendor: str) -> Ordered:
    """A generation with a provider that has just failed often enough."""
    ordered = await order()
    for _ in range(circuits.OPEN_AFTER):
        assert await send(database, ordered, vendor, DOWN) is DOWN
    await stays_open(database, vendor)
    return ordered


async def test_of_many_calls_one_finds_out(database: Database, order: Order, vendor: str) -> None:
    """Nobody is asked until the pause is over; then one of eight, and the others are told when to come back."""
    ordered = await opened(database, order, vendor)
    refusal = await send(database, ordered, vendor, None)
    assert isinstance(refusal, ProviderBusy)
    assert "failed 3 times in a row" in refusal.message
    assert refusal.retry_after is not None
    assert HOLD / 2 < refusal.retry_after <= HOLD + circuits.LONGEST_PAUSE
    await later(database, vendor, circuits.LONGEST_PAUSE)
    asked = await asyncio.gather(*(ask(database, costly(ordered, f"{n}", "0", provider=vendor)) for n in range(8)))
    assert sum(isinstance(one, ledger.Grant) for one in asked) == 1
    assert all(one.retryable for one in asked if isinstance(one, EngineError))


async def test_one_answer_closes_it(database: Database, order: Order, vendor: str) -> None:
    """All calls go out again."""
    ordered = await opened(database, order, vendor)
    await later(database, vendor, circuits.LONGEST_PAUSE)
    assert await send(database, ordered, vendor, None) is None
    asked = await asyncio.gather(*(ask(database, costly(ordered, f"{n}", "0", provider=vendor)) for n in range(8)))
    assert all(isinstance(one, ledger.Grant) for one in asked)


@pytest.mark.parametrize(
    ("error", "opens"),
    [
        pytest.param(ProviderBusy("500"), True, id="its own failure"),
        pytest.param(AnswerLost("timed out"), True, id="silence"),
        pytest.param(RateLimited("429"), False, id="its limit"),
        pytest.param(ProviderRejected("400"), False, id="a wrong request"),
        pytest.param(BadAnswer("nonsense"), False, id="an unusable answer"),
    ],
)
async def test_what_counts_as_a_failure(
    database: Database, order: Order, vendor: str, error: EngineError, opens: bool
) -> None:
    """A provider that answers is there, whatever it answers."""
    ordered = await order()
    for _ in range(circuits.OPEN_AFTER + 2):
        await send(database, ordered, vendor, error)
        await stays_open(database, vendor)
    asked = await ask(database, costly(ordered, "next", "0", provider=vendor))
    assert isinstance(asked, EngineError) == opens


async def test_failures_between_answers_are_not_in_a_row(database: Database, order: Order, vendor: str) -> None:
    """A provider that fails every third call is asked by all."""
    ordered = await order()
    for error in (DOWN, DOWN, None) * 3:
        assert await send(database, ordered, vendor, error) is error


async def test_failures_long_ago_do_not_count(database: Database, order: Order, vendor: str) -> None:
    """Yesterday's outage is over."""
    ordered = await opened(database, order, vendor)
    async with database.session() as session:
        earlier = func.clock_timestamp() - 2 * circuits.ROW
        await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(last_failed_at=earlier))
    assert isinstance(await ask(database, costly(ordered, "next", "0", provider=vendor)), ledger.Grant)


async def test_the_words_of_a_provider_stay_with_the_call_they_answer(
    database: Database, order: Order, vendor: str
) -> None:
    """They may quote a prompt, and the circuit is for all projects: neither its row nor its refusals hold them."""
    ordered, others = await order(), await order()
    quoting = ProviderBusy("vendor answered 503.", detail="cannot draw: a secret of the first project")
    for _ in range(circuits.OPEN_AFTER):
        assert await send(database, ordered, vendor, quoting) is quoting
    await stays_open(database, vendor)
    async with database.session() as session:
        [row] = (await session.exec(select(Circuit).where(col(Circuit.key).contains(vendor)))).all()
        calls = (await session.exec(select(ProviderCall).where(ProviderCall.provider == vendor))).all()
        earlier = func.clock_timestamp() - timedelta(seconds=circuits.PATIENCE + 1)
        await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(failing_since=earlier))
    assert row.said == "vendor answered 503."
    assert {call.said for call in calls} == {quoting.detail}
    for gives_way in (False, True):
        refusal = await send(database, others, vendor, None, gives_way=gives_way)
        assert isinstance(refusal, ProviderDown if gives_way else ProviderBusy)
        assert refusal.detail == ""
        assert "secret" not in refusal.message
        assert "The last failure: vendor answered 503." in refusal.message


async def test_a_provider_that_hangs_fails_in_a_row(database: Database, order: Order, vendor: str) -> None:
    """Its failures are as far apart as the longest timeout, and the pause before the call."""
    settings = Settings()
    apart = timedelta(seconds=max(settings.llm_timeout, settings.image_timeout)) + circuits.PROBE
    ordered = await order()
    hangs = AnswerLost("it took longer than 600 seconds")
    for _ in range(circuits.OPEN_AFTER):
        async with database.session() as session:
            earlier = func.clock_timestamp() - apart
            await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(last_failed_at=earlier))
        assert await send(database, ordered, vendor, hangs) is hangs
    await stays_open(database, vendor)
    assert isinstance(await ask(database, costly(ordered, "next", "0", provider=vendor)), ProviderBusy)


@pytest.mark.parametrize("wait", [pytest.param(None, id="paused"), pytest.param(ledger.LONGEST_WAIT, id="limited")])
async def test_a_call_that_is_not_sent_does_not_find_out(
    database: Database, order: Order, vendor: str, wait: float | None
) -> None:
    """The turn to find out is left to the next call."""
    ordered, paused = await opened(database, order, vendor), await order()
    await later(database, vendor, circuits.LONGEST_PAUSE)
    terms = ledger.FREE
    if wait is None:
        async with database.session() as session:
            await holds.pause(session, paused.scope, paused.run.generation_id)
    else:
        # The one slot of each minute is assigned for minutes to come.
        terms = ledger.Terms(rates={vendor: Rate(requests=1)})
        async with database.session() as session:
            later_on = func.clock_timestamp() + timedelta(seconds=wait)
            await session.exec(
                update(ProviderCall)
                .where(col(ProviderCall.provider) == vendor)
                .values(send_at=later_on, submitted_at=func.clock_timestamp())
            )
    refusal = await ask(database, costly(paused, "not sent", "0", provider=vendor), terms)
    assert isinstance(refusal, Paused if wait is None else RateLimited)
    assert isinstance(await ask(database, costly(ordered, "next", "0", provider=vendor)), ledger.Grant)


async def test_after_patience_the_next_provider_is_asked_at_once(database: Database, order: Order, vendor: str) -> None:
    """Not before: a moment's outage makes no storyboards. Without another provider, it is waited for."""
    ordered = await opened(database, order, vendor)
    async with database.session() as session:
        # As if it had failed just now, and were asked again within its patience.
        now = func.clock_timestamp()
        pause = {"failing_since": now, "next_call_at": now + timedelta(seconds=circuits.PATIENCE - 1)}
        await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(pause))
    assert isinstance(await send(database, ordered, vendor, None, gives_way=True), ProviderBusy)
    async with database.session() as session:
        earlier = func.clock_timestamp() - timedelta(seconds=circuits.PATIENCE + 1)
        await session.exec(update(Circuit).where(col(Circuit.key).contains(vendor)).values(failing_since=earlier))
    assert isinstance(await send(database, ordered, vendor, None, gives_way=True), ProviderDown)
    assert isinstance(await send(database, ordered, vendor, None), ProviderBusy)


async def test_a_stored_answer_needs_no_provider(database: Database, order: Order, vendor: str) -> None:
    """What was paid for is used while the provider is down."""
    ordered = await order()
    paid = costly(ordered, "paid", "0", provider=vendor)
    granted = await ask(database, paid)
    assert isinstance(granted, ledger.Grant)
    async with database.session() as session:
        await ledger.confirm(session, granted.call, ledger.Usage(), answer="words")
    for _ in range(circuits.OPEN_AFTER):
        await send(database, ordered, vendor, DOWN)
    await stays_open(database, vendor)
    again = await ask(database, replace(paid, holder="another"))
    assert isinstance(again, ledger.Grant)
    assert again.call.answer == "words"


async def test_another_model_works_while_one_is_down(database: Database, order: Order, vendor: str) -> None:
    """Overloaded or about to be retired, a model says nothing about the others of its vendor; nor does their answer
    about it.
    """
    ordered = await opened(database, order, vendor)
    for model in ("one", "m" * 200, "m" * 199 + "n"):
        assert await send(database, ordered, vendor, None, model=model) is None
    for _ in range(circuits.OPEN_AFTER):
        assert await send(database, ordered, vendor, DOWN, model="m" * 200) is DOWN
    await stays_open(database, vendor)
    assert await send(database, ordered, vendor, None, model="m" * 199 + "n") is None
    for model in ("m" * 200, ""):
        refusal = await send(database, ordered, vendor, None, model=model)
        assert isinstance(refusal, ProviderBusy)


async def test_the_writer_of_a_vendor_works_while_its_artist_is_down(
    database: Database, order: Order, vendor: str
) -> None:
    """Each has a circuit."""
    ordered = await opened(database, order, vendor)
    assert isinstance(await ask(database, costly(ordered, "a", "0", provider=vendor, kind="image")), ledger.Grant)
