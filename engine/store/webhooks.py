"""Webhooks, and the deliveries to be sent to them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import Conflict
from engine.store import throttles
from engine.store.rows import get
from engine.store.scope import Scope
from models.ids import new_id
from models.tables import Delivery, Project, Webhook
from models.tables.webhooks import DeliveryState

MAX_WEBHOOKS = 20
# The most messages of a project that may be sent again: what an outage of a day missed takes a few hours.
MANY, WITHIN = 300, timedelta(hours=1)

_WANT = text(
    "SELECT id FROM webhooks WHERE project_id = :project AND active"
    " AND (events = '[]'::jsonb OR events @> to_jsonb(CAST(:type AS text)))"
)
_ADDRESS = text(
    "INSERT INTO deliveries (id, project_id, webhook_id, seq, type, body)"
    " SELECT :id, e.project_id, :webhook, e.seq, e.type, jsonb_build_object('type', e.type,"
    " 'timestamp', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
    " 'data', e.data || jsonb_build_object('project_id', e.project_id, 'generation_id', e.generation_id, 'seq', e.seq,"
    " 'external_id', g.external_id, 'metadata', g.labels))"
    " FROM events e LEFT JOIN generations g ON g.id = e.generation_id"
    " WHERE e.project_id = :project AND e.seq = :seq"
)


async def create_deliveries(session: AsyncSession, project_id: UUID, seq: int, type: str) -> None:
    """Create the deliveries of an event to all webhooks that want it, in the transaction that emits it."""
    wanted = await execute(session, _WANT, {"project": project_id, "type": type})
    for webhook_id in wanted.scalars():
        values = {"id": new_id(), "webhook": webhook_id, "project": project_id, "seq": seq}
        await execute(session, _ADDRESS, values)


async def add(session: AsyncSession, scope: Scope, project_id: UUID, url: str, events: Sequence[str]) -> Webhook:
    """Add a webhook to a project. Raises `Conflict` if there are too many."""
    await get(session, scope, Project, project_id, lock=True)
    there = (
        await session.exec(select(func.count()).select_from(Webhook).where(Webhook.project_id == project_id))
    ).one()
    if there >= MAX_WEBHOOKS:
        raise Conflict(f"A project has at most {MAX_WEBHOOKS} webhooks.")
    webhook = Webhook(project_id=project_id, url=url, events=list(events))
    session.add(webhook)
    await session.flush()
    await session.refresh(webhook)
    return webhook


async def redeliver(session: AsyncSession, scope: Scope, delivery_id: UUID) -> Delivery:
    """Send a message again, with the same id, so that a receiver recognises it. Raises `TooMany`."""
    before = await get(session, scope, Delivery, delivery_id)
    await throttles.spend(session, f"redeliveries:{before.project_id}", MANY, WITHIN, "messages sent again")
    delivery = Delivery(
        project_id=before.project_id,
        webhook_id=before.webhook_id,
        seq=before.seq,
        type=before.type,
        body=before.body,
        redelivery_of=before.redelivery_of or before.id,
    )
    session.add(delivery)
    await session.flush()
    await session.refresh(delivery)
    return delivery


async def waiting(session: AsyncSession, after: UUID | None = None, limit: int = 100) -> Sequence[Delivery]:
    """Deliveries whose workflow has not been started, the oldest first; those after one of them."""
    query = select(Delivery).where(col(Delivery.started_at).is_(None)).order_by(col(Delivery.id)).limit(limit)
    if after is not None:
        query = query.where(col(Delivery.id) > after)
    return (await session.exec(query)).all()


async def mark_started(session: AsyncSession, delivery_id: UUID) -> None:
    """Record that the delivery's workflow was started."""
    await session.exec(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id)
        .values(started_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def record_attempt(
    session: AsyncSession, delivery: Delivery, attempt: dict[str, Any], state: DeliveryState
) -> None:
    """Record an attempt, and the resulting state of the delivery."""
    delivery.tries = [*delivery.tries, attempt][-50:]
    delivery.state = state
    if state != DeliveryState.PENDING:
        delivery.ended_at = (await session.exec(select(func.clock_timestamp()))).one()
    session.add(delivery)


async def give_up(session: AsyncSession, delivery_id: UUID) -> None:
    """Mark the delivery as failed after its last attempt."""
    await session.exec(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id, col(Delivery.state) == DeliveryState.PENDING)
        .values(state=DeliveryState.FAILED, ended_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
