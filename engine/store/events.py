"""The event log of a project."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db import execute
from engine.store import webhooks
from models.events import CALLBACKS, EventType
from models.tables import Event

# One statement, because every activity ends with it. A generation's event says how far the generation is. Its row is
# locked before the project's: everybody takes these two in that order, or they would wait for each other for ever.
_EMIT = text(
    "WITH run AS MATERIALIZED (SELECT progress FROM generations WHERE id = :generation FOR NO KEY UPDATE),"
    " counter AS (UPDATE projects SET event_seq = event_seq + 1"
    " WHERE id = :project AND (SELECT count(*) FROM run) >= 0 RETURNING event_seq),"
    " told AS (INSERT INTO unheard (project_id, seq) SELECT :project, event_seq FROM counter"
    " ON CONFLICT (project_id) DO UPDATE SET seq = EXCLUDED.seq)"
    " INSERT INTO events (project_id, seq, generation_id, actor_id, type, data)"
    " SELECT :project, event_seq, :generation, CAST(:actor AS uuid), :type, CAST(:data AS jsonb) || COALESCE("
    "(SELECT jsonb_build_object('progress', round(progress::numeric, 6)) FROM run), '{}'::jsonb)"
    " FROM counter RETURNING seq"
)


async def emit(
    session: AsyncSession,
    project_id: UUID,
    generation_id: UUID | None,
    type: EventType,
    data: dict[str, Any],
    *,
    actor: UUID | None = None,
) -> int:
    """Append an event and return its `seq`. A generation's event carries its `progress` beside `data`.

    `actor` is the user whose deed it was; a workflow's is nobody's.

    The counter's row stays locked until the transaction ends, so numbers follow the order of commits and none is
    lost to a rollback. Call it last in a transaction: others wait for the lock.
    """
    values = {
        "project": project_id,
        "generation": generation_id,
        "actor": actor,
        "type": type,
        "data": json.dumps(data),
    }
    seq = int((await execute(session, _EMIT, values)).scalar_one())
    if type in CALLBACKS:
        await webhooks.address(session, project_id, seq, type)
    return seq


async def of_project(session: AsyncSession, project_id: UUID, after: int, limit: int) -> list[Event]:
    """Events of a project after `seq`, in order."""
    query = select(Event).where(Event.project_id == project_id, Event.seq > after).order_by(col(Event.seq)).limit(limit)
    return list((await session.exec(query)).all())


async def of_generation(session: AsyncSession, generation_id: UUID, after: int, limit: int) -> list[Event]:
    """Events of a generation after `seq`, in order: strictly increasing, with the gaps of other generations."""
    query = (
        select(Event)
        .where(Event.generation_id == generation_id, Event.seq > after)
        .order_by(col(Event.seq))
        .limit(limit)
    )
    return list((await session.exec(query)).all())
