"""A budget is a gate: what does not fit is not sent, and what would fit is not refused."""

import asyncio
import math
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from engine.batches.advance import advance, waits_of
from engine.db.session import Database
from engine.errors import BudgetExceeded, BudgetTight, OutcomeUnknown, ProviderBusy
from engine.money import budgets, ledger
from engine.providers.usage import Tokens
from engine.settings import Rate
from engine.store import generations, holds, tallies
from engine.store.events import emit
from engine.store.rows import change, get
from engine.store.scope import Scope
from models.events import EventType
from models.options import BudgetOf, GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.runs import Holding
from models.tables import Generation, Project, ProjectInstruction, ProviderCall
from models.tables.ledger import CallState
from models.tables.projects import UnknownPolicy
from tests.batched import shelf
from tests.conftest import Order, Ordered
from tests.support.calls import ask, costly

pytestmark = pytest.mark.integration


async def allow(database: Database, ordered: Ordered, usd: str | None, *, project: bool = False) -> None:
    """Give the generation, or its project, a budget."""
    async with database.session() as session:
        row = (
            await get(session, ordered.scope, Project, ordered.run.project_id)
            if project
            else await get(session, ordered.scope, Generation, ordered.run.generation_id)
        )
        row.budget_usd = None if usd is None else Decimal(usd)
        session.add(row)


async def pay(database: Database, order: ledger.PaidRequest, usd: str) -> None:
    """Make a call that costs so much in the end."""
    granted = await ask(database, order)
    assert isinstance(granted, ledger.Grant)
    async with database.session() as session:
        await ledger.confirm(session, granted.call, ledger.Usage(Tokens(1, 1), Decimal(usd)), answer="words")


async def following(database: Database, ordered: Ordered, *, after: UUID | None = None, **more: Any) -> UUID:
    """The next generation of the same chapter, after the first, or another, has ended."""
    run = ordered.run
    async with database.session() as session:
        await generations.end(session, run.project_id, after or run.generation_id, GenerationStatus.FAILED)
        made = await generations.request(
            session,
            project_id=run.project_id,
            chapter_id=run.chapter_id,
            kind=GenerationKind.CHAPTER,
            options=GenerationOptions(),
            **more,
        )
        return made.id


async def test_fifty_at_once_against_a_budget_for_seven(database: Database, order: Order) -> None:
    """Concurrent calls see each other's reservations: seven are sent, the others are told to wait."""
    ordered = await order()
    await allow(database, ordered, "7.5")
    answers = await asyncio.gather(*(ask(database, costly(ordered, f"panel {number}")) for number in range(50)))
    assert sum(isinstance(answer, ledger.Grant) for answer in answers) == 7
    assert sum(isinstance(answer, BudgetTight) for answer in answers) == 43


async def test_a_budget_that_suffices_is_never_called_exceeded(database: Database, order: Order) -> None:
    """Reserved at worst, answered for less: while calls are in flight others wait, and in the end all fit."""
    ordered = await order()
    await allow(database, ordered, "3")
    first = [await ask(database, costly(ordered, f"panel {number}")) for number in range(3)]
    assert isinstance(await ask(database, costly(ordered, "panel 4")), BudgetTight)
    for answer in first:
        assert isinstance(answer, ledger.Grant)
        async with database.session() as session:
            await ledger.confirm(session, answer.call, ledger.Usage(Tokens(1, 1), Decimal("0.3")), answer="words")
    for number in range(4, 7):
        await pay(database, costly(ordered, f"panel {number}"), "0.3")


async def test_exceeded_when_nothing_in_flight_could_make_room(database: Database, order: Order) -> None:
    """It says what the call may cost and what is left, and what is answered already stays free."""
    ordered = await order()
    await allow(database, ordered, "1.5")
    await pay(database, costly(ordered, "panel 1"), "0.9")
    answer = await ask(database, costly(ordered, "panel 2"))
    assert isinstance(answer, BudgetExceeded)
    assert answer.needed == 1
    assert "0.6000" in answer.message
    again = await ask(database, costly(ordered, "panel 1"))
    assert isinstance(again, ledger.Grant)
    assert again.call.state == CallState.CONFIRMED
    assert isinstance(await ask(database, costly(ordered, "panel 3", "0.5")), ledger.Grant)


async def test_the_budget_of_a_project_holds_over_its_generations(database: Database, order: Order) -> None:
    """What one generation spent, another has not."""
    ordered = await order()
    await allow(database, ordered, "2", project=True)
    await pay(database, costly(ordered, "panel 1"), "0.9")
    second = await following(database, ordered)
    assert isinstance(await ask(database, costly(ordered, "panel 2", "1.2", generation_id=second)), BudgetExceeded)
    assert isinstance(await ask(database, costly(ordered, "panel 3", generation_id=second)), ledger.Grant)


