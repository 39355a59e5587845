"""Results of tasks: found by task, version, provider, model and input, so that none is paid for twice."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from models.ids import new_id
from models.tables import ProviderCall, TaskResult
from models.tables.columns import table


class ResultKey(NamedTuple):
    """The key of a result."""

    project_id: UUID
    task: str
    task_version: int
    provider: str
    model: str
    input_hash: str


class StoredResult(NamedTuple):
    """An answer, or None if the task was given up, with the number of attempts, and the last call's holder and stop
    reason.
    """

    output: dict[str, Any] | None
    attempts: int
    holder: str | None
    stop_reason: str | None


_RESULTS, _CALLS = table(TaskResult), table(ProviderCall)
_NEW = insert(_RESULTS)
# Stores a result in place of an existing one: a task that was given up may succeed later.
_KEEP = _NEW.on_conflict_do_update(
    index_elements=[_RESULTS.c[name] for name in ResultKey._fields],
    set_={
        column.name: _NEW.excluded[column.name]
        for column in _RESULTS.c
        if column.name not in (*ResultKey._fields, "id", "created_at")
    },
)
# A result with the holder of its last call and how that call ended.
_STORED = (
    select(_RESULTS.c.output, _RESULTS.c.attempts, _CALLS.c.holder, _CALLS.c.stop_reason)
    .join(_CALLS, _CALLS.c.id == _RESULTS.c.call_id, isouter=True)
    .where(*(_RESULTS.c[name] == bindparam(name) for name in ResultKey._fields))
)


async def stored_result(session: AsyncSession, key: ResultKey) -> StoredResult | None:
    """The stored result of a task: its answer, or that it was given up; None if there is none."""
    row = (await execute(session, _STORED, key._asdict())).one_or_none()
    return None if row is None else StoredResult(**row._mapping)


async def store_result(session: AsyncSession, key: ResultKey, values: Mapping[str, Any]) -> None:
    """Store a result; `values` are its further columns."""
    await execute(session, _KEEP, {**key._asdict(), **values, "id": new_id()})
