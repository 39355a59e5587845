"""Presence: which users have a project open. A socket that stops renewing its row is dropped, even if its process
died.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import delete, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database, execute
from engine.store.events import emit
from models.events import EventType
from models.tables import Panel, Presence, Project, User

LASTS = timedelta(seconds=30)
# A user who closes a window and reopens it within this time does not count as gone.
GRACE = timedelta(seconds=3)

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))")


class OpenSocket(Protocol):
    """A socket through which a user is present."""

    connection: UUID
    user_id: UUID
    project_id: UUID
    panel_id: UUID | None


@dataclass(frozen=True)
class PresentUser:
    """A user who has a project open, and the panels viewed in the user's windows."""

    user_id: UUID
    name: str
    panel_ids: list[UUID]


async def present_users(session: AsyncSession, project_id: UUID) -> list[PresentUser]:
    """The users who have the project open, by name."""
    query = (
        select(User.id, User.name, Presence.panel_id)
        .join(User, col(User.id) == col(Presence.user_id))
        .where(Presence.project_id == project_id, col(Presence.seen_at) > func.now() - LASTS)
        .order_by(col(User.name), col(User.id), col(Presence.connection))
    )
    users: dict[UUID, PresentUser] = {}
    for user_id, name, panel_id in (await session.exec(query)).all():
        user = users.setdefault(user_id, PresentUser(user_id, name, []))
        if panel_id is not None and panel_id not in user.panel_ids:
            user.panel_ids.append(panel_id)
    return list(users.values())


async def enter(session: AsyncSession, socket: OpenSocket) -> None:
    """Record an open socket; the others are notified if it is the first one of its user."""
    await _alone(session, socket.project_id, socket.user_id)
    if await _project_deleted(session, socket.project_id):
        return
    known = await _windows(session, socket.project_id, socket.user_id)
    await session.exec(
        insert(Presence)
        .values(
            connection=socket.connection,
            project_id=socket.project_id,
            user_id=socket.user_id,
            panel_id=socket.panel_id,
            seen_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing(index_elements=["connection"])
    )
    if not known:
        await _tell(session, socket, present=True)


async def view_panel(session: AsyncSession, socket: OpenSocket, panel_id: UUID | None) -> None:
    """Record which panel a user views, or none; the others are notified of a change. A panel of another project
    counts as none.
    """
    if panel_id is not None:
        query = select(Panel.id).where(Panel.id == panel_id, Panel.project_id == socket.project_id)
        panel_id = (await session.exec(query)).one_or_none()
    if panel_id == socket.panel_id:
        return
    socket.panel_id = panel_id
    changed = await session.exec(
        update(Presence)
        .where(col(Presence.connection) == socket.connection)
        .values(panel_id=panel_id)
        .returning(col(Presence.connection))
        .execution_options(synchronize_session=False)
    )
    if changed.first() is not None:
        await _tell(session, socket, present=True)


async def leave(session: AsyncSession, socket: OpenSocket) -> None:
    """Record that a socket was closed: after `GRACE` `sweep` deletes its row and notifies the others."""
    await session.exec(
        update(Presence)
        .where(col(Presence.connection) == socket.connection)
        .values(seen_at=func.clock_timestamp() - (LASTS - GRACE))
        .execution_options(synchronize_session=False)
    )


async def renew(database: Database, sockets: Sequence[OpenSocket]) -> None:
    """Renew the rows of open sockets. Those that were dropped meanwhile enter again."""
    async with database.session() as session:
        kept = await session.exec(
            update(Presence)
            .where(col(Presence.connection).in_([socket.connection for socket in sockets]))
            .values(seen_at=func.clock_timestamp())
            .returning(col(Presence.connection))
            .execution_options(synchronize_session=False)
        )
        known = {row[0] for row in kept.all()}
    for socket in sockets:
        if socket.connection not in known:
            async with database.session() as session:
                await enter(session, socket)


async def sweep(database: Database) -> None:
    """Delete the rows of sockets that were not renewed, and notify the others."""
    async with database.session() as session:
        query = select(Presence.project_id, Presence.user_id).where(col(Presence.seen_at) <= func.now() - LASTS)
        lapsed = (await session.exec(query.distinct().limit(1000))).all()
    for project_id, user_id in lapsed:
        async with database.session() as session:
            await _alone(session, project_id, user_id)
            if await _project_deleted(session, project_id):
                continue
            forgotten = await session.exec(
                delete(Presence)
                .where(col(Presence.project_id) == project_id, col(Presence.user_id) == user_id)
                .where(col(Presence.seen_at) <= func.clock_timestamp() - LASTS)
                .returning(Presence)
                .execution_options(synchronize_session=False)
            )
            row = forgotten.scalars().first()
            if row is not None and not await _windows(session, project_id, user_id):
                await _tell(session, row, present=False)


async def _alone(session: AsyncSession, project_id: UUID, user_id: UUID) -> None:
    """Let one user enter and leave a project in one transaction at a time."""
    await execute(session, _ONE_AT_A_TIME, {"pair": f"presence {project_id} {user_id}"})


async def _project_deleted(session: AsyncSession, project_id: UUID) -> bool:
    """Whether the project was deleted; if not, it cannot be before the transaction ends."""
    query = select(Project.id).where(Project.id == project_id).with_for_update(key_share=True)
    return (await session.exec(query)).one_or_none() is None


async def _windows(session: AsyncSession, project_id: UUID, user_id: UUID) -> int:
    query = select(func.count()).select_from(Presence)
    return (await session.exec(query.where(Presence.project_id == project_id, Presence.user_id == user_id))).one()


async def _tell(session: AsyncSession, socket: OpenSocket, *, present: bool) -> None:
    name = (await session.exec(select(User.name).where(User.id == socket.user_id))).one_or_none()
    data = {"user_id": str(socket.user_id), "name": name or "", "here": present}
    if present and socket.panel_id is not None:
        data["panel_id"] = str(socket.panel_id)
    await emit(session, socket.project_id, None, EventType.PRESENCE_CHANGED, data, actor=socket.user_id)
