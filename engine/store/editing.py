"""Edits by users: add, change, delete, reorder. Each emits an event that names the row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store import generations, positions, rows
from engine.store.events import emit
from engine.store.scope import Owned, Scope
from models.events import EventType
from models.tables import Chapter, Character, Draft, Location, Page, Panel, Project, ProjectInstruction, Scene

RowT = TypeVar("RowT", bound=SQLModel)


@dataclass(frozen=True)
class Announced:
    """What events about a table's rows contain: a column of a new row, and the parent below the project."""

    column: str
    parent: str | None = None


ANNOUNCED: dict[type[SQLModel], Announced] = {
    Chapter: Announced("position"),
    Scene: Announced("position", "chapter_id"),
    Panel: Announced("position", "scene_id"),
    Page: Announced("number", "chapter_id"),
    Character: Announced("name"),
    Location: Announced("name"),
    ProjectInstruction: Announced("position"),
}
# The API's names of columns, and derived columns, which are not named.
OUTSIDE = {"labels": "metadata", "sentences": "text", "source_text": "text", "sheet_approved_at": "sheet_approved"}
FOLLOWING = frozenset({"name_key", "state", "script", "manual_edits", "basis", "panels_key"})


ABOVE: dict[type[SQLModel], tuple[str, type[SQLModel]]] = {
    Draft: ("panel_id", Panel),
    Panel: ("scene_id", Scene),
    Scene: ("chapter_id", Chapter),
    Page: ("chapter_id", Chapter),
}


async def lock_idle(session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID) -> RowT:
    """A chapter or something in it, locked, while nothing in the chapter is being generated.

    Until the transaction ends, no generation can be requested for the chapter and nothing in it can be added or moved:
    both take this lock first. Raises `NotFound`, `Forbidden`, and `Conflict` while a generation is working on it.
    """
    above: Any = await rows.get(session, scope, model, row_id)
    while not isinstance(above, Chapter):
        column, parent = ABOVE[type(above)]
        above = await rows.get(session, scope, parent, getattr(above, column))
    # Chapter, row, generation: the order in which all code locks.
    await generations.hold_chapter(session, above.id)
    row = await rows.get(session, scope, model, row_id, lock=True)
    await generations.idle_generation(session, above.project_id, above.id)
    return row


async def open_project(session: AsyncSession, scope: Scope, project_id: UUID) -> Project:
    """The project, for adding or moving rows in it; others who add or move wait until the transaction ends."""
    await positions.alone(session, project_id)
    return await rows.get(session, scope, Project, project_id)


async def insert_rows(session: AsyncSession, new: Sequence[SQLModel], at: int | None = None) -> None:
    """Add rows of one parent, from position `at` on where they have positions, without an event.

    The parent comes from `lock_idle` or `open_project`, so positions in it do not change concurrently.
    """
    first = new[0]
    parent = positions.PARENTS.get(type(first))
    if parent is not None:
        start = await positions.make_room(session, type(first), getattr(first, parent), at, len(new))
        for offset, row in enumerate(new):
            setattr(row, "position", start + offset)  # noqa: B010  # on every table of PARENTS, unknown to the type
    session.add_all(new)
    await session.flush()


async def announce(
    session: AsyncSession,
    scope: Scope,
    new: Sequence[SQLModel],
    more: Mapping[UUID, Mapping[str, Any]] | None = None,
) -> None:
    """Emit an event for each new row, with the data that `more` has for its id. Call it last in a transaction."""
    for row in new:
        column = ANNOUNCED[type(row)].column
        besides = (more or {}).get(cast("Owned", row).id, {})
        await tell(session, scope, row, "created", {column: getattr(row, column), **_parent(row), **besides})


async def add(session: AsyncSession, scope: Scope, row: RowT, *, at: int | None = None) -> RowT:
    """`insert_rows` and `announce` one row."""
    await insert_rows(session, [row], at)
    await announce(session, scope, [row])
    return row


async def change(
    session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID, version: int, values: Mapping[str, Any]
) -> RowT:
    """`rows.change`, followed by its event."""
    row = await rows.change(session, scope, model, row_id, version, values)
    fields = sorted({OUTSIDE.get(name, name) for name in values if name not in FOLLOWING})
    await tell(session, scope, row, "changed", {"fields": fields, "version": version + 1})
    return row


async def remove(session: AsyncSession, scope: Scope, row: SQLModel) -> None:
    """Delete a row with its dependents; the rows after it move up. As for `insert_rows`, its parent is locked."""
    await session.delete(row)
    await session.flush()
    await after_deletion(session, scope, row)


async def after_deletion(session: AsyncSession, scope: Scope, row: SQLModel) -> None:
    """Close the gap that a deleted row left, and emit its event."""
    parent = positions.PARENTS.get(type(row))
    if parent is not None:
        at: int = row.position  # type: ignore[attr-defined]  # on every table of PARENTS
        await positions.close_gap(session, type(row), getattr(row, parent), at)
    await tell(session, scope, row, "deleted", _parent(row))


async def reorder(
    session: AsyncSession,
    scope: Scope,
    model: type[SQLModel],
    project_id: UUID,
    parent_id: UUID,
    order: Sequence[UUID],
) -> None:
    """Put the rows of a parent into another order. Raises `BadInput` unless each of them is named once."""
    await rows.reorder(session, scope, model, positions.within(model, parent_id), order)
    name, parent = rows.identifier(model), ANNOUNCED[model].parent
    data: dict[str, Any] = {f"{name}_ids": [str(row_id) for row_id in order]}
    if parent is not None:
        data[parent] = str(parent_id)
    await emit(session, project_id, None, EventType(f"{name}.reordered"), data, actor=scope.actor)


async def tell(session: AsyncSession, scope: Scope, row: Any, verb: str, data: Mapping[str, Any]) -> None:
    """Emit `scene.created` and so on. Call it last in a transaction."""
    name = rows.identifier(type(row))
    await emit(
        session,
        row.project_id,
        None,
        EventType(f"{name}.{verb}"),
        {f"{name}_id": str(row.id), **data},
        actor=scope.actor,
    )


def _parent(row: SQLModel) -> dict[str, str]:
    parent = ANNOUNCED[type(row)].parent
    return {} if parent is None else {parent: str(getattr(row, parent))}