@pytest.mark.parametrize("whose", list(BudgetOf))
async def test_a_part_that_waits_for_money_says_for_whose(database: Database, whose: BudgetOf) -> None:
    """A batch stops for its own budget alone, whatever the message says."""
    async with shelf(database) as mine:
        chapter = (await mine.chapters(1))[0]
        batch = await mine.batch([chapter], budget_usd=Decimal("0.5" if whose == BudgetOf.BATCH else "100"))
        (start,) = (await advance(database, batch.id)).starts
        scope = Scope(project_id=chapter.project_id)
        async with database.session() as session:
            generation = await get(session, scope, Generation, start.generation_id)
            generation.budget_usd = Decimal("0.5") if whose == BudgetOf.GENERATION else None
            project = await get(session, scope, Project, chapter.project_id)
            project.budget_usd = Decimal("0.5") if whose == BudgetOf.PROJECT else None
            holding = Holding(
                project_id=chapter.project_id,
                generation_id=generation.id,
                options=generation.options,
                target_id=chapter.id,
                purpose="draft 1",
                reason=HoldReason.BUDGET,
                message="the batch's budget",
                needed_usd=Decimal(1),
            )
            assert await holds.hold(session, holding, "panel")
        async with database.session() as session:
            (waiting,) = await holds.waiting(session, generation.id)
            assert waiting.budget == whose
            assert (await waits_of(session, batch)).reason == ("budget" if whose == BudgetOf.BATCH else "")


async def test_the_budget_of_a_project_and_an_event_do_not_wait_for_each_other(
    database: Database, order: Order
) -> None:
    """Parts that begin to wait for it, decisions and events meet, and none is thrown out for a deadlock."""
    ordered = await order()
    await allow(database, ordered, "5", project=True)
    ids = (ordered.run.project_id, ordered.run.generation_id)

    async def wait(number: int) -> None:
        holding = Holding(
            **ordered.run.model_dump(),
            target_id=ordered.run.chapter_id,
            purpose="draft 1",
            reason=HoldReason.BUDGET,
            message="too dear",
            needed_usd=Decimal(9),
        )
        async with database.session() as session:
            await holds.hold(session, holding, f"panel {number}")

    async def happen(_: int) -> None:
        async with database.session() as session:
            await emit(session, *ids, EventType.GENERATION_PROGRESSED, {})

    async def raise_it(_: int) -> None:
        async with database.session() as session:
            await holds.raise_budget(session, ordered.scope, ids[1], Decimal(1))

    async with database.session() as session:
        await generations.begin(session, *ids)
    await asyncio.gather(*(one(number) for number in range(15) for one in (wait, happen, raise_it)))


async def test_changing_a_project_and_adding_to_it_do_not_wait_for_each_other(database: Database, order: Order) -> None:
    """Whoever adds something to it goes on to tell of it, while the budget that its generation waits for is raised."""
    ordered = await order()
    ids = (ordered.run.project_id, ordered.run.generation_id)
    await allow(database, ordered, "0.5", project=True)
    holding = Holding(
        **ordered.run.model_dump(),
        target_id=ordered.run.chapter_id,
        purpose="draft 1",
        reason=HoldReason.BUDGET,
        message="too dear",
        needed_usd=Decimal(9),
    )
    async with database.session() as session:
        await generations.begin(session, *ids)
        await holds.hold(session, holding, "panel")

    async def raise_it() -> list[str]:
        async with database.session() as session:
            woken = await holds.loosen_project(session, ids[0])
            await change(session, ordered.scope, Project, ids[0], 1, {"budget_usd": Decimal(9)})
            return woken

    async with database.session() as session:
        session.add(ProjectInstruction(project_id=ids[0], position=1, body="Be brief."))
        await session.flush()
        raising = asyncio.create_task(raise_it())
        await asyncio.sleep(0.3)
        await emit(session, *ids, EventType.GENERATION_PROGRESSED, {})
    assert await raising == ["panel"]


async def test_a_retry_goes_on_with_the_same_budget(database: Database, order: Order) -> None:
    """A generation that tries another again does not get the money twice; nor does the second that tries the same."""
    ordered = await order()
    await pay(database, costly(ordered, "panel 1"), "0.9")
    first, ended, paid = ordered.run.generation_id, ordered.run.generation_id, []
    for number in range(3):
        again = await following(database, ordered, after=ended, retry_of=first, budget_usd=Decimal(2))
        answer = await ask(database, costly(ordered, f"retry {number}", generation_id=again))
        if isinstance(answer, ledger.Grant):
            paid.append(number)
            async with database.session() as session:
                await ledger.confirm(session, answer.call, ledger.Usage(Tokens(1, 1), Decimal(1)), answer="words")
        ended = again
    assert paid == [0]


