"""Soft locks on panels: a lock expires unless its holder renews it."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database
from engine.errors import Conflict
from engine.store.events import emit
from engine.store.rows import get
from engine.store.scope import Scope
from models.events import EventType
from models.tables import Panel, PanelLock, User

LASTS = timedelta(seconds=60)


async def lock_of(session: AsyncSession, panel_id: UUID) -> tuple[PanelLock, str] | None:
    """The lock of a panel that has not expired, and its holder's name."""
    query = (
        select(PanelLock, User.name)
        .join(User, col(User.id) == col(PanelLock.user_id))
        .where(PanelLock.panel_id == panel_id, col(PanelLock.expires_at) > func.clock_timestamp())
    )
    row = (await session.exec(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def refuse_if_held(session: AsyncSession, panel_id: UUID, user_id: UUID) -> None:
    """Raise `Conflict` if another user is editing the panel."""
    found = await lock_of(session, panel_id)
    if found is None or found[0].user_id == user_id:
        return
    lock, name = found
    raise Conflict(
        f"{name or 'Another user'} is editing this panel, at least until {lock.expires_at:%H:%M:%S} UTC.",
        held={"user_id": str(lock.user_id), "name": name, "expires_at": lock.expires_at.isoformat()},
    )


async def refuse_if_any_held(session: AsyncSession, panel_ids: Collection[UUID], user_id: UUID) -> None:
    """The same for many panels: raise `Conflict` if another user is editing one of them."""
    query = select(PanelLock.panel_id).where(
        col(PanelLock.panel_id).in_(panel_ids),
        PanelLock.user_id != user_id,
        col(PanelLock.expires_at) > func.clock_timestamp(),
    )
    for panel_id in (await session.exec(query.limit(1))).all():
        await refuse_if_held(session, panel_id, user_id)


async def take_lock(session: AsyncSession, scope: Scope, panel_id: UUID) -> PanelLock:
    """Take or renew the lock of a panel. Raises `NotFound`, `Forbidden`, or `Conflict` if another user holds it."""
    # The panel's row orders concurrent requests.
    panel = await get(session, scope, Panel, panel_id, lock=True)
    await refuse_if_held(session, panel_id, scope.actor)
    known = await lock_of(session, panel_id)
    until = (await session.exec(select(func.clock_timestamp()))).one() + LASTS
    lock = await session.merge(
        PanelLock(panel_id=panel_id, project_id=panel.project_id, user_id=scope.actor, expires_at=until)
    )
    await session.flush()
    if known is None:
        name = (await session.exec(select(User.name).where(User.id == scope.actor))).one()
        data = {
            "panel_id": str(panel_id),
            "user_id": str(scope.actor),
            "name": name,
            "expires_at": lock.expires_at.isoformat(),
        }
        await emit(session, panel.project_id, None, EventType.PANEL_LOCKED, data, actor=scope.actor)
    return lock


async def release(session: AsyncSession, scope: Scope, panel_id: UUID) -> None:
    """Release one's own lock, if there is one. Raises `NotFound`, `Forbidden`, or `Conflict` if another user holds
    it.
    """
    panel = await get(session, scope, Panel, panel_id, lock=True)
    await refuse_if_held(session, panel_id, scope.actor)
    gone = await session.exec(
        delete(PanelLock)
        .where(col(PanelLock.panel_id) == panel_id)
        .returning(col(PanelLock.user_id))
        .execution_options(synchronize_session=False)
    )
    holder = gone.scalar_one_or_none()
    if holder is not None:
        await _tell_unlocked(session, panel.project_id, panel_id, holder, actor=scope.actor)


async def sweep(database: Database) -> None:
    """Delete expired locks and emit their events."""
    async with database.session() as session:
        query = select(PanelLock.project_id, PanelLock.panel_id).where(col(PanelLock.expires_at) <= func.now())
        expired = (await session.exec(query.limit(1000))).all()
    for project_id, panel_id in expired:
        async with database.session() as session:
            # The panel first, as `take_lock` does.
            query_panel = select(Panel.id).where(Panel.id == panel_id).with_for_update(key_share=True)
            if (await session.exec(query_panel)).one_or_none() is None:
                continue
            gone = await session.exec(
                delete(PanelLock)
                .where(col(PanelLock.panel_id) == panel_id, col(PanelLock.expires_at) <= func.clock_timestamp())
                .returning(col(PanelLock.user_id))
                .execution_options(synchronize_session=False)
            )
            holder = gone.scalar_one_or_none()
            if holder is not None:
                await _tell_unlocked(session, project_id, panel_id, holder, actor=None)


async def _tell_unlocked(
    session: AsyncSession, project_id: UUID, panel_id: UUID, holder: UUID, *, actor: UUID | None
) -> None:
    data = {"panel_id": str(panel_id), "user_id": str(holder)}
    await emit(session, project_id, None, EventType.PANEL_UNLOCKED, data, actor=actor)
