"""Calls in flight are limited by project and by provider, over all workers: never one too many, and none is lost."""

import asyncio
from dataclasses import replace

import pytest

from engine.db.session import Database
from engine.errors import RateLimited
from engine.money import ledger
from engine.providers.usage import Tokens
from tests.conftest import Order
from tests.support.calls import asked

pytestmark = pytest.mark.integration


async def ask(database: Database, request: ledger.PaidRequest, terms: ledger.Terms) -> ledger.Grant | Exception:
    async with database.session() as session:
        return await ledger.acquire(session, request, terms=terms, send=True)


async def test_a_project_has_no_more_calls_in_flight_than_it_may(database: Database, order: Order) -> None:
    """Twenty at once, free or not: three are sent; an answer makes room for one, and another project has its own."""
    ordered, other, terms = await order(), await order(), ledger.Terms(project_calls=3)
    calls = [asked(ordered, f"panel {number}") for number in range(20)]
    answers = await asyncio.gather(*(ask(database, call, terms) for call in calls))
    sent = [answer for answer in answers if isinstance(answer, ledger.Grant)]
    assert len(sent) == 3
    assert sum(isinstance(answer, RateLimited) for answer in answers) == 17
    assert isinstance(await ask(database, asked(other), terms), ledger.Grant)
    async with database.session() as session:
        await ledger.confirm(session, sent[0].call, ledger.Usage(Tokens(1, 1)), answer="words")
    waiting = [call for call, answer in zip(calls, answers, strict=True) if isinstance(answer, RateLimited)]
    again = await asyncio.gather(*(ask(database, call, terms) for call in waiting))
    assert sum(isinstance(answer, ledger.Grant) for answer in again) == 1


async def test_a_provider_has_no_more_calls_in_flight_than_it_may(database: Database, order: Order) -> None:
    """Over projects; another provider is not held up."""
    first, second, terms = await order(), await order(), ledger.Terms(provider_calls={"of-one": 1})
    mine = replace(asked(first, holder="mine"), provider="of-one")
    theirs = replace(asked(second, holder="theirs"), provider="of-one")
    answers = await asyncio.gather(ask(database, mine, terms), ask(database, theirs, terms))
    assert sum(isinstance(answer, ledger.Grant) for answer in answers) == 1
    assert isinstance(await ask(database, asked(second), terms), ledger.Grant)
