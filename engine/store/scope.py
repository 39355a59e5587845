"""Tenant scope and the plain verbs of every aggregate: read, page, change, delete.

No other module filters by tenant. A row outside the scope does not exist: the answer is the same as for a wrong id.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Text,
    bindparam,
    false,
    func,
    literal,
    literal_column,
    or_,
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
from models.tables import Event, Project, ProjectMember, User
from models.tables.columns import table
from models.tables.projects import Role

MAX_PAGE = 100
# How many recent events to search for who changed a row.
RECENT = 1000


class Owned(Protocol):
    """A table whose rows belong to a project and sort by time-ordered ids."""

    id: Any
    project_id: Any


class Versioned(Owned, Protocol):
    version: Any


RowT = TypeVar("RowT", bound=SQLModel)
AnyT = TypeVar("AnyT")
# Rows, and the cursor to go on from.
Page = tuple[Sequence[AnyT], str | None]
# What is sorted by another column than the one of its name.
_BEHIND = {"name": "name_key"}


@dataclass(frozen=True)
class Scope:
    """Whose things may be touched: what a user may see, or one project in a workflow's name.

    `role` is the least that the user must be in the project. A token that opens one project alone has both ids.
    """

    user_id: UUID | None = None
    project_id: UUID | None = None
    role: Role = Role.VIEWER

    def needs(self, role: Role) -> "Scope":
        """The same, for something that not every member may do."""
        return replace(self, role=role)

    @property
    def actor(self) -> UUID:
        """Whose deed it is. A request always acts for a user, a workflow never does."""
        if self.user_id is None:
            raise AssertionError("a workflow acts for no user")
        return self.user_id

    @staticmethod
    def within(model: type[SQLModel], project: UUID | BindParameter[UUID]) -> ColumnElement[bool]:
        """Which rows of a table belong to the project."""
        if model is Project:
            return col(Project.id) == project
        return col(cast("type[Owned]", model).project_id) == project

    def projects(self) -> ColumnElement[bool]:
        """Which projects lie within."""
        if self.user_id is None:
            return false() if self.project_id is None else self.within(Project, self.project_id)
        member = select(ProjectMember.project_id).where(ProjectMember.user_id == self.user_id)
        if self.role != Role.VIEWER:
            member = member.where(col(ProjectMember.role).in_([role for role in Role if role.covers(self.role)]))
        theirs = or_(col(Project.owner_id) == self.user_id, col(Project.id).in_(member))
        return theirs if self.project_id is None else theirs & (col(Project.id) == self.project_id)

    def covers(self, model: type[SQLModel]) -> ColumnElement[bool]:
        """Which rows of a table lie within."""
        if model is Project:
            return self.projects()
        if self.user_id is None and self.project_id is not None:
            return self.within(model, self.project_id)
        return col(cast("type[Owned]", model).project_id).in_(select(Project.id).where(self.projects()))


def _query(model: type[RowT], covered: ColumnElement[bool], lock: bool) -> SelectOfScalar[RowT]:
    query = select(model).where(cast("type[Owned]", model).id == bindparam("row"), covered)
    if not lock:
        return query
    # Rows that refer to this one may be added meanwhile: whoever adds them may be waiting for the next lock of ours.
    # What was read before the lock is read again: it may have waited for somebody who changed it.
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)


@lru_cache(maxsize=64)
def _by_id(model: type[RowT], lock: bool) -> SelectOfScalar[RowT]:
    """A row of one project: what every activity asks for, built once."""
    return _query(model, Scope.within(model, bindparam("project")), lock)


async def get(session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID, *, lock: bool = False) -> RowT:
    """One row, optionally locked for change. Raises `NotFound`, or `Forbidden` where a member may only read."""
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


async def within_reach(session: AsyncSession, pairs: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Of pairs of a user and a project those in which the user may see the project."""
    users, projects = {user for user, _ in pairs}, {project for _, project in pairs}
    owners = select(Project.owner_id, Project.id).where(col(Project.owner_id).in_(users), col(Project.id).in_(projects))
    members = select(ProjectMember.user_id, ProjectMember.project_id).where(
        col(ProjectMember.user_id).in_(users), col(ProjectMember.project_id).in_(projects)
    )
    return set((await session.exec(owners)).all()) | set((await session.exec(members)).all())


