"""Read, page, change, delete and reorder the rows of any aggregate, within a scope."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    tuple_,
)
from sqlalchemy import cast as cast_to
from sqlalchemy import select as plain_select
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from engine.db.session import read
from engine.errors import BadInput, Conflict, Forbidden, NotFound
from engine.store import cursors
from engine.store.scope import Owned, Scope
from models.tables import Event, Project, ProjectInstruction, User
from models.tables.columns import table
from models.tables.projects import Role

MAX_PAGE = 100
# How many recent events to search for the last change of a row.
RECENT = 1000


class Versioned(Owned, Protocol):
    version: Any


RowT = TypeVar("RowT", bound=SQLModel)
AnyT = TypeVar("AnyT")
# The rows, and the cursor of the next page.
Page = tuple[Sequence[AnyT], str | None]
# Sort columns that differ from the name in the request.
_SORTED_BY = {"name": "name_key"}


def _query(model: type[RowT], covered: ColumnElement[bool], lock: bool) -> SelectOfScalar[RowT]:
    query = select(model).where(cast("type[Owned]", model).id == bindparam("row"), covered)
    if not lock:
        return query
    # Others may still add rows that refer to this one: their transaction may be waiting for our next lock. A row that
    # was read before is read again: another transaction may have changed it while we waited for the lock.
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)


@lru_cache(maxsize=64)
def _by_id(model: type[RowT], lock: bool) -> SelectOfScalar[RowT]:
    """A row of one project: every activity reads one, so the statement is built once."""
    return _query(model, Scope.within(model, bindparam("project")), lock)


async def get(session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID, *, lock: bool = False) -> RowT:
    """One row, optionally locked for change. Raises `NotFound`, or `Forbidden` if the member may only read."""
    if scope.user_id is None and scope.project_id is not None:
        query, values = _by_id(model, lock), {"row": row_id, "project": scope.project_id}
    else:
        query, values = _query(model, scope.covers(model), lock), {"row": row_id}
    row = cast("RowT | None", (await session.exec(query, params=values)).one_or_none())
    if row is not None:
        return row
    if scope.role != Role.VIEWER:
        await get(session, scope.needs(Role.VIEWER), model, row_id)
        raise Forbidden(f"This requires the role {scope.role} in the project, or a higher one.")
    raise missing(model, row_id)


# Rows whose name in messages and events differs from their table's.
_NOUNS: dict[type[SQLModel], str] = {ProjectInstruction: "instruction"}


def noun(model: type[SQLModel]) -> str:
    """The name of a row in messages: a `ChapterVersion` is a chapter version."""
    return _NOUNS.get(model) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()


def identifier(model: type[SQLModel]) -> str:
    """The name of a row in columns and event types: `chapter_version`, as in `chapter_version_id`."""
    return noun(model).replace(" ", "_")


def missing(model: type[SQLModel], row_id: UUID | str) -> NotFound:
    """The same error for a row that does not exist and for one outside the scope."""
    return NotFound(f"There is no {noun(model)} {row_id}.")


@dataclass(frozen=True)
class Paging:
    """A page of a list: its cursor, size, order, and the parent if the list has one.

    `sort` is the name of a column that is never null, with `-` before it for descending; `created_at` sorts by id. A
    cursor is valid only for the list that it came from: this table, this order, the same parent.
    """

    after: str | None = None
    limit: int = 50
    sort: str = "created_at"
    parent: UUID | None = None

    def of(self, model: type[SQLModel], query: Any, mine: Sequence[Any]) -> Any:
        """The statement of this page plus one row. `query` reads from the table, `mine` are the conditions on its
        rows.

        The cursor's row is looked up if it still exists, so rows inserted or moved before it shift nothing.
        """
        if not 1 <= self.limit <= MAX_PAGE:
            raise BadInput(f"limit must be between 1 and {MAX_PAGE}.")
        ids, by, down = table(model).c.id, self._by(model), self.sort.startswith("-")
        query = query.where(*mine)
        if self.after is not None:
            mark = cursors.decode(self.after)
            kind = type(None) if by is None else int if isinstance(by.type, Integer) else str
            if mark.order != self._order(model) or type(mark.value) is not kind:
                raise BadInput(cursors.FOREIGN)
            place: Any = literal(mark.id, ids.type)
            if by is not None:
                now = select(by).where(*mine, ids == mark.id).scalar_subquery()
                place = tuple_(func.coalesce(now, literal(mark.value, by.type)), place)
            key = ids if by is None else tuple_(by, ids)
            query = query.where(key < place if down else key > place)
        columns = [ids] if by is None else [by, ids]
        return query.order_by(*(column.desc() if down else column.asc() for column in columns)).limit(self.limit + 1)

    def cut(self, model: type[SQLModel], rows: Sequence[AnyT], last: Callable[[AnyT, str], Any]) -> Page[AnyT]:
        """The rows without the extra one, and the next page's cursor if there was an extra; `last` reads a column."""
        if len(rows) <= self.limit:
            return rows, None
        rows, by = rows[: self.limit], self._by(model)
        value = None if by is None else last(rows[-1], by.key)
        return rows, cursors.encode(cursors.Mark(self._order(model), value, last(rows[-1], "id")))

    def _by(self, model: type[SQLModel]) -> Any:
        name = self.sort.removeprefix("-")
        return None if name == "created_at" else table(model).c[_SORTED_BY.get(name, name)]

    def _order(self, model: type[SQLModel]) -> str:
        return ".".join([model.__name__, self.sort, *([self.parent.hex] if self.parent else [])])