@pytest.mark.parametrize(
    ("end", "left"),
    [
        pytest.param("confirm", "0.7", id="answered: what it cost"),
        pytest.param("fail", "1", id="refused: nothing"),
        pytest.param("fail and pay", "0.8", id="of no use and billed: what it cost"),
        pytest.param("lose", "0", id="lost: the most it may have cost"),
    ],
)
async def test_what_a_settled_call_takes_from_the_budget(database: Database, order: Order, end: str, left: str) -> None:
    """Each end of a call leaves another amount."""
    ordered = await order()
    await allow(database, ordered, "1")
    granted = await ask(database, costly(ordered, "panel 1"))
    assert isinstance(granted, ledger.Grant)
    async with database.session() as session:
        if end == "confirm":
            await ledger.confirm(session, granted.call, ledger.Usage(Tokens(1, 1), Decimal("0.3")), answer="words")
        elif end == "lose":
            await ledger.lose(session, granted.call, "a reset")
        else:
            usage = ledger.Usage(Tokens(1, 1), Decimal("0.2")) if end == "fail and pay" else None
            await ledger.fail(session, granted.call, "no", usage)
    async with database.session() as session:
        scope = (ordered.run.project_id, ordered.run.generation_id)
        assert await budgets.exceeded(session, *scope, Decimal(left)) is None
        too_much = Decimal(left) + Decimal("0.000001")
        assert await budgets.exceeded(session, *scope, too_much) == BudgetOf.GENERATION


@pytest.mark.parametrize(
    ("policy", "usd", "asks"),
    [
        pytest.param(UnknownPolicy.AUTO, "0.04", False, id="cheap: again"),
        pytest.param(UnknownPolicy.AUTO, "0.06", True, id="dear: a person"),
        pytest.param(UnknownPolicy.RETRY, "9", False, id="always again"),
        pytest.param(UnknownPolicy.ASK, "0.001", True, id="always a person"),
        pytest.param(UnknownPolicy.ASK, "0", False, id="free: again"),
    ],
)
async def test_what_becomes_of_a_call_whose_answer_was_lost(
    database: Database, order: Order, policy: UnknownPolicy, usd: str, asks: bool
) -> None:
    """By the project's policy; the lost attempt is written down as unknown whatever comes of it."""
    ordered = await order()
    async with database.session() as session:
        project = await get(session, ordered.scope, Project, ordered.run.project_id)
        project.unknown_policy = policy
        session.add(project)
    sent = await ask(database, costly(ordered, "panel", usd))
    again = await ask(database, costly(ordered, "panel", usd))
    assert isinstance(again, OutcomeUnknown) == asks
    async with database.session() as session:
        assert isinstance(sent, ledger.Grant)
        first = (await session.exec(select(ProviderCall).where(ProviderCall.id == sent.call.id))).one()
        assert first.state == CallState.UNKNOWN
        first.accepted = True
        session.add(first)
    if asks:
        assert isinstance(await ask(database, costly(ordered, "panel", usd)), ledger.Grant)


async def lose(database: Database, order: ledger.PaidRequest, terms: ledger.Terms = ledger.FREE) -> None:
    """Send a call whose answer does not come."""
    granted = await ask(database, order, terms)
    assert isinstance(granted, ledger.Grant)
    async with database.session() as session:
        await ledger.lose(session, granted.call, "half a body")


async def lenient(database: Database, ordered: Ordered) -> None:
    async with database.session() as session:
        project = await get(session, ordered.scope, Project, ordered.run.project_id)
        project.unknown_policy = UnknownPolicy.RETRY
        session.add(project)


@pytest.mark.parametrize("policy", ["auto", "retry"])
async def test_one_call_loses_its_answer_three_times_and_a_person_is_asked(
    database: Database, order: Order, policy: str
) -> None:
    """However cheap it is. Accepting the loss allows as many attempts again, and the lost answers no longer count."""
    ordered = await order()
    if policy == "retry":
        await lenient(database, ordered)
    call = costly(ordered, "panel", "0.001")
    for _ in range(2):
        for _ in range(ledger.MOST_LOST):
            await lose(database, call)
        stopped = await ask(database, call)
        assert isinstance(stopped, OutcomeUnknown)
        assert len(stopped.lost) == ledger.MOST_LOST
        assert "3 times" in stopped.message
        call = replace(call, accepted=call.accepted | set(stopped.lost))
    assert isinstance(await ask(database, costly(ordered, "another panel", "0.001")), ledger.Grant)


