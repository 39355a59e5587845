"""What ends a login ends it: nobody who was just coming in, or staying in, slips past."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from engine.db.session import Database
from engine.errors import Unauthorized
from engine.store import accounts
from models.tables import User

pytestmark = pytest.mark.integration

MONTH = timedelta(days=30)


async def account(database: Database) -> User:
    async with database.session() as session:
        return await accounts.register(session, f"{uuid4()}@example.org", "", "the hash of before", claim=False)


async def logged_in(database: Database, user: User) -> str:
    async with database.session() as session:
        return (await accounts.log_in(session, user, MONTH))[0]


async def counts(database: Database, token: str) -> bool:
    async with database.session() as session:
        return await accounts.refresh(session, token, MONTH) is not None


async def test_who_refreshes_while_all_logins_end_is_out(database: Database) -> None:
    """The next token, which nobody could see yet, ends too."""
    user = await account(database)
    token = await logged_in(database, user)

    async def end_all() -> None:
        async with database.session() as session:
            await accounts.end(session, user_id=user.id)

    async with database.session() as session:
        exchanged = await accounts.refresh(session, token, MONTH)
        ending = asyncio.create_task(end_all())
        await asyncio.sleep(0.3)
    await ending
    assert exchanged is not None
    assert not await counts(database, exchanged[1])


async def test_who_refreshes_while_logging_out_is_out(database: Database) -> None:
    """Likewise of one login alone, whichever comes first."""
    user = await account(database)
    token = await logged_in(database, user)
    async with database.session() as session:
        family = await accounts.family_of(session, token)

    async def refreshed() -> str | None:
        async with database.session() as session:
            exchanged = await accounts.refresh(session, token, MONTH)
        return exchanged and exchanged[1]

    async with database.session() as session:
        await accounts.end(session, family=family)
        refreshing = asyncio.create_task(refreshed())
        await asyncio.sleep(0.3)
    following = await refreshing
    assert following is None
    assert not await counts(database, token)


async def test_a_password_that_was_changed_while_it_was_checked_does_not_count(database: Database) -> None:
    """Checking takes a while: whoever knew the one of before is neither let in with it nor sets another."""
    proven = await account(database)

    async def another_one(password_hash: str, wait: float = 0.0) -> None:
        async with database.session() as session:
            await accounts.change_password(session, proven, password_hash)
            await asyncio.sleep(wait)

    changing = asyncio.create_task(another_one("the hash of now", 0.5))
    await asyncio.sleep(0.2)
    with pytest.raises(Unauthorized):
        await logged_in(database, proven)
    await changing
    with pytest.raises(Unauthorized):
        await another_one("the hash of a thief")
