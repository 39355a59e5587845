"""Where a workflow waits for a user: for the decision on a hold, or for the review of a stage.

There is no timer. A decision is a row; a signal without content wakes the workflow, which reads the row. The sweeper
handles deadlines, reminders and lost signals.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from models.options import HoldReason, Stage
from models.runs import Decision, DrawCall, Holding, Outcome, RedrawRequest, Run, TaskCall
from workflows.dispatch.concurrency import PANELS_AT_A_TIME, side_by_side
from workflows.dispatch.execute import base, execute
from workflows.dispatch.table import HOLD, READ_DECISION, REVIEW

# What the user is asked to review.
REVIEWS: dict[Stage, str] = {
    "outline": "the outline waits to be approved",
    "sheets": "the reference sheets wait to be approved",
    "drafts": "panels wait for a draft to be chosen",
    "pages": "the pages wait to be approved",
}


class Wakeable:
    """A workflow that a decision can wake. The signal carries nothing: the decision is read from the database."""

    def __init__(self) -> None:
        self.woken = 0

    @workflow.signal
    def wake(self) -> None:
        """A decision was made."""
        self.woken += 1

    async def next_wake(self, seen: int) -> int:
        """Wait for a wake after those `seen`; returns how many there were by then."""
        await workflow.wait_condition(lambda: self.woken > seen)
        return self.woken


def _wakeable() -> Wakeable:
    instance = workflow.instance()
    if not isinstance(instance, Wakeable):
        raise TypeError(f"{type(instance).__name__} waits for a person and cannot be woken")
    return instance


async def decided(call: TaskCall | DrawCall, purpose: str, reason: HoldReason, failure: ApplicationError) -> bool:
    """Hold a part, for days if need be, until a user has decided; returns whether to try again."""
    waiting = _wakeable()
    needed = Decimal(str(failure.details[0])) if reason == HoldReason.BUDGET and failure.details else Decimal(0)
    holding = Holding(
        **base(call),
        target_id=call.target_id,
        purpose=purpose,
        reason=reason,
        message=failure.message,
        needed_usd=needed,
    )
    seen = waiting.woken
    if not await execute(HOLD, holding, f"wait: {reason}"):
        return True
    workflow.set_current_details(f"waits for a decision: {failure.message}")
    while True:
        seen = await waiting.next_wake(seen)
        decision = await execute(READ_DECISION, holding)
        if decision != Decision.WAIT:
            return decision == Decision.AGAIN


async def review(run: Run, stage: Stage, target_id: UUID, redraw: Callable[[RedrawRequest], Awaitable[Outcome]]) -> int:
    """Wait until a user has approved a stage, and carry out the redraws requested meanwhile.

    Returns how many redraws failed.
    """
    waiting = _wakeable()
    holding = Holding(
        **base(run),
        target_id=target_id,
        purpose=f"review {stage}",
        reason=HoldReason.REVIEW,
        message=REVIEWS[stage],
    )
    failed, seen = 0, waiting.woken
    while True:
        reviewed = await execute(REVIEW, holding, f"review of the {stage}")
        if reviewed.redraws:
            outcomes = await side_by_side(PANELS_AT_A_TIME, reviewed.redraws, redraw, "redraws")
            failed += sum(outcome.failed for outcome in outcomes)
            continue
        if reviewed.approved:
            return failed
        workflow.set_current_details(f"waits for a person: {REVIEWS[stage]}")
        seen = await waiting.next_wake(seen)
