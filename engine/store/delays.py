"""Delays: parts of a generation that wait for something other than a person, and why.

An activity that will be tried again records its delay and deletes it when it succeeds; the sweeper records those that
no activity can. A call that is under way for long is no row: the ledger knows since when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, func, update
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.store.events import emit
from models.events import EventType
from models.ids import new_id
from models.options import FINAL_STATUSES, DelayReason
from models.tables import Delay, Generation, ProviderCall
from models.tables.columns import table
from models.tables.ledger import CallState

# A shorter delay is no news.
NEWS = timedelta(seconds=5)
# A call that is under way for longer is listed: most are answered before.
UNDER_WAY = timedelta(seconds=20)

_DELAYS, _GENERATIONS, _CALLS = table(Delay), table(Generation), table(ProviderCall)
_FACTS = ("project_id", "part", "target_id", "purpose", "reason", "message", "said", "next_try_at")
_NEW = insert(_DELAYS).from_select(
    ["id", "generation_id", *_FACTS],
    # Nothing is recorded for a generation that has ended meanwhile.
    plain_select(
        bindparam("id", type_=_DELAYS.c.id.type),
        _GENERATIONS.c.id,
        *(bindparam(name, type_=_DELAYS.c[name].type) for name in _FACTS),
    ).where(_GENERATIONS.c.id == bindparam("generation"), _GENERATIONS.c.status.not_in(FINAL_STATUSES)),
)
_RECORD = _NEW.on_conflict_do_update(
    index_elements=[_DELAYS.c.part],
    set_={
        **{name: _NEW.excluded[name] for name in ("reason", "message", "said", "next_try_at")},
        "tries": _DELAYS.c.tries + 1,
    },
).returning((func.clock_timestamp() - _DELAYS.c.created_at).label("lasted"), _DELAYS.c.announced)
_CLEAR = delete(_DELAYS).where(_DELAYS.c.part == bindparam("part"))
_OTHERS = _DELAYS.alias()
_ANNOUNCE = (
    update(_DELAYS)
    .where(
        _DELAYS.c.part == bindparam("this"),
        ~plain_select(_OTHERS.c.id)
        .where(
            _OTHERS.c.generation_id == _DELAYS.c.generation_id,
            _OTHERS.c.reason == _DELAYS.c.reason,
            _OTHERS.c.announced,
        )
        .exists(),
    )
    .values(announced=True)
    .returning(_DELAYS.c.created_at)
)
_LOCK = (
    plain_select(_GENERATIONS.c.id).where(_GENERATIONS.c.id == bindparam("generation")).with_for_update(key_share=True)
)


@dataclass(frozen=True)
class Waiting:
    """A part that waits. `part` identifies it: the activity, or the workflow."""

    project_id: UUID
    generation_id: UUID
    part: str
    target_id: UUID
    purpose: str
    reason: DelayReason
    message: str
    said: str = ""
    # Seconds until the next try; None if that is not known.
    next_try: float | None = None


@dataclass(frozen=True)
class Listed:
    """A delay as the API and the command line report it."""

    generation_id: UUID
    reason: DelayReason
    purpose: str
    target_id: UUID
    message: str
    said: str
    since: datetime
    next_try: datetime | None = None


async def record(session: AsyncSession, waiting: Waiting) -> bool:
    """Record a delay, or its next failure; returns whether it has lasted so long that it should be announced."""
    values = {name: getattr(waiting, name) for name in _FACTS if name != "next_try_at"}
    seconds = waiting.next_try
    now = (await execute(session, plain_select(func.clock_timestamp()))).scalar_one()
    values |= {
        "id": new_id(),
        "generation": waiting.generation_id,
        "part": waiting.part[:300],
        "message": waiting.message[:2000],
        "next_try_at": None if seconds is None else now + timedelta(seconds=seconds),
    }
    row = (await execute(session, _RECORD, values)).first()
    if row is None:
        return False
    soon = seconds is not None and seconds < NEWS.total_seconds()
    return not row.announced and (row.lasted >= NEWS or not soon)


async def announce(session: AsyncSession, waiting: Waiting) -> None:
    """Emit the event of a delay, once for each reason that a generation waits for."""
    # Locked before the delay and the project, as everywhere.
    await execute(session, _LOCK, {"generation": waiting.generation_id})
    waits_since = (await execute(session, _ANNOUNCE, {"this": waiting.part[:300]})).scalar_one_or_none()
    if waits_since is None:
        return
    data = {
        "reason": waiting.reason,
        "target_id": str(waiting.target_id),
        "message": waiting.message[:1000],
        "since": waits_since.isoformat(),
    }
    if waiting.said:
        data["said"] = waiting.said
    await emit(session, waiting.project_id, waiting.generation_id, EventType.GENERATION_DELAYED, data)


async def clear(session: AsyncSession, part: str) -> None:
    """The part waits no longer."""
    await execute(session, _CLEAR, {"part": part[:300]})


async def clear_others(
    session: AsyncSession, generation_id: UUID, reasons: Sequence[DelayReason], parts: Sequence[str]
) -> None:
    """Clear a generation's delays with one of the reasons, all but `parts`."""
    await session.exec(
        delete(Delay).where(
            col(Delay.generation_id) == generation_id, col(Delay.reason).in_(reasons), col(Delay.part).not_in(parts)
        )
    )