async def page(
    session: AsyncSession,
    scope: Scope,
    model: type[RowT],
    *filters: ColumnElement[bool] | bool,
    paging: Paging,
    parent: UUID | None = None,
) -> Page[RowT]:
    """A page of rows, and the next page's cursor if there are more."""
    paging = replace(paging, parent=parent)
    query = paging.of(model, select(model), [scope.covers(model), *filters])
    return paging.cut(model, (await session.exec(query)).all(), getattr)


async def children(
    session: AsyncSession,
    scope: Scope,
    parent: type[SQLModel],
    parent_id: UUID,
    model: type[SQLModel],
    *filters: ColumnElement[bool] | bool,
    columns: Collection[str],
    paging: Paging,
) -> Page[dict[str, Any]]:
    """A page of a parent's rows, past the ORM: those of `columns` that the table has, by name.

    A row proves that its parent exists, so the parent is read only after an empty page.
    Raises `NotFound` and `Forbidden` for the parent, as `get` does.
    """
    paging, plain = replace(paging, parent=parent_id), table(model)
    within = _parent_column(parent, model) == parent_id
    name = paging.sort.removeprefix("-")
    wanted = [column for column in plain.c if column.name in {"id", _SORTED_BY.get(name, name), *columns}]
    query = paging.of(model, select(*wanted), [scope.covers(model), within, *filters])
    rows = [row._asdict() for row in await read(session, query)]
    if not rows:
        await get(session, scope, parent, parent_id)
    return paging.cut(model, rows, dict.__getitem__)


def _parent_column(parent: type[SQLModel], model: type[SQLModel]) -> ColumnElement[UUID]:
    """The column that refers to the parent: `chapter_id` of a scene."""
    return table(model).c[f"{identifier(parent)}_id"]


def _select_json(model: type[SQLModel], columns: Sequence[str], sort: str) -> Any:
    """Rows as JSON of their columns, plus the columns that a cursor needs."""
    plain, name = table(model), sort.removeprefix("-")
    keys = [plain.c.id] if name == "created_at" else [plain.c.id, plain.c[_SORTED_BY.get(name, name)]]
    pairs: list[Any] = []
    for column in columns:
        pairs += [literal_column(f"'{column}'"), plain.c[column]]
    return plain_select(cast_to(func.json_build_object(*pairs), Text).label("body"), *keys)


@lru_cache(maxsize=256)
def _first_page(parent: type[SQLModel], model: type[SQLModel], columns: tuple[str, ...], limit: int, sort: str) -> Any:
    """The statement of a list's first page, for any user and parent."""
    any_user = Scope(user_id=cast("UUID", bindparam("user")))
    covered = [any_user.covers(model), _parent_column(parent, model) == bindparam("parent")]
    return Paging(None, limit, sort).of(model, _select_json(model, columns, sort), covered)


