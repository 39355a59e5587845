"""What is paid for, how often, and what is known of it."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from engine.db.session import Database
from engine.errors import CallInFlight, EngineError, Paused
from engine.money import ledger
from engine.money.abandoned import abandon
from engine.providers.usage import Tokens
from engine.store import holds
from models.tables import Generation, ProviderCall
from models.tables.ledger import CallState
from tests.conftest import Order
from tests.support.calls import asked, states

pytestmark = pytest.mark.integration


def granted(answer: ledger.Grant | EngineError) -> ProviderCall:
    """The call; a no is raised, as activities do."""
    if isinstance(answer, EngineError):
        raise answer
    return answer.call


async def acquire(database: Database, order: ledger.PaidRequest) -> ProviderCall:
    async with database.session() as session:
        return granted(await ledger.acquire(session, order))


async def submit(database: Database, call: ProviderCall) -> None:
    async with database.session() as session:
        await ledger.submit(session, call)


async def confirm(database: Database, call: ProviderCall, answer: str) -> None:
    async with database.session() as session:
        await ledger.confirm(session, call, ledger.Usage(Tokens(3, 5)), answer=answer)


async def test_a_confirmed_answer_is_given_again_and_counted(database: Database, order: Order) -> None:
    """The second to ask gets the stored answer; nothing is sent."""
    ordered = await order()
    call = await acquire(database, asked(ordered))
    await submit(database, call)
    await confirm(database, call, "words")
    again = await acquire(database, asked(ordered, holder="second"))
    assert (again.state, again.answer, again.id) == (CallState.CONFIRMED, "words", call.id)
    async with database.session() as session:
        generation = (await session.exec(select(Generation).where(Generation.id == ordered.run.generation_id))).one()
    assert generation.cached_calls == 1


async def test_a_crash_after_sending_leaves_an_unknown_call_and_a_fresh_attempt(
    database: Database, order: Order
) -> None:
    """Our own earlier attempt is known by its holder: sent and not settled, it may have been billed."""
    ordered = await order()
    await submit(database, await acquire(database, asked(ordered)))
    again = await acquire(database, asked(ordered))
    assert (again.attempt, again.state) == (2, CallState.RESERVED)
    assert await states(database, ordered) == [(1, "unknown"), (2, "reserved")]


async def test_a_crash_before_sending_costs_nothing(database: Database, order: Order) -> None:
    """Reserved and never sent: failed, not unknown."""
    ordered = await order()
    await acquire(database, asked(ordered))
    await acquire(database, asked(ordered))
    assert await states(database, ordered) == [(1, "failed"), (2, "reserved")]


async def test_two_askers_of_the_same_thing_send_once(database: Database, order: Order) -> None:
    """Twenty at once: one reserves, the others are told to come back."""
    ordered = await order()
    results = await asyncio.gather(
        *(acquire(database, asked(ordered, holder=f"holder {number}")) for number in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, ProviderCall) for result in results) == 1
    assert sum(isinstance(result, CallInFlight) for result in results) == 19


async def test_a_late_answer_confirms_an_unknown_call(database: Database, order: Order) -> None:
    """A process that was given up may still come back with what was paid for."""
    ordered = await order()
    late = await acquire(database, asked(ordered))
    await submit(database, late)
    await acquire(database, asked(ordered))
    await confirm(database, late, "late")
    assert (await acquire(database, asked(ordered))).answer == "late"


async def test_one_key_is_confirmed_at_most_once(database: Database, order: Order) -> None:
    """Of two answers to a call that was sent twice the first is kept; the database itself refuses a second."""
    ordered = await order()
    first = await acquire(database, asked(ordered))
    await submit(database, first)
    second = await acquire(database, asked(ordered))
    await submit(database, second)
    await confirm(database, second, "two")
    await confirm(database, first, "one")
    assert await states(database, ordered) == [(1, "unknown"), (2, "confirmed")]
    assert (await acquire(database, asked(ordered))).answer == "two"
    with pytest.raises(IntegrityError):
        async with database.session() as session:
            await session.exec(update(ProviderCall).where(col(ProviderCall.id) == first.id).values(state="confirmed"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"request_hash": "other"}, id="another request"),
        pytest.param({"ordinal": 2}, id="a redraw"),
        pytest.param({"provider": "other"}, id="another provider"),
        pytest.param({"model": "other"}, id="another model"),
    ],
)
def test_what_makes_another_call(change: dict[str, object]) -> None:
    """Each of these is paid for on its own."""
    base = ledger.PaidRequest(
        owner_id=uuid4(),
        project_id=uuid4(),
        generation_id=uuid4(),
        kind="image",
        provider="offline",
        model="",
        purpose="draft",
        target_id=uuid4(),
        request_hash="draw",
        ordinal=1,
        holder="one",
    )
    other = replace(base, **change)  # type: ignore[arg-type]  # the table's values fit by name
    assert other.call_key != base.call_key
    assert other.request_key != base.request_key
    same = replace(base, owner_id=uuid4(), generation_id=uuid4(), holder="two", target_id=uuid4())
    assert same.call_key == base.call_key
    elsewhere = replace(same, project_id=uuid4())
    assert elsewhere.request_key == base.request_key
    assert elsewhere.call_key != base.call_key


async def test_a_call_for_a_previous_owner_is_prepared_again(database: Database, order: Order) -> None:
    """The project was transferred in between: nothing is reserved, and the next attempt goes through."""
    ordered = await order()
    async with database.session() as session:
        refusal = await ledger.acquire(session, replace(asked(ordered), owner_id=uuid4()))
    assert isinstance(refusal, CallInFlight)
    assert await states(database, ordered) == []
    assert (await acquire(database, asked(ordered))).state == CallState.RESERVED


async def test_a_call_that_waits_for_its_turn_is_not_sent_once_its_generation_is_paused(
    database: Database, order: Order
) -> None:
    """Its turn may be minutes away; who paused meanwhile pays for nothing. The next attempt hears of the pause."""
    ordered = await order()
    call = await acquire(database, asked(ordered))
    async with database.session() as session:
        await holds.pause(session, ordered.scope, ordered.run.generation_id)
    async with database.session() as session:
        assert not await ledger.submit(session, call)
    async with database.session() as session:
        assert isinstance(await ledger.acquire(session, asked(ordered)), Paused)
    assert await states(database, ordered) == [(1, "failed")]


async def test_the_end_of_a_generation_settles_what_is_open(database: Database, order: Order) -> None:
    """Nothing stays in flight for ever: what was sent becomes unknown, what was only reserved failed."""
    ordered = await order()
    await submit(database, await acquire(database, asked(ordered, "sent")))
    await acquire(database, asked(ordered, "reserved"))
    async with database.session() as session:
        await abandon(session, ordered.run.generation_id)
    assert sorted(state for _, state in await states(database, ordered)) == ["failed", "unknown"]


async def test_a_call_that_this_process_still_waits_for_is_not_sent_again(database: Database, order: Order) -> None:
    """Temporal gave the attempt up, the process did not: the answer is still to come, and paid for once."""
    ordered = await order()
    call = await acquire(database, asked(ordered))
    await submit(database, call)
    with pytest.raises(CallInFlight):
        async with database.session() as session:
            granted(await ledger.acquire(session, asked(ordered), send=True, alive={call.id}))
    async with database.session() as session:
        await abandon(session, ordered.run.generation_id)
    with pytest.raises(CallInFlight):
        async with database.session() as session:
            granted(await ledger.acquire(session, asked(ordered, holder="a retry"), send=True, alive={call.id}))
    await confirm(database, call, "words")
    async with database.session() as session:
        assert granted(await ledger.acquire(session, asked(ordered), send=True)).answer == "words"
    assert await states(database, ordered) == [(1, "confirmed")]
