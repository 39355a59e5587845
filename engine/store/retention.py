"""Deletes events after the time for which an operator wants them kept."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, func, or_, select

from engine.db.session import Database, Prepared, execute
from models.options import FINAL_STATUSES
from models.tables import Event, Generation, Project
from models.tables.columns import table

_EVENTS, _GENERATIONS, _PROJECTS = table(Event), table(Generation), table(Project)
# The most events of a project that are looked at, and deleted, in a transaction.
AT_ONCE = 5_000
_old = _EVENTS.c.at < func.clock_timestamp() - bindparam("kept")
_window = (
    select(_EVENTS.c.seq, _old.label("old"))
    .where(_EVENTS.c.project_id == bindparam("project"), _EVENTS.c.seq > bindparam("after"))
    .order_by(_EVENTS.c.seq)
    .limit(AT_ONCE)
    .subquery()
)


class _Window(NamedTuple):
    last: int | None
    seen: int
    old: int


# Numbers follow time: a window with a young event is the last one that has old ones.
_WINDOW = Prepared(
    select(func.max(_window.c.seq), func.count(), func.count().filter(_window.c.old)).select_from(_window), _Window
)
# Those of an open generation stay: its clients read them from the first on.
_gone = and_(
    _EVENTS.c.project_id == bindparam("project"),
    _EVENTS.c.seq > bindparam("after"),
    _EVENTS.c.seq <= bindparam("last"),
    _old,
    or_(
        _EVENTS.c.generation_id.is_(None),
        _EVENTS.c.generation_id.in_(select(_GENERATIONS.c.id).where(_GENERATIONS.c.status.in_(FINAL_STATUSES))),
    ),
)
_COUNT = select(func.count()).where(_gone)
_DELETE = delete(_EVENTS).where(_gone)


async def forget_events(database: Database, days: int | None, *, dry_run: bool = False) -> int:
    """Delete events that are older than so many days, or count them; None keeps them for ever."""
    if days is None:
        return 0
    async with database.session() as session:
        projects = (await execute(session, select(_PROJECTS.c.id).order_by(_PROJECTS.c.id))).scalars().all()
    count = 0
    for project in projects:
        after = 0
        while True:
            values = {"project": project, "after": after, "kept": timedelta(days=days)}
            async with database.session() as session:
                window = await _WINDOW.one(session, **values)
                if window.last is None or not window.old:
                    break
                values |= {"last": window.last}
                if dry_run:
                    count += (await execute(session, _COUNT, values)).scalar_one()
                else:
                    count += (await execute(session, _DELETE, values)).rowcount
            if window.old < window.seen or window.seen < AT_ONCE:
                break
            after = window.last
    return count
