"""The event log of a batch, and which webhooks hear of it.

A batch has a log of its own, because its items may belong to many projects. Its events go to the webhooks of those of
its projects that its account owns, once for each address; an item's events go to the webhooks of the item's project.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.store.events import Happened
from models.events import WEBHOOK_EVENTS, EventType
from models.ids import new_id
from models.tables import Batch, BatchEvent

_APPEND = text(
    "WITH counter AS (UPDATE batches SET event_seq = event_seq + 1 WHERE id = :batch RETURNING event_seq),"
    # Sockets hear of batches as they hear of projects, by id.
    " unheard AS (INSERT INTO unheard (project_id, seq) SELECT :batch, event_seq FROM counter"
    " ON CONFLICT (project_id) DO UPDATE SET seq = EXCLUDED.seq)"
    " INSERT INTO batch_events (batch_id, seq, type, data)"
    " SELECT :batch, event_seq, :type, CAST(:data AS jsonb) FROM counter RETURNING seq"
)
_OF_BATCH = text(
    "SELECT DISTINCT ON (w.url) w.id, w.project_id FROM webhooks w JOIN projects p ON p.id = w.project_id"
    " WHERE w.active AND (w.events = '[]'::jsonb OR w.events @> to_jsonb(CAST(:type AS text)))"
    " AND p.owner_id = :owner AND w.project_id IN (SELECT project_id FROM batch_items WHERE batch_id = :batch)"
    " ORDER BY w.url, w.id"
)
_OF_PROJECT = text(
    "SELECT w.id, w.project_id FROM webhooks w WHERE w.project_id = :project"
    " AND w.active AND (w.events = '[]'::jsonb OR w.events @> to_jsonb(CAST(:type AS text)))"
)
_DELIVER = text(
    "INSERT INTO deliveries (id, project_id, webhook_id, seq, type, body)"
    " SELECT :id, :project, :webhook, e.seq, e.type, jsonb_build_object('type', e.type,"
    " 'timestamp', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
    " 'data', e.data || jsonb_build_object('batch_id', e.batch_id, 'seq', e.seq) || CAST(:more AS jsonb))"
    " FROM batch_events e WHERE e.batch_id = :batch AND e.seq = :seq"
)


@dataclass(frozen=True)
class News:
    """An event of a batch. `project_id` is that of the item that it is about."""

    type: EventType
    data: dict[str, Any] = field(default_factory=dict)
    project_id: UUID | None = None


async def emit(session: AsyncSession, batch: Batch, news: Sequence[News]) -> None:
    """Append events, in the transaction in which they happen.

    The batch's row stays locked until its end. Call it last: transactions that hold a generation or a project wait
    for it.
    """
    for one in news:
        values = {"batch": batch.id, "type": one.type, "data": json.dumps(one.data)}
        seq = int((await execute(session, _APPEND, values)).scalar_one())
        if one.type not in WEBHOOK_EVENTS:
            continue
        if one.project_id is not None:
            found = await execute(session, _OF_PROJECT, {"type": one.type, "project": one.project_id})
            more: dict[str, Any] = {}
        else:
            found = await execute(session, _OF_BATCH, {"type": one.type, "owner": batch.owner_id, "batch": batch.id})
            more = {"external_id": batch.external_id, "metadata": batch.labels}
        for webhook in found.all():
            values = {"id": new_id(), "project": webhook.project_id, "webhook": webhook.id, "batch": batch.id}
            await execute(session, _DELIVER, values | {"seq": seq, "more": json.dumps(more)})


_OF_BATCHES = Prepared(
    text(
        "SELECT new.batch_id, new.seq, new.type, new.at, CAST(NULL AS uuid), CAST(NULL AS uuid), new.data"
        " FROM unnest(CAST(:batches AS uuid[]), CAST(:afters AS bigint[])) AS asked (batch_id, after)"
        " CROSS JOIN LATERAL (SELECT * FROM batch_events WHERE batch_events.batch_id = asked.batch_id"
        " AND seq > asked.after ORDER BY seq LIMIT :limit) AS new ORDER BY new.batch_id, new.seq"
    ),
    Happened,
)


async def of_batches(session: AsyncSession, afters: Mapping[UUID, int], limit: int) -> list[Happened]:
    """The first `limit` events of each batch after the given `seq`, in order, with the batch as their project."""
    return await _OF_BATCHES.all(session, batches=list(afters), afters=list(afters.values()), limit=limit)


async def between(session: AsyncSession, batch_id: UUID, after: int, until: int, limit: int) -> list[Happened]:
    """Events of a batch after `after` and up to `until`, in order."""
    # Numbers have no gaps.
    return await of_batches(session, {batch_id: after}, min(limit, until - after))


async def heads(session: AsyncSession, batch_ids: Collection[UUID]) -> dict[UUID, int]:
    """The `seq` of the newest event of each existing batch."""
    query = select(Batch.id, Batch.event_seq).where(col(Batch.id).in_(batch_ids))
    return dict((await session.exec(query)).all())


async def later_than(session: AsyncSession, batch_id: UUID, seq: int, limit: int) -> Sequence[BatchEvent]:
    """Events of a batch after `seq`, in order."""
    query = select(BatchEvent).where(BatchEvent.batch_id == batch_id, BatchEvent.seq > seq)
    return (await session.exec(query.order_by(col(BatchEvent.seq)).limit(limit))).all()