async def seconds_of(session: AsyncSession, generation_id: UUID, reason: DelayReason) -> float | None:
    """Seconds that a generation has waited for this reason; None if it does not."""
    age = func.extract("epoch", func.clock_timestamp() - func.min(col(Delay.created_at)))
    query = select(age).where(Delay.generation_id == generation_id, Delay.reason == reason)
    found = (await session.exec(query)).one()
    return None if found is None else float(found)


async def waiting_of(session: AsyncSession, generation_ids: Sequence[UUID]) -> list[Listed]:
    """What several generations wait for, the oldest first: delays, and calls that are under way for long."""
    rows = await session.exec(
        select(Delay).where(col(Delay.generation_id).in_(generation_ids)).order_by(col(Delay.created_at))
    )
    found = [_listed(row) for row in rows.all()]
    return sorted([*found, *await _under_way(session, generation_ids)], key=lambda one: one.since)


async def longest(session: AsyncSession) -> list[Listed]:
    """The oldest delay of each reason, over all generations."""
    query = select(Delay).ext(distinct_on(col(Delay.reason))).order_by(col(Delay.reason), col(Delay.created_at))
    return sorted((_listed(row) for row in (await session.exec(query)).all()), key=lambda one: one.since)


def _listed(row: Delay) -> Listed:
    return Listed(
        generation_id=row.generation_id,
        reason=row.reason,
        purpose=row.purpose,
        target_id=row.target_id,
        message=row.message,
        said=row.said,
        since=row.created_at or datetime.max.replace(tzinfo=UTC),
        next_try=row.next_try_at,
    )


async def _under_way(session: AsyncSession, generation_ids: Sequence[UUID]) -> list[Listed]:
    seconds = func.extract("epoch", func.clock_timestamp() - _CALLS.c.submitted_at)
    query = (
        plain_select(
            _CALLS.c.generation_id,
            _CALLS.c.purpose,
            _CALLS.c.provider,
            func.coalesce(_CALLS.c.target_id, _CALLS.c.generation_id).label("target_id"),
            _CALLS.c.submitted_at,
            seconds.label("seconds"),
        )
        .where(
            _CALLS.c.generation_id.in_(generation_ids),
            _CALLS.c.state == CallState.SUBMITTED,
            _CALLS.c.submitted_at < func.clock_timestamp() - UNDER_WAY,
        )
        .order_by(_CALLS.c.submitted_at)
    )
    return [
        Listed(
            generation_id=row.generation_id,
            reason=DelayReason.CALL_UNDER_WAY,
            purpose=row.purpose,
            target_id=row.target_id,
            message=f"The call to {row.provider} has been under way for {row.seconds:.0f} s.",
            said="",
            since=row.submitted_at,
        )
        for row in await execute(session, query)
    ]