def missing(model: type[SQLModel], row_id: UUID) -> NotFound:
    """What is said of a row that is not there, or somebody else's."""
    return NotFound(f"There is no {spoken(model)} {row_id}.")


def spoken(model: type[SQLModel]) -> str:
    """What people call a row of the table: `ChapterVersion` is a chapter version."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()


@dataclass(frozen=True)
class Paging:
    """Which page of a list, in which order, and of which parent, where the list is of one.

    `sort` is the name of a column that is never null, with `-` before it for descending; `created_at` goes by the
    ids. A cursor counts for the list that it came from: of this table, in this order, in the same parent.
    """

    after: str | None = None
    limit: int = 50
    sort: str = "created_at"
    parent: UUID | None = None

    def of(self, model: type[SQLModel], query: Any, mine: Sequence[Any]) -> Any:
        """The statement of this page and one row more. `query` reads from the table, `mine` says which rows.

        The place of a row that is still there is looked up: what was inserted or moved before it shifts nothing.
        """
        if not 1 <= self.limit <= MAX_PAGE:
            raise BadInput(f"limit must be between 1 and {MAX_PAGE}.")
        ids, by, down = table(model).c.id, self._by(model), self.sort.startswith("-")
        query = query.where(*mine)
        if self.after is not None:
            mark = cursors.read(self.after)
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
        return query.order_by(*(one.desc() if down else one.asc() for one in columns)).limit(self.limit + 1)

    def cut(self, model: type[SQLModel], rows: Sequence[AnyT], last: Callable[[AnyT, str], Any]) -> Page[AnyT]:
        """The rows without the one too many, and the cursor to go on from if there was one; `last` reads a column."""
        if len(rows) <= self.limit:
            return rows, None
        rows, by = rows[: self.limit], self._by(model)
        value = None if by is None else last(rows[-1], by.key)
        return rows, cursors.written(cursors.Mark(self._order(model), value, last(rows[-1], "id")))

    def _by(self, model: type[SQLModel]) -> Any:
        name = self.sort.removeprefix("-")
        return None if name == "created_at" else table(model).c[_BEHIND.get(name, name)]

    def _order(self, model: type[SQLModel]) -> str:
        return ".".join([model.__name__, self.sort, *([self.parent.hex] if self.parent else [])])


async def page(
    session: AsyncSession,
    scope: Scope,
    model: type[RowT],
    *filters: ColumnElement[bool] | bool,
    after: str | None = None,
    limit: int = 50,
    sort: str = "created_at",
    parent: UUID | None = None,
) -> Page[RowT]:
    """Rows after the cursor `after`, and the cursor to go on from when there are more: see `Paging`."""
    paging = Paging(after, limit, sort, parent)
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
    after: str | None = None,
    limit: int = 50,
    sort: str = "created_at",
) -> Page[dict[str, Any]]:
    """A page of what lies in a parent, past the ORM: of each the `columns` that the table has, by name.

    `chapter_id` of a scene is its parent, the chapter. Whatever is found lies in one that is there, so only after an
    empty page is the parent asked for. Raises `NotFound` and `Forbidden` as `get` does of it.
    """
    paging, plain = Paging(after, limit, sort, parent_id), table(model)
    within = plain.c[f"{parent.__name__.lower()}_id"] == parent_id
    name = sort.removeprefix("-")
    wanted = [column for column in plain.c if column.name in {"id", _BEHIND.get(name, name), *columns}]
    query = paging.of(model, select(*wanted), [scope.covers(model), within, *filters])
    rows = [row._asdict() for row in await read(session, query)]
    if not rows:
        await get(session, scope, parent, parent_id)
    return paging.cut(model, rows, dict.__getitem__)


def _lies_in(parent: type[SQLModel], model: type[SQLModel]) -> ColumnElement[UUID]:
    """The column that names the parent: `chapter_id` of a scene."""
    return table(model).c[f"{parent.__name__.lower()}_id"]


def _told(model: type[SQLModel], columns: Sequence[str], sort: str) -> Any:
    """Rows as JSON of their columns, and what a cursor needs of them."""
    plain, name = table(model), sort.removeprefix("-")
    keys = [plain.c.id] if name == "created_at" else [plain.c.id, plain.c[_BEHIND.get(name, name)]]
    pairs: list[Any] = []
    for one in columns:
        pairs += [literal_column(f"'{one}'"), plain.c[one]]
    return plain_select(cast_to(func.json_build_object(*pairs), Text).label("told"), *keys)


@lru_cache(maxsize=256)
def _first_page(parent: type[SQLModel], model: type[SQLModel], columns: tuple[str, ...], limit: int, sort: str) -> Any:
    """The statement of a list's first page, for any user and parent."""
    anybody = Scope(user_id=cast("UUID", bindparam("user")))
    covered = [anybody.covers(model), _lies_in(parent, model) == bindparam("parent")]
    return Paging(None, limit, sort).of(model, _told(model, columns, sort), covered)


