"""Batches: requested, changed while they run, ended. Every change is one transaction with its event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, insert, update
from sqlalchemy import select as plain_select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.errors import Conflict
from engine.store import holds
from engine.store.batch_events import News, emit
from engine.store.rows import get
from engine.store.scope import Scope
from models.batches import AT_A_TIME, AT_WORK, ATTEMPTS, ENDED, OVER, BatchStatus, Hours, ItemState
from models.events import EventType
from models.ids import new_id
from models.options import GenerationKind, GenerationOptions, HoldReason
from models.tables import Batch, BatchItem, Generation, Hold
from models.tables.columns import table

# Rows of one INSERT.
_ROWS = 500


@dataclass(frozen=True)
class NewItem:
    """An item to be stored. One with an `error` has failed already: its manuscript cannot be read."""

    project_id: UUID | None
    kind: GenerationKind = GenerationKind.CHAPTER
    target_ids: Sequence[UUID] = ()
    chapter_id: UUID | None = None
    title: str = ""
    options: GenerationOptions | None = None
    budget_usd: Decimal | None = None
    external_id: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    state: ItemState = ItemState.WAITING
    error: str = ""
    generation_id: UUID | None = None


@dataclass(frozen=True)
class Terms:
    """How a batch is worked on; each may be changed while it runs, except the last two."""

    budget_usd: Decimal | None = None
    at_a_time: int = AT_A_TIME
    priority: int = 5
    attempts: int = ATTEMPTS
    not_before: datetime | None = None
    only_between: Hours | None = None


async def request(
    session: AsyncSession,
    owner_id: UUID,
    name: str,
    items: Sequence[NewItem],
    options: GenerationOptions | None,
    terms: Terms,
    *,
    external_id: str | None = None,
    labels: dict[str, str] | None = None,
    identity_key: str | None = None,
) -> Batch:
    """Store a requested batch with its items. The caller starts its workflow after the commit, else the sweeper does.

    Raises `Conflict` if a batch with this `identity_key` is open.
    """
    projects = {item.project_id for item in items}
    batch = Batch(
        owner_id=owner_id,
        project_id=projects.pop() if len(projects) == 1 else None,
        name=name[:200],
        options=options,
        external_id=external_id,
        labels=labels or {},
        identity_key=identity_key,
        **vars(terms),
    )
    session.add(batch)
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_batches_live" in str(error.orig):
            raise Conflict("A batch of this folder is open already.") from error
        raise
    now = (await session.exec(select(func.clock_timestamp()))).one()
    values = [_values(batch, position, item, now) for position, item in enumerate(items)]
    for start in range(0, len(values), _ROWS):
        await execute(session, insert(table(BatchItem)), values[start : start + _ROWS])
    await session.refresh(batch)
    await emit(session, batch, [News(EventType.BATCH_REQUESTED, {"name": batch.name, "items": len(items)})])
    return batch


def _values(batch: Batch, position: int, item: NewItem, now: datetime) -> dict[str, Any]:
    over = item.state in OVER
    return {
        **vars(item),
        "id": new_id(),
        "batch_id": batch.id,
        "position": position,
        "target_ids": [str(target) for target in item.target_ids],
        "title": item.title[:500],
        "error": item.error[:4000],
        "finished_at": now if over else None,
    }


async def locked(session: AsyncSession, scope: Scope, batch_id: UUID) -> Batch:
    """An open batch, locked for a change. Raises `Conflict` if it has ended."""
    batch = await get(session, scope, Batch, batch_id, lock=True)
    if batch.status in ENDED:
        raise Conflict(f"The batch is already {batch.status}.")
    return batch


async def pause(session: AsyncSession, scope: Scope, batch_id: UUID) -> Batch:
    """Start no further item until it is resumed; items at work go on. Pausing twice has no effect."""
    batch = await locked(session, scope, batch_id)
    if batch.status == BatchStatus.CANCELLING:
        raise Conflict("The batch is being cancelled.")
    if batch.status != BatchStatus.PAUSED:
        await _change(session, batch, EventType.BATCH_PAUSED, {}, status=BatchStatus.PAUSED)
    return batch


async def resume(session: AsyncSession, scope: Scope, batch_id: UUID) -> Batch:
    """Go on after a pause. Raises `Conflict` while it is being cancelled; otherwise resuming twice has no effect."""
    batch = await locked(session, scope, batch_id)
    if batch.status == BatchStatus.CANCELLING:
        raise Conflict("The batch is being cancelled.")
    if batch.status == BatchStatus.PAUSED:
        status = BatchStatus.REQUESTED if batch.started_at is None else BatchStatus.RUNNING
        await _change(session, batch, EventType.BATCH_RESUMED, {}, status=status)
    return batch


async def cancel(session: AsyncSession, scope: Scope, batch_id: UUID) -> Batch:
    """Start no further item, and cancel those at work: its workflow does that. Finished items stay."""
    batch = await locked(session, scope, batch_id)
    if batch.status == BatchStatus.CANCELLING:
        return batch
    await cancel_waiting(session, batch_id)
    await _change(session, batch, EventType.BATCH_CANCELLING, {}, status=BatchStatus.CANCELLING)
    return batch


async def cancel_waiting(session: AsyncSession, batch_id: UUID) -> None:
    """Cancel the items that have not been started."""
    await session.exec(
        update(BatchItem)
        .where(col(BatchItem.batch_id) == batch_id, col(BatchItem.state) == ItemState.WAITING)
        .values(state=ItemState.CANCELLED, finished_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def change(session: AsyncSession, scope: Scope, batch_id: UUID, **values: Any) -> Batch:
    """Change the width or the priority; they count for the items that are started from now on."""
    batch = await locked(session, scope, batch_id)
    await _change(session, batch, EventType.BATCH_CHANGED, dict(values), **values)
    return batch


async def set_budget(
    session: AsyncSession, scope: Scope, batch_id: UUID, usd: Decimal | None
) -> tuple[Batch, list[str]]:
    """Set the budget, or remove it, and release what waits for one; also returns the workflows to wake."""
    await get(session, scope, Batch, batch_id)
    # Generations are locked before their batch, as they are for every call.
    waits = select(col(Hold.generation_id)).where(Hold.reason == HoldReason.BUDGET, col(Hold.released_at).is_(None))
    held = await session.exec(
        select(Generation)
        .where(Generation.batch_id == batch_id, col(Generation.id).in_(waits))
        .order_by(col(Generation.id))
        .with_for_update(key_share=True)
    )
    woken: list[str] = []
    for generation in held.all():
        woken += await holds.release(session, generation, [HoldReason.BUDGET])
    batch = await locked(session, scope, batch_id)
    data = {"budget_usd": None if usd is None else str(usd)}
    await _change(session, batch, EventType.BATCH_CHANGED, data, budget_usd=usd)
    return batch, woken


async def retry(session: AsyncSession, scope: Scope, batch_id: UUID) -> Batch:
    """Try failed and cancelled items again; all that is finished in them is kept. Raises `Conflict` without any."""
    batch = await get(session, scope, Batch, batch_id, lock=True)
    if batch.status == BatchStatus.CANCELLING:
        raise Conflict("The batch is being cancelled: retry it when that is done.")
    again = await session.exec(
        update(BatchItem)
        .where(
            col(BatchItem.batch_id) == batch_id,
            col(BatchItem.state).in_([ItemState.FAILED, ItemState.CANCELLED]),
            # A manuscript that could not be read has no target.
            col(BatchItem.target_ids) != [],
        )
        .values(state=ItemState.WAITING, attempt=0, due_at=None, finished_at=None, error="")
        .returning(col(BatchItem.id))
        .execution_options(synchronize_session=False)
    )
    count = len(again.all())
    if not count:
        raise Conflict("No item of this batch has failed or was cancelled.")
    values: dict[str, Any] = {}
    if batch.status in ENDED:
        values = {"status": BatchStatus.RUNNING, "finished_at": None}
    try:
        await _change(session, batch, EventType.BATCH_RESUMED, {"again": count}, **values)
    except IntegrityError as error:
        raise Conflict("Another batch of this folder is open.") from error
    return batch


async def _change(session: AsyncSession, batch: Batch, type: EventType, data: dict[str, Any], **values: Any) -> None:
    for name, value in values.items():
        setattr(batch, name, value)
    batch.version += 1
    session.add(batch)
    await session.flush()
    await emit(session, batch, [News(type, data)])


async def latest_of_folder(session: AsyncSession, owner_id: UUID, identity_key: str) -> Batch | None:
    """The newest batch that was made from a folder."""
    query = select(Batch).where(Batch.owner_id == owner_id, Batch.identity_key == identity_key)
    return (await session.exec(query.order_by(col(Batch.id).desc()).limit(1))).first()


async def neglected(session: AsyncSession, longer_than: timedelta, limit: int = 100) -> Sequence[Batch]:
    """Open batches at which no workflow has looked for a while: it was not started, or is lost."""
    query = (
        select(Batch)
        .where(col(Batch.status).not_in(ENDED), col(Batch.looked_at) < func.clock_timestamp() - longer_than)
        .order_by(col(Batch.looked_at))
        .limit(limit)
    )
    return (await session.exec(query)).all()


@dataclass(frozen=True)
class Counts:
    """How many items are in each state."""

    waiting: int = 0
    running: int = 0
    held: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return sum(vars(self).values())

    @property
    def over(self) -> int:
        return self.completed + self.failed + self.cancelled

    @property
    def at_work(self) -> int:
        return self.running + self.held


async def counts_of(session: AsyncSession, batch_ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """The counts of several batches."""
    query = (
        select(BatchItem.batch_id, BatchItem.state, func.count())
        .where(col(BatchItem.batch_id).in_(batch_ids))
        .group_by(col(BatchItem.batch_id), col(BatchItem.state))
    )
    found: dict[UUID, dict[str, int]] = {one: {} for one in batch_ids}
    for batch_id, state, count in (await session.exec(query)).all():
        found[batch_id][str(state)] = count
    return {one: Counts(**counts) for one, counts in found.items()}


@dataclass(frozen=True)
class Pace:
    """How fast items end. `seconds` is the mean of an item, from its start to its end; None before the first."""

    ended: int = 0
    seconds: float | None = None


async def pace_of(session: AsyncSession, batch_id: UUID) -> Pace:
    """The mean time of the last hundred items that made something."""
    last = (
        select(col(BatchItem.finished_at), col(BatchItem.started_at))
        .where(
            BatchItem.batch_id == batch_id,
            col(BatchItem.state).in_([ItemState.COMPLETED, ItemState.FAILED]),
            col(BatchItem.started_at).is_not(None),
        )
        .order_by(col(BatchItem.finished_at).desc())
        .limit(100)
        .subquery()
    )
    seconds = func.extract("epoch", func.avg(last.c.finished_at - last.c.started_at))
    count, mean = (await session.exec(select(func.count(), seconds).select_from(last))).one()
    return Pace(count, None if mean is None else float(mean))


async def at_work(session: AsyncSession, batch_id: UUID) -> Sequence[tuple[BatchItem, Generation | None]]:
    """The items whose generation is under way, with it; None for one that was deleted."""
    query = (
        select(BatchItem, Generation)
        .join(Generation, col(Generation.id) == col(BatchItem.generation_id), isouter=True)
        .where(BatchItem.batch_id == batch_id, col(BatchItem.state).in_(AT_WORK))
        .order_by(col(BatchItem.position))
    )
    return (await session.exec(query)).all()


class AtWork(NamedTuple):
    """An item at work, and where its generation stands."""

    state: str
    project_id: UUID | None
    status: str


_ITEMS, _GENERATIONS = table(BatchItem), table(Generation)
_WINDOW = Prepared(
    plain_select(_ITEMS.c.state, _ITEMS.c.project_id, _GENERATIONS.c.status)
    .join(_GENERATIONS, _GENERATIONS.c.id == _ITEMS.c.generation_id)
    .where(_ITEMS.c.batch_id == bindparam("batch"), _ITEMS.c.state.in_(AT_WORK)),
    AtWork,
)


async def window(session: AsyncSession, batch_id: UUID) -> list[AtWork]:
    """The items at work: read for every claim, so it bypasses the ORM."""
    return await _WINDOW.all(session, batch=batch_id)
