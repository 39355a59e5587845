"""Budgets of generations, projects and batches: checked before each call, counting all calls in flight."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import bindparam, case, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import BudgetExceeded, BudgetTight
from models.batches import AT_WORK
from models.options import BudgetOf
from models.tables import Batch, BatchItem, Generation, Project, ProviderCall
from models.tables.columns import table
from models.tables.ledger import CallState

# A call that was not settled for this long is abandoned: no provider's timeout is longer.
ABANDONED_AFTER = timedelta(minutes=15)

_PROJECTS, _GENERATIONS, _CALLS = table(Project), table(Generation), table(ProviderCall)
_BATCHES, _ITEMS = table(Batch), table(BatchItem)
_BUDGETS = (
    select(
        _GENERATIONS.c.budget_usd.label("generation_usd"),
        _PROJECTS.c.budget_usd.label("project_usd"),
        _BATCHES.c.budget_usd.label("batch_usd"),
    )
    .join(_PROJECTS, _PROJECTS.c.id == _GENERATIONS.c.project_id)
    .join(_BATCHES, _BATCHES.c.id == _GENERATIONS.c.batch_id, isouter=True)
    .where(_GENERATIONS.c.id == bindparam("generation"), _PROJECTS.c.id == bindparam("project"))
)
_LOCK_GENERATION = (
    select(_GENERATIONS.c.budget_usd)
    .where(_GENERATIONS.c.id == bindparam("generation"))
    .with_for_update(key_share=True)
)
_LOCK_PROJECT = (
    select(_PROJECTS.c.budget_usd).where(_PROJECTS.c.id == bindparam("project")).with_for_update(key_share=True)
)
_IN_FLIGHT = _CALLS.c.state.in_([CallState.RESERVED, CallState.SUBMITTED])
# An abandoned call makes no room and takes none: its activity may have moved on to another call.
AWAITED = _IN_FLIGHT & (
    func.greatest(_CALLS.c.created_at, _CALLS.c.submitted_at, _CALLS.c.send_at)
    > func.clock_timestamp() - ABANDONED_AFTER
)
# Calls in flight and lost calls count with their maximum cost, answered ones with their cost.
_COUNTED = case((_IN_FLIGHT | (_CALLS.c.state == CallState.UNKNOWN), _CALLS.c.reserved_usd), else_=_CALLS.c.cost_usd)
_AWAITED = func.count().filter(AWAITED, _CALLS.c.reserved_usd > 0)
_SPENDING = select(
    func.coalesce(func.sum(_COUNTED), Decimal(0)).label("spent"),
    _AWAITED.label("in_flight"),
)
# A retry of a generation continues with its budget instead of getting a second one; so do two retries of the same one.
_CHAIN = (
    select(_GENERATIONS.c.id, _GENERATIONS.c.retry_of)
    .where(_GENERATIONS.c.id == bindparam("generation"))
    .cte("chain", recursive=True)
)
_CHAIN = _CHAIN.union(
    select(_GENERATIONS.c.id, _GENERATIONS.c.retry_of).where(
        (_GENERATIONS.c.id == _CHAIN.c.retry_of) | (_GENERATIONS.c.retry_of == _CHAIN.c.id)
    )
)
_SPENT_BY_GENERATION = _SPENDING.where(_CALLS.c.generation_id.in_(select(_CHAIN.c.id)))
_SPENT_BY_PROJECT = _SPENDING.where(_CALLS.c.project_id == bindparam("project"))
_BATCH_OF = select(_GENERATIONS.c.batch_id).where(_GENERATIONS.c.id == bindparam("generation")).scalar_subquery()
_LOCK_BATCH = select(_BATCHES.c.budget_usd).where(_BATCHES.c.id == _BATCH_OF).with_for_update(key_share=True)
_OVER = select(_BATCHES.c.spent_usd).where(_BATCHES.c.id == _BATCH_OF).scalar_subquery()
# Items that are over are summed up in the batch's row: however many there were, a call costs the same.
_SPENT_BY_BATCH = select(
    (_OVER + func.coalesce(func.sum(_COUNTED), Decimal(0))).label("spent"), _AWAITED.label("in_flight")
).where(
    _CALLS.c.generation_id.in_(
        select(_ITEMS.c.generation_id).where(_ITEMS.c.batch_id == _BATCH_OF, _ITEMS.c.state.in_(AT_WORK))
    )
)


async def beyond(
    session: AsyncSession, project_id: UUID, generation_id: UUID, usd: Decimal
) -> BudgetTight | BudgetExceeded | None:
    """Why a call of at most `usd` does not fit the budgets; None if it does.

    The rows with the budgets stay locked until the call is reserved, so that simultaneous calls see each other.
    """
    scopes = {"project": project_id, "generation": generation_id}
    budgets = (await execute(session, _BUDGETS, scopes)).one()
    if budgets.generation_usd is None and budgets.project_usd is None and budgets.batch_usd is None:
        return None
    # In the common lock order: what follows may need the generation's row, too.
    checks = [
        (_LOCK_GENERATION, _SPENT_BY_GENERATION, BudgetOf.GENERATION),
        (_LOCK_PROJECT, _SPENT_BY_PROJECT, BudgetOf.PROJECT),
    ]
    if budgets.batch_usd is not None:
        checks.append((_LOCK_BATCH, _SPENT_BY_BATCH, BudgetOf.BATCH))
    for lock, spending, whose in checks:
        limit = (await execute(session, lock, scopes)).scalar_one()
        if limit is None:
            continue
        taken = (await execute(session, spending, scopes)).one()
        if taken.spent + usd <= limit:
            continue
        if taken.in_flight:
            return BudgetTight(
                "The budget is reserved by calls in flight; this call waits until they settle.", retry_after=1
            )
        return BudgetExceeded(
            f"The next call may cost {usd:.4f} USD, but of the {whose}'s budget of {limit:.2f} USD only"
            f" {max(limit - taken.spent, Decimal(0)):.4f} are left.",
            needed=usd,
            budget=whose,
        )
    return None


async def exceeded(session: AsyncSession, project_id: UUID, generation_id: UUID, usd: Decimal) -> BudgetOf | None:
    """Which budget a call of at most `usd` would not fit, even once those in flight have settled; None if it fits."""
    refused = await beyond(session, project_id, generation_id, usd)
    return refused.budget if isinstance(refused, BudgetExceeded) else None
