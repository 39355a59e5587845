"""Whose answers are whose, if a project is transferred at any moment or the same is asked in several projects."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from engine.db.session import Database
from engine.digest import digest
from engine.errors import CallInFlight, EngineError, OutcomeUnknown
from engine.money import ledger
from engine.money.abandoned import abandon
from engine.money.ledger import Grant, PaidRequest, Terms, Usage
from models.tables import Project, ProviderCall
from models.tables.ledger import CallState
from models.tables.projects import UnknownPolicy
from tests.conftest import Order, Ordered
from tests.support.calls import ask, asked, costly, states

pytestmark = pytest.mark.integration

FREE = pytest.param(asked, id="free")
PAID = pytest.param(costly, id="paid")


async def give(database: Database, ordered: Ordered, owner: UUID, **more: object) -> Ordered:
    """Transfer the project."""
    async with database.session() as session:
        values = {"owner_id": owner, **more}
        await session.exec(update(Project).where(col(Project.id) == ordered.run.project_id).values(**values))
    return replace(ordered, owner_id=owner)


async def sent(database: Database, request: PaidRequest, terms: Terms = ledger.FREE) -> ProviderCall:
    """The call that is sent for the request."""
    grant = await ask(database, request, terms)
    assert isinstance(grant, Grant)
    assert grant.call.state == CallState.SUBMITTED
    return grant.call


async def confirm(database: Database, call: ProviderCall, answer: str) -> None:
    async with database.session() as session:
        await ledger.confirm(session, call, Usage(), answer=answer)


def answer_of(grant: Grant | EngineError) -> str | None:
    assert isinstance(grant, Grant)
    assert grant.call.state == CallState.CONFIRMED
    return grant.call.answer


@pytest.mark.parametrize("wanted", [FREE, PAID])
async def test_a_call_in_flight_stays_the_same_call_for_the_next_owner(
    database: Database, order: Order, wanted: Callable[..., PaidRequest]
) -> None:
    """It is awaited, not sent again; its answer goes with the project, and the previous owner pays anew elsewhere."""
    ordered, heir, elsewhere = await order(), await order(), await order()
    previous = await give(database, elsewhere, ordered.owner_id)
    call = await sent(database, wanted(ordered, "draw"))
    now = await give(database, ordered, heir.owner_id)
    assert isinstance(await ask(database, replace(wanted(now, "draw"), holder="next")), CallInFlight)
    await confirm(database, call, "words")
    assert answer_of(await ask(database, replace(wanted(now, "draw"), holder="next"))) == "words"
    await sent(database, wanted(previous, "draw"))
    assert await states(database, ordered) == [(1, "confirmed")]


@pytest.mark.parametrize("wanted", [FREE, PAID])
async def test_an_owner_pays_once_for_the_same_in_several_projects(
    database: Database, order: Order, wanted: Callable[..., PaidRequest]
) -> None:
    """While it is in flight in one project, the other waits for it; another owner shares nothing."""
    ordered, second, stranger = await order(), await order(), await order()
    other = await give(database, second, ordered.owner_id)
    call = await sent(database, wanted(ordered, "draw"))
    assert isinstance(await ask(database, replace(wanted(other, "draw"), holder="other")), CallInFlight)
    await confirm(database, call, "words")
    assert answer_of(await ask(database, replace(wanted(other, "draw"), holder="other"))) == "words"
    await sent(database, wanted(stranger, "draw"))
    assert await states(database, other) == []


async def test_what_a_project_lost_before_it_came_stops_nothing_in_the_others(database: Database, order: Order) -> None:
    """A person decides about it in the project that lost it, under its next owner, too."""
    ordered, heir = await order(), await order()
    call = await sent(database, costly(ordered, "draw"))
    async with database.session() as session:
        await ledger.lose(session, call, "gone")
    now = await give(database, ordered, heir.owner_id, unknown_policy=UnknownPolicy.ASK)
    await sent(database, replace(costly(heir, "draw"), holder="heir"))
    async with database.session() as session:
        await abandon(session, heir.run.generation_id)
    assert isinstance(await ask(database, costly(now, "draw")), OutcomeUnknown)


async def test_transfers_at_any_moment_of_twenty_askers_send_one_call(database: Database, order: Order) -> None:
    """Each asker reads the owner, and asks; meanwhile the project goes back and forth."""
    ordered, heir = await order(), await order()
    owners = [ordered.owner_id, heir.owner_id]

    async def transfers() -> None:
        for turn in range(1, 9):
            await give(database, ordered, owners[turn % 2])

    async def asker(number: int) -> Grant | EngineError:
        async with database.session() as session:
            owner = (await session.exec(select(Project.owner_id).where(Project.id == ordered.run.project_id))).one()
        wanted = replace(costly(ordered, "draw"), owner_id=owner, holder=f"holder {number}")
        return await ask(database, wanted)

    answers = await asyncio.gather(transfers(), *(asker(number) for number in range(20)))
    await ask(database, replace(costly(ordered, "draw"), holder="last"))
    assert sum(isinstance(answer, Grant) for answer in answers) <= 1
    assert await states(database, ordered) == [(1, "submitted")]


@pytest.mark.parametrize("wanted", [FREE, PAID])
async def test_rows_of_version_0017_are_found(
    database: Database, order: Order, wanted: Callable[..., PaidRequest]
) -> None:
    """Their key has the owner in it, and what was asked has no key of its own: in flight or answered, nothing is sent
    again, in none of the owner's projects.
    """
    ordered, second = await order(), await order()
    other = await give(database, second, ordered.owner_id)
    call = await sent(database, wanted(ordered, "draw"))
    old = digest(str(ordered.owner_id), "offline", "", "draw", 1)
    async with database.session() as session:
        values = {"call_key": old, "request_key": None}
        await session.exec(update(ProviderCall).where(col(ProviderCall.id) == call.id).values(**values))
    call.call_key = old
    for one in (ordered, other):
        assert isinstance(await ask(database, replace(wanted(one, "draw"), holder="next")), CallInFlight)
    await confirm(database, call, "words")
    for one in (ordered, other):
        assert answer_of(await ask(database, replace(wanted(one, "draw"), holder="next"))) == "words"
