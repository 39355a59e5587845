"""The event log of a project."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.store import outbox, webhooks
from models.events import WEBHOOK_EVENTS, EventType
from models.tables import Event, Project, User

# One statement, because every activity ends with it. A generation's event contains its progress. The generation's row
# is locked before the project's: all code locks these two in that order, or there would be deadlocks.
_EMIT = text(
    "WITH run AS MATERIALIZED (SELECT progress FROM generations WHERE id = :generation FOR NO KEY UPDATE),"
    " counter AS (UPDATE projects SET event_seq = event_seq + 1"
    " WHERE id = :project AND (SELECT count(*) FROM run) >= 0 RETURNING event_seq),"
    " announced AS (INSERT INTO unheard (project_id, seq) SELECT :project, event_seq FROM counter"
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

    `actor` is the user who acted; None for a workflow.

    The counter's row stays locked until the transaction ends, so numbers follow the order of commits and a rollback
    leaves no gap. Call it last in a transaction: others wait for the lock.
    """
    values = {
        "project": project_id,
        "generation": generation_id,
        "actor": actor,
        "type": type,
        "data": json.dumps(data),
    }
    seq = int((await execute(session, _EMIT, values)).scalar_one())
    if type in WEBHOOK_EVENTS:
        await webhooks.create_deliveries(session, project_id, seq, type)
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


async def last_time(session: AsyncSession, generation_id: UUID) -> datetime | None:
    """When something last happened in a generation. To report that it waits is no progress."""
    mine = (Event.generation_id == generation_id, Event.type != EventType.GENERATION_DELAYED)
    query = select(Event.at).where(*mine).order_by(col(Event.seq).desc()).limit(1)
    return (await session.exec(query)).first()


class Happened(NamedTuple):
    """The columns of an event."""

    project_id: UUID
    seq: int
    type: str
    at: datetime
    generation_id: UUID | None
    actor_id: UUID | None
    data: dict[str, Any]


# The next events of many projects at once, each after its own `seq`. Runs for every event, so it bypasses the ORM.
_OF_PROJECTS = Prepared(
    text(
        "SELECT new.project_id, new.seq, new.type, new.at, new.generation_id, new.actor_id, new.data"
        " FROM unnest(CAST(:projects AS uuid[]), CAST(:afters AS bigint[])) AS asked (project_id, after)"
        " CROSS JOIN LATERAL (SELECT * FROM events WHERE events.project_id = asked.project_id AND seq > asked.after"
        " ORDER BY seq LIMIT :limit) AS new ORDER BY new.project_id, new.seq"
    ),
    Happened,
)


async def of_projects(session: AsyncSession, afters: Mapping[UUID, int], limit: int) -> list[Happened]:
    """The first `limit` events of each project after the given `seq`, in order."""
    return await _OF_PROJECTS.all(session, projects=list(afters), afters=list(afters.values()), limit=limit)


async def between(
    session: AsyncSession, project_id: UUID, generation_id: UUID | None, after: int, until: int, limit: int
) -> Sequence[Event]:
    """Events of a project, or of a generation of it, after `after` and up to `until`, in order."""
    mine = Event.project_id == project_id if generation_id is None else Event.generation_id == generation_id
    query = select(Event).where(mine, Event.seq > after, Event.seq <= until).order_by(col(Event.seq)).limit(limit)
    return (await session.exec(query)).all()


async def heads(session: AsyncSession, project_ids: Collection[UUID]) -> dict[UUID, int]:
    """The `seq` of the newest event of each existing project; all events up to it can be read from now on."""
    query = select(Project.id, Project.event_seq).where(col(Project.id).in_(project_ids))
    return dict((await session.exec(query)).all())


async def hurry_relay(session: AsyncSession) -> None:
    """Notify the relay that sockets are open, so that it hurries."""
    await execute(session, text(outbox.STIR))


# An activity list omits these unless asked: they are many and say little.
QUIET = (EventType.GENERATION_PROGRESSED, EventType.PRESENCE_CHANGED)


async def activity(
    session: AsyncSession,
    project_id: UUID,
    *,
    after: int,
    before: int | None,
    types: Collection[EventType],
    actor_id: UUID | None,
    limit: int,
) -> Sequence[tuple[Event, str | None]]:
    """A project's events with the names of their actors, the newest first: those of `types`, or all but the quiet
    ones.
    """
    query = select(Event, User.name).join(User, col(User.id) == col(Event.actor_id), isouter=True)
    query = query.where(Event.project_id == project_id, Event.seq > after)
    query = query.where(col(Event.type).in_(types) if types else col(Event.type).not_in(QUIET))
    if before is not None:
        query = query.where(Event.seq < before)
    if actor_id is not None:
        query = query.where(Event.actor_id == actor_id)
    return (await session.exec(query.order_by(col(Event.seq).desc()).limit(limit))).all()
