"""What has expired goes; what still counts, or can still be looked up, stays."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from engine.db.session import Database, execute
from engine.store import accounts, expired, idempotency, throttles, webhooks
from models.tables import AccessToken, Delivery, IdempotentRequest, RefreshToken, Throttle, Ticket, User
from models.tables.webhooks import DeliveryState
from tests.conftest import Order

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


@pytest.fixture
async def user(database: Database) -> User:
    async with database.session() as session:
        return await accounts.register(session, f"{uuid4()}@example.org", "", "a hash", claim=False)


async def test_logins_tickets_and_tokens(database: Database, user: User) -> None:
    """Two days after they counted last; a personal token a month after, and one that never ends never."""
    async with database.session() as session:
        for lifetime in (-2 * DAY, DAY):
            await accounts.log_in(session, user, lifetime)
            await accounts.new_ticket(session, user.id, None, lifetime, None, None)
        for name, lasts in (("long over", -31 * DAY), ("just over", -DAY), ("in force", DAY), ("endless", None)):
            await accounts.new_personal_token(session, user.id, name, [], None, lasts)
    await expired.forget(database)
    async with database.session() as session:
        ends = (await session.exec(select(RefreshToken.expires_at).where(RefreshToken.user_id == user.id))).all()
        tickets = (await session.exec(select(Ticket.expires_at).where(Ticket.user_id == user.id))).all()
        names = (await session.exec(select(AccessToken.name).where(AccessToken.user_id == user.id))).all()
    assert [end > datetime.now(UTC) for end in (*ends, *tickets)] == [True, True]
    assert sorted(names) == ["endless", "in force", "just over"]


async def test_tries_and_keys(database: Database, user: User) -> None:
    """Of yesterday and before."""
    old, new = f"old {uuid4()}", f"new {uuid4()}"
    async with database.session() as session:
        for key in (old, new):
            await throttles.take_token(session, key, 3, DAY)
            await idempotency.claim(session, user.id, key, "POST", "generations", {})
        connection = await session.connection()
        await connection.execute(
            text("UPDATE throttles SET at = now() - interval '2 days' WHERE key = :key"), {"key": old}
        )
        await connection.execute(
            text("UPDATE idempotent_requests SET created_at = now() - interval '3 days' WHERE key = :key"), {"key": old}
        )
    await expired.forget(database)
    async with database.session() as session:
        tries = await session.exec(select(Throttle.key).where(col(Throttle.key).in_([old, new])))
        keys = await session.exec(select(IdempotentRequest.key).where(IdempotentRequest.user_id == user.id))
        assert (tries.all(), keys.all()) == ([new], [new])


async def test_messages(database: Database, order: Order) -> None:
    """A month after they ended; one that should be on its way and was lost is put on its way again."""
    ordered = await order()
    now = datetime.now(UTC)
    async with database.session() as session:
        webhook = await webhooks.add(session, ordered.scope, ordered.run.project_id, "https://example.org/hook", [])
        for type, state, started, ended in (
            ("old", DeliveryState.DELIVERED, 31, 31),
            ("new", DeliveryState.FAILED, 31, 1),
            ("lost", DeliveryState.PENDING, 1, None),
            ("begun", DeliveryState.PENDING, 0, None),
        ):
            delivery = Delivery(
                project_id=webhook.project_id,
                webhook_id=webhook.id,
                seq=1,
                type=type,
                state=state,
                started_at=now - started * DAY,
                ended_at=None if ended is None else now - ended * DAY,
            )
            session.add(delivery)
    await expired.forget(database)
    async with database.session() as session:
        query = select(Delivery.type, Delivery.started_at).where(Delivery.webhook_id == webhook.id)
        left = {type: started is not None for type, started in (await session.exec(query)).all()}
    assert left == {"new": True, "lost": False, "begun": True}


async def test_a_table_that_cannot_be_tidied_keeps_no_other_from_it(database: Database, user: User) -> None:
    """Its error is reported when the others are done."""
    async with database.session() as session:
        await accounts.new_personal_token(session, user.id, "long over", [], None, -31 * DAY)
    url = database.engine.url.update_query_dict({"options": "-c lock_timeout=200"})
    impatient = Database(url.render_as_string(hide_password=False), pool_size=2)
    async with database.session() as session:
        await execute(session, text("LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(OperationalError):
            await expired.forget(impatient)
    await impatient.close()
    async with database.session() as session:
        assert (await session.exec(select(AccessToken.name).where(AccessToken.user_id == user.id))).all() == []


async def test_a_dry_run_counts_and_deletes_nothing(database: Database, user: User) -> None:
    """The count is what the next run deletes at least."""
    async with database.session() as session:
        await accounts.new_personal_token(session, user.id, "long over", [], None, -31 * DAY)
    counted = (await expired.forget(database, dry_run=True))["access_tokens"]
    assert counted >= 1
    async with database.session() as session:
        assert (await session.exec(select(AccessToken.name).where(AccessToken.user_id == user.id))).all() == [
            "long over"
        ]
    assert (await expired.forget(database))["access_tokens"] == counted
    assert (await expired.forget(database))["access_tokens"] == 0