async def children_as_json(
    session: AsyncSession,
    scope: Scope,
    parent: type[SQLModel],
    parent_id: UUID,
    model: type[SQLModel],
    *filters: ColumnElement[bool] | bool,
    columns: Collection[str],
    paging: Paging,
) -> Page[str]:
    """The same as `children`, each row as the JSON of its `columns`: Postgres writes it, and Python never parses it.

    For lists that clients poll: parsing 50 rows only to serialise them again takes longer than everything else.
    """
    paging, wanted = replace(paging, parent=parent_id), tuple(columns)
    if paging.after is None and not filters and scope == Scope(user_id=scope.user_id):
        # Most requests read the first page of the whole list: its statement is built once.
        query = _first_page(parent, model, wanted, paging.limit, paging.sort)
        values = {"user": scope.user_id, "parent": parent_id}
    else:
        covered = [scope.covers(model), _parent_column(parent, model) == parent_id, *filters]
        query, values = paging.of(model, _select_json(model, wanted, paging.sort), covered), {}
    rows = await read(session, query, values)
    if not rows:
        await get(session, scope, parent, parent_id)
    kept, following = paging.cut(model, rows, getattr)
    return [row.body for row in kept], following


async def change(
    session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID, version: int, values: Mapping[str, Any]
) -> RowT:
    """Write `values` if the row is still at `version`; raises `Conflict` if another change came first."""
    row = await get(session, scope, model, row_id, lock=True)
    current = cast("Versioned", row).version
    if current != version:
        changed = await _last_change(session, model, row)
        # The response shows the row after the transaction has ended.
        session.expunge(row)
        raise Conflict(
            f"This {noun(model)} was changed in the meantime: it is at version {current}, not {version}.",
            current=row,
            **changed,
        )
    for name, value in values.items():
        setattr(row, name, value)
    cast("Versioned", row).version = current + 1
    session.add(row)
    await session.flush()
    return row


async def _last_change(session: AsyncSession, model: type[RowT], row: RowT) -> dict[str, Any]:
    """The user and the time of a row's last change: `changed`, if it is among the project's latest events."""
    name, project_id = identifier(model), row.id if isinstance(row, Project) else cast("Owned", row).project_id
    newest = select(Project.event_seq).where(Project.id == project_id).scalar_subquery()
    query = (
        select(Event.at, Event.actor_id, User.name)
        .join(User, col(User.id) == col(Event.actor_id), isouter=True)
        .where(Event.project_id == project_id, Event.seq > newest - RECENT, Event.type == f"{name}.changed")
        .order_by(col(Event.seq).desc())
        .limit(1)
    )
    if not isinstance(row, Project):
        query = query.where(col(Event.data)[f"{name}_id"].astext == str(cast("Owned", row).id))
    latest = (await session.exec(query)).first()
    if latest is None:
        return {}
    at, actor_id, actor = latest
    return {
        "changed": {"at": at.isoformat() if at else None, "user_id": str(actor_id) if actor_id else None, "name": actor}
    }


async def remove(session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID) -> None:
    """Delete a row and, by the foreign keys' rules, the rows that depend on it."""
    await session.delete(await get(session, scope, model, row_id, lock=True))
    await session.flush()


async def reorder(
    session: AsyncSession,
    scope: Scope,
    model: type[RowT],
    within: ColumnElement[bool],
    order: Sequence[UUID],
) -> None:
    """Give the rows of one parent the positions of `order`, which must name each of them once."""
    rows = (await session.exec(select(model).where(scope.covers(model), within).with_for_update())).all()
    by_id = {cast("Owned", row).id: row for row in rows}
    if len(order) != len(by_id) or set(order) != set(by_id):
        raise BadInput("The new order must name every item exactly once.")
    for position, row_id in enumerate(order):
        # The column exists on every ordered table; the constraint is checked at commit.
        by_id[row_id].position = position
        session.add(by_id[row_id])
    await session.flush()