async def test_what_a_generation_lost_is_added_up(database: Database, order: Order) -> None:
    """Eight cheap pictures of a vendor that loses every answer cost as much as one dear one: a person is asked."""
    ordered = await order()
    for number in range(2):
        await lose(database, costly(ordered, f"panel {number}", "0.027"))
    assert isinstance(await ask(database, costly(ordered, "panel 0", "0.027")), OutcomeUnknown)
    async with database.session() as session:
        assert (await tallies.calls(session, ordered.run.generation_id)).unknown_usd == Decimal("0.054")
    # What was never lost is still asked for, and another generation has a sum of its own.
    assert isinstance(await ask(database, costly(ordered, "panel 2", "0.027")), ledger.Grant)
    other = await order()
    await lose(database, costly(other, "panel 0", "0.027"))
    assert isinstance(await ask(database, costly(other, "panel 0", "0.027")), ledger.Grant)


async def test_what_another_project_lost_stops_nothing_here(database: Database, order: Order) -> None:
    """One cast in two books of an owner: the same sheet was lost in the first, and is decided about there."""
    first, second = await order(), await order()
    await lose(database, costly(first, "sheet"))
    assert isinstance(await ask(database, costly(first, "sheet")), OutcomeUnknown)
    async with database.session() as session:
        project = await get(session, second.scope, Project, second.run.project_id)
        project.owner_id = first.owner_id
        session.add(project)
    here = replace(costly(second, "sheet"), owner_id=first.owner_id)
    assert isinstance(await ask(database, here), ledger.Grant)


async def test_a_rate_gives_turns_over_all_workers(database: Database, order: Order) -> None:
    """The third call of a provider that allows two a minute waits; each key has one turn."""
    ordered = await order()
    terms = ledger.Terms(rates={"metered": Rate(requests=2)})
    waits = []
    for number in range(3):
        granted = await ask(database, costly(ordered, f"panel {number}", "0", provider="metered"), terms)
        assert isinstance(granted, ledger.Grant)
        waits.append(granted.wait)
        # What waits is not sent yet.
        assert granted.call.state == (CallState.RESERVED if granted.wait else CallState.SUBMITTED)
    assert waits[:2] == [0, 0]
    assert 55 < waits[2] <= 61


async def test_nobody_waits_for_longer_than_an_attempt_lasts(database: Database, order: Order) -> None:
    """A turn that is far away is taken by nobody, and keeps nobody else waiting: come back later."""
    ordered = await order()
    terms = ledger.Terms(rates={"slow": Rate(requests=1)})
    began = time.monotonic()
    answers = [await ask(database, costly(ordered, f"panel {number}", provider="slow"), terms) for number in range(12)]
    # One turn a minute: on a busy machine another comes within reach meanwhile.
    turns = 2 + math.ceil((time.monotonic() - began) / 60)
    waits = [answer.wait for answer in answers if isinstance(answer, ledger.Grant)]
    later = [answer.retry_after or 0 for answer in answers if isinstance(answer, ProviderBusy)]
    assert 2 <= len(waits) <= turns
    assert len(waits) + len(later) == 12
    assert max(waits) <= ledger.LONGEST_WAIT
    # None of them has a turn, so none is further away than the next free one.
    assert 0 < min(later) <= max(later) < 61
    async with database.session() as session:
        assert await tallies.in_flight(session, ordered.run.generation_id) == len(waits)


async def test_a_turn_that_was_given_up_is_free_again(database: Database, order: Order) -> None:
    """Whoever waited for it is gone; the same activity tries again and waits no longer for that."""
    ordered = await order()
    terms = ledger.Terms(rates={"patient": Rate(requests=1)})
    await ask(database, costly(ordered, "panel 1", provider="patient"), terms)
    for _ in range(3):
        answer = await ask(database, costly(ordered, "panel 2", provider="patient"), terms)
        assert isinstance(answer, ledger.Grant)
        assert 50 < answer.wait < 61


async def test_a_call_that_nobody_settles_keeps_nobody_waiting(database: Database, order: Order) -> None:
    """Its process died, and the next attempt asked something else: it counts, and makes no room any more."""
    ordered = await order()
    await allow(database, ordered, "1.5")
    sent = await ask(database, costly(ordered, "panel 1"))
    assert isinstance(sent, ledger.Grant)
    assert isinstance(await ask(database, costly(ordered, "panel 2")), BudgetTight)
    async with database.session() as session:
        call = await get(session, ordered.scope, ProviderCall, sent.call.id)
        assert call.created_at is not None
        call.created_at = call.submitted_at = call.created_at - budgets.ABANDONED_AFTER
        session.add(call)
    assert isinstance(await ask(database, costly(ordered, "panel 2")), BudgetExceeded)
