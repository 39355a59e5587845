"""Positions of rows within their parent: 0, 1, 2, … without gaps after adding, deleting and moving.

They are unique within the parent, which the database checks when a transaction ends.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, func, text, update
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import Chapter, Panel, ProjectInstruction, Scene

PARENTS: dict[type[SQLModel], str] = {
    Chapter: "project_id",
    ProjectInstruction: "project_id",
    Scene: "chapter_id",
    Panel: "scene_id",
}
_ALONE = text("SELECT pg_advisory_xact_lock(:key)")


def within(model: type[SQLModel], parent_id: UUID) -> ColumnElement[bool]:
    """The condition for rows of a parent."""
    return col(getattr(model, PARENTS[model])) == parent_id


async def alone(session: AsyncSession, parent_id: UUID) -> None:
    """Wait for other transactions that add, delete or move rows of the same parent. Call it before any row is locked.

    An advisory lock instead of the parent's row: a project's row is locked last, by every transaction that emits.
    """
    key = int.from_bytes(parent_id.bytes[8:], signed=True)
    await session.exec(_ALONE, params={"key": key})  # type: ignore[call-overload]  # plain text, unknown to SQLModel


async def make_room(session: AsyncSession, model: type[SQLModel], parent_id: UUID, at: int | None, many: int) -> int:
    """Make room for `many` rows and return their first position: `at`, before the row there, or after the last row."""
    position = col(model.position)  # type: ignore[attr-defined]  # on every table of PARENTS
    behind = select(func.coalesce(func.max(position) + 1, 0)).where(within(model, parent_id))
    end = int((await session.exec(behind)).one())
    if at is None or at >= end:
        return end
    await _shift(session, model, parent_id, position >= at, many)
    return at


async def close_gap(session: AsyncSession, model: type[SQLModel], parent_id: UUID, at: int) -> None:
    """Move the rows after a deleted one up."""
    position = col(model.position)  # type: ignore[attr-defined]  # on every table of PARENTS
    await _shift(session, model, parent_id, position > at, -1)


async def _shift(
    session: AsyncSession, model: type[SQLModel], parent_id: UUID, which: ColumnElement[bool], by: int
) -> None:
    position = col(model.position)  # type: ignore[attr-defined]  # on every table of PARENTS
    await session.exec(
        update(model)
        .where(within(model, parent_id), which)
        .values(position=position + by)
        .execution_options(synchronize_session=False)
    )