async def children_as_json(
    session: AsyncSession,
    scope: Scope,
    parent: type[SQLModel],
    parent_id: UUID,
    model: type[SQLModel],
    *filters: ColumnElement[bool] | bool,
    columns: Collection[str],
    after: str | None = None,
    limit: int = 50,
    sort: str = "created_at",
) -> Page[str]:
    """The same as `children`, each row as the JSON of its `columns`: Postgres writes it, and nobody reads it here.

    For lists that are asked for all the time: reading 50 rows only to write them again takes longer than all the rest.
    """
    paging, wanted = Paging(after, limit, sort, parent_id), tuple(columns)
    if after is None and not filters and scope == Scope(user_id=scope.user_id):
        # The first page of the whole list, which is what is asked for: its statement is built once.
        query = _first_page(parent, model, wanted, limit, sort)
        values = {"user": scope.user_id, "parent": parent_id}
    else:
        covered = [scope.covers(model), _lies_in(parent, model) == parent_id, *filters]
        query, values = paging.of(model, _told(model, wanted, sort), covered), {}
    rows = await read(session, query, values)
    if not rows:
        await get(session, scope, parent, parent_id)
    found, following = paging.cut(model, rows, getattr)
    return [row.told for row in found], following


async def change(
    session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID, version: int, values: Mapping[str, Any]
) -> RowT:
    """Write `values` if the row is still at `version`; raises `Conflict` when somebody else was faster."""
    row = await get(session, scope, model, row_id, lock=True)
    current = cast("Versioned", row).version
    if current != version:
        changed = await _last_change(session, model, row)
        # It is shown after the transaction has ended.
        session.expunge(row)
        raise Conflict(
            f"This {model.__name__.lower()} was changed in the meantime: it is at version {current}, not {version}.",
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
    """Who changed a row last, and when: `changed`, if one of the project's latest events tells of it."""
    noun, project_id = model.__name__.lower(), row.id if isinstance(row, Project) else cast("Owned", row).project_id
    newest = select(Project.event_seq).where(Project.id == project_id).scalar_subquery()
    query = (
        select(Event.at, Event.actor_id, User.name)
        .join(User, col(User.id) == col(Event.actor_id), isouter=True)
        .where(Event.project_id == project_id, Event.seq > newest - RECENT, Event.type == f"{noun}.changed")
        .order_by(col(Event.seq).desc())
        .limit(1)
    )
    if not isinstance(row, Project):
        query = query.where(col(Event.data)[f"{noun}_id"].astext == str(cast("Owned", row).id))
    found = (await session.exec(query)).first()
    if found is None:
        return {}
    at, actor_id, name = found
    return {
        "changed": {"at": at.isoformat() if at else None, "user_id": str(actor_id) if actor_id else None, "name": name}
    }


async def remove(session: AsyncSession, scope: Scope, model: type[RowT], row_id: UUID) -> None:
    """Delete a row and, by the foreign keys' rules, what hangs on it."""
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
