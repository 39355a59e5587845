"""The event log of a project."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.events import EventType
from models.tables import Event, Project


async def emit(
    session: AsyncSession, project_id: UUID, generation_id: UUID | None, type: EventType, data: dict[str, Any]
) -> int:
    """Append an event and return its `seq`.

    The counter's row stays locked until the transaction ends, so numbers follow the order of commits and none is
    lost to a rollback. Call it last in a transaction: others wait for the lock.
    """
    seq = (
        await session.exec(
            update(Project)
            .where(col(Project.id) == project_id)
            .values(event_seq=Project.event_seq + 1)
            .returning(col(Project.event_seq))
            .execution_options(synchronize_session=False)
        )
    ).scalar_one()
    await session.exec(
        insert(Event).values(project_id=project_id, seq=seq, generation_id=generation_id, type=type, data=data)
    )
    return int(seq)


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
