"""Holds: registered by the waiting workflow, released by a decision, closed when the workflow continues."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, delete, func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import Conflict
from engine.money import budgets
from engine.store.events import emit
from engine.store.rows import get
from engine.store.scope import Scope
from models.events import EventType
from models.ids import new_id
from models.options import FINAL_STATUSES, HELD_STATUSES, DelayReason, GenerationStatus, HoldReason
from models.runs import Decision, Holding
from models.tables import Delay, Generation, Hold, Redraw
from models.tables.directing import RedrawState

# With the lock that decisions take, too.
_PAUSED_AT = (
    select(Generation.paused_at).where(Generation.id == bindparam("generation")).with_for_update(key_share=True)
)
# What a request to resume a generation is about.
Meant = Literal["paused", "waiting"]


async def hold(session: AsyncSession, holding: Holding, workflow_id: str) -> bool:
    """Register a hold for the part; False if it is no longer needed: the budget was raised, or the generation
    resumed.
    """
    # Decisions take this lock before the hold's row, too.
    paused_at = (await session.exec(_PAUSED_AT, params={"generation": holding.generation_id})).one()
    budget = None
    if holding.reason == HoldReason.BUDGET:
        budget = await budgets.exceeded(session, holding.project_id, holding.generation_id, holding.needed_usd)
        if budget is None:
            return False
    if holding.reason == HoldReason.PAUSED and paused_at is None:
        return False
    values = {
        "reason": holding.reason,
        "message": holding.message,
        "budget": budget,
        "target_id": holding.target_id,
        "released_at": None,
        "skip": False,
        "taken": False,
    }
    await session.exec(
        insert(Hold)
        .values(
            id=new_id(),
            project_id=holding.project_id,
            generation_id=holding.generation_id,
            workflow_id=workflow_id,
            purpose=holding.purpose,
            **values,
        )
        .on_conflict_do_update(index_elements=["workflow_id", "purpose"], set_=values)
    )
    if await update_status(session, holding.generation_id):
        data = {"reason": holding.reason, "target_id": str(holding.target_id), "message": holding.message[:1000]}
        await emit(session, holding.project_id, holding.generation_id, EventType.GENERATION_WAITING, data)
    return True


async def read_decision(session: AsyncSession, workflow_id: str, purpose: str) -> Decision:
    """The decision about a hold; repeated calls return the same."""
    mine = (Hold.workflow_id == workflow_id, Hold.purpose == purpose)
    row = (await session.exec(select(Hold).where(*mine))).one_or_none()
    if row is None:
        return Decision.AGAIN
    if row.released_at is None:
        return Decision.WAIT
    row.taken = True
    session.add(row)
    return Decision.SKIP if row.skip else Decision.AGAIN


async def raise_budget(session: AsyncSession, scope: Scope, generation_id: UUID, usd: Decimal) -> list[str]:
    """Set the budget of an open generation and release what waits for it; returns the workflows to wake."""
    generation = await get(session, scope, Generation, generation_id, lock=True)
    if generation.status in FINAL_STATUSES:
        raise Conflict(f"The generation is already {generation.status}, so its budget has no effect any more.")
    generation.budget_usd = usd
    generation.version += 1
    session.add(generation)
    await session.flush()
    return await release(session, generation, [HoldReason.BUDGET])


async def loosen_project(session: AsyncSession, project_id: UUID) -> list[str]:
    """Release what waits for money in a project whose budget is about to change; returns the workflows to wake.

    Call it before the project's row is locked: generations are locked first, as everywhere.
    """
    waits = select(Hold.generation_id).where(Hold.reason == HoldReason.BUDGET, col(Hold.released_at).is_(None))
    held = await session.exec(
        select(Generation)
        .where(Generation.project_id == project_id, col(Generation.id).in_(waits))
        .order_by(col(Generation.id))
        .with_for_update(key_share=True)
    )
    woken: list[str] = []
    for generation in held.all():
        woken += await release(session, generation, [HoldReason.BUDGET])
    return woken


async def pause(session: AsyncSession, scope: Scope, generation_id: UUID) -> None:
    """Make no further call for the generation until it is resumed. Pausing twice has no effect; raises `Conflict`."""
    generation = await get(session, scope, Generation, generation_id, lock=True)
    if generation.status in FINAL_STATUSES:
        raise Conflict(f"The generation is already {generation.status}.")
    if generation.paused_at is not None:
        return
    generation.paused_at = (await session.exec(select(func.clock_timestamp()))).one()
    generation.status = GenerationStatus.PAUSED
    generation.version += 1
    session.add(generation)
    await session.flush()
    actor = scope.user_id
    await emit(session, generation.project_id, generation.id, EventType.GENERATION_PAUSED, {}, actor=actor)


async def resume(
    session: AsyncSession, scope: Scope, generation_id: UUID, *, skip: bool, meant: Meant | None = None
) -> list[str]:
    """Resume a paused generation; or, if it is not paused, release its holds.

    The holds are lost answers, which may be billed twice if the calls are sent again, and refusals. Resuming a paused
    generation decides nothing about them. With `meant` the request is about one or the other: resuming twice has no
    effect, and holds can be decided while the generation stays paused.

    With `skip` refused parts are given up instead, and no call is sent again. Returns the workflows to wake; raises
    `Conflict` if nothing waits for this decision.
    """
    generation = await get(session, scope, Generation, generation_id, lock=True)
    if meant == "paused" and generation.paused_at is None:
        if generation.status in FINAL_STATUSES:
            raise Conflict(f"The generation is already {generation.status}.")
        return []
    if generation.paused_at is not None and meant != "waiting":
        generation.paused_at = None
        if generation.started_at is None:
            generation.status = GenerationStatus.REQUESTED
        session.add(generation)
        await session.flush()
        return await release(session, generation, [HoldReason.PAUSED])
    reasons = [HoldReason.REFUSED] if skip else [HoldReason.UNKNOWN, HoldReason.REFUSED]
    waits = {held.reason for held in await waiting(session, generation_id)}
    if waits == {HoldReason.BUDGET}:
        raise Conflict("The generation is waiting for a higher budget. Raise the budget instead.")
    if not waits & set(reasons):
        raise Conflict(f"The generation is {generation.status}: no part of it is waiting for this decision.")
    return await release(session, generation, reasons, skip=skip)


async def waiting(session: AsyncSession, generation_id: UUID) -> Sequence[Hold]:
    """The open holds of a generation, the oldest first."""
    return await waiting_of(session, [generation_id])


async def waiting_of(session: AsyncSession, generation_ids: Sequence[UUID]) -> Sequence[Hold]:
    """The open holds of several generations, the oldest first."""
    query = (
        select(Hold)
        .where(col(Hold.generation_id).in_(generation_ids), col(Hold.released_at).is_(None))
        .order_by(col(Hold.id))
    )
    return (await session.exec(query)).all()


async def released_workflows(session: AsyncSession, older_than: timedelta) -> list[str]:
    """Workflows that have not continued since their hold was released: waking them may have failed."""
    # A workflow that cannot replay takes nothing, and each signal would make its history longer.
    stuck = select(Delay.id).where(Delay.part == Hold.workflow_id, Delay.reason == DelayReason.REPLAY)
    query = select(Hold.workflow_id).where(
        col(Hold.released_at) < func.now() - older_than, col(Hold.taken).is_(False), ~stuck.exists()
    )
    return list(dict.fromkeys((await session.exec(query)).all()))


async def forget(session: AsyncSession, workflow_id: str) -> None:
    """Delete the holds of a workflow that no longer exists."""
    await session.exec(delete(Hold).where(col(Hold.workflow_id) == workflow_id))


async def release(
    session: AsyncSession,
    generation: Generation,
    reasons: Sequence[HoldReason],
    *,
    skip: bool = False,
    purposes: Sequence[str] | None = None,
) -> list[str]:
    """Release a generation's holds with one of the reasons; returns the workflows to wake."""
    named = [] if purposes is None else [col(Hold.purpose).in_(purposes)]
    released = await session.exec(
        update(Hold)
        .where(
            col(Hold.generation_id) == generation.id,
            col(Hold.reason).in_(reasons),
            col(Hold.released_at).is_(None),
            *named,
        )
        .values(released_at=func.clock_timestamp(), skip=(col(Hold.reason) == HoldReason.REFUSED) if skip else False)
        .returning(col(Hold.workflow_id))
        .execution_options(synchronize_session=False)
    )
    workflows = list(dict.fromkeys(released.scalars()))
    if await update_status(session, generation.id):
        await emit(session, generation.project_id, generation.id, EventType.GENERATION_RESUMED, {})
    return workflows


async def update_status(session: AsyncSession, generation_id: UUID) -> bool:
    """Set the generation's status from its first open hold, or to running; returns whether it changed. A paused one
    stays so.

    While a redraw of it is in progress, a review does not count as open.
    """
    redrawn = select(Redraw.id).where(Redraw.generation_id == generation_id, Redraw.state == RedrawState.ORDERED)
    reason = (
        await session.exec(
            select(col(Hold.reason))
            .where(
                Hold.generation_id == generation_id,
                col(Hold.released_at).is_(None),
                or_(col(Hold.reason) != HoldReason.REVIEW, ~redrawn.exists()),
            )
            .order_by(col(Hold.id))
            .limit(1)
        )
    ).first()
    status = HELD_STATUSES[reason] if reason else GenerationStatus.RUNNING
    changed = await session.exec(
        update(Generation)
        .where(
            col(Generation.id) == generation_id,
            col(Generation.status).in_([GenerationStatus.RUNNING, *HELD_STATUSES.values()]),
            col(Generation.paused_at).is_(None),
            col(Generation.status) != status,
        )
        .values(status=status, version=Generation.version + 1)
        .returning(col(Generation.id))
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None
