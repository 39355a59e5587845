"""Budgets of generations and projects: checked before each call, counting all calls in flight."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import bindparam, case, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import BudgetExceeded, BudgetTight
from models.tables import Generation, Project, ProviderCall
from models.tables.columns import table
from models.tables.ledger import CallState

# A call that was not settled for this long is abandoned: no provider's timeout is longer.
ABANDONED_AFTER = timedelta(minutes=15)

_PROJECTS, _GENERATIONS, _CALLS = table(Project), table(Generation), table(ProviderCall)
_BUDGETS = (
    select(_GENERATIONS.c.budget_usd.label("generation_usd"), _PROJECTS.c.budget_usd.label("project_usd"))
    .join(_PROJECTS, _PROJECTS.c.id == _GENERATIONS.c.project_id)
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
# Calls in flight and lost calls count with their maximum cost, answered ones with their cost.
_SPENDING = select(
    func.coalesce(
        func.sum(
            case((_IN_FLIGHT | (_CALLS.c.state == CallState.UNKNOWN), _CALLS.c.reserved_usd), else_=_CALLS.c.cost_usd)
        ),
        Decimal(0),
    ).label("spent"),
    # An abandoned call makes no room: its activity may have moved on to another call.
    func.count()
    .filter(
        _IN_FLIGHT,
        _CALLS.c.reserved_usd > 0,
        func.greatest(_CALLS.c.created_at, _CALLS.c.submitted_at, _CALLS.c.send_at)
        > func.clock_timestamp() - ABANDONED_AFTER,
    )
    .label("in_flight"),
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


async def beyond(
    session: AsyncSession, project_id: UUID, generation_id: UUID, usd: Decimal
) -> BudgetTight | BudgetExceeded | None:
    """Why a call of at most `usd` does not fit the budgets; None if it does.

    The rows with the budgets stay locked until the call is reserved, so that simultaneous calls see each other.
    """
    scopes = {"project": project_id, "generation": generation_id}
    budgets = (await execute(session, _BUDGETS, scopes)).one()
    if budgets.generation_usd is None and budgets.project_usd is None:
        return None
    # Both, in the common lock order: what follows may need the generation's row, too.
    for lock, spending, whose in (
        (_LOCK_GENERATION, _SPENT_BY_GENERATION, "generation"),
        (_LOCK_PROJECT, _SPENT_BY_PROJECT, "project"),
    ):
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
        )
    return None


async def fits(session: AsyncSession, project_id: UUID, generation_id: UUID, usd: Decimal) -> bool:
    """Whether a call of at most `usd` would fit the budgets now, or once those in flight have settled."""
    return not isinstance(await beyond(session, project_id, generation_id, usd), BudgetExceeded)
