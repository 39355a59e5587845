"""Calls that cost money: by the first provider that is available, with a user's decision where one is needed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from uuid import UUID

from temporalio.exceptions import ActivityError, ApplicationError

from models.options import Choice, HoldReason, TaskName
from models.runs import DraftMade, DrawCall, Run, TaskCall, TaskDone
from workflows.dispatch.execute import base, execute_by
from workflows.dispatch.table import DRAW_PANEL, DRAW_SHEET, TASKS, PaidActivity
from workflows.dispatch.waiting import decided

# Failures after which the next provider is asked, if the generation names one; never a refusal or an invalid request.
FALLS_BACK = {"ProviderDown", "QuotaExhausted"}
# Failures that a user decides about.
HELD = {
    "BudgetExceeded": HoldReason.BUDGET,
    "OutcomeUnknown": HoldReason.UNKNOWN,
    "ProviderRefused": HoldReason.REFUSED,
    "Paused": HoldReason.PAUSED,
}
MONEY = frozenset({HoldReason.BUDGET, HoldReason.UNKNOWN, HoldReason.PAUSED})
EVERYTHING = frozenset(HELD.values())

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class _Paid(Generic[ResultT]):
    """A paid call of a workflow: its activity, the providers in order, and its name.

    `purpose` names its hold. `decides` are the failures for which a user is asked; any other failure ends the part.
    """

    activity: PaidActivity[Any, ResultT]
    providers: Sequence[Choice]
    summary: str
    purpose: str
    decides: frozenset[HoldReason] = EVERYTHING


async def ask(
    task: TaskName, run: Run, target_id: UUID, summary: str, *, part: int = 0, softer: bool = False, **more: Any
) -> TaskDone:
    """Run an LLM task for a target, by the task's writer or its fallbacks; `softer` asks for milder words.

    `more` is what a translation needs besides: the `language`, and whether to translate the `title`.
    """
    call = TaskCall(**base(run), target_id=target_id, part=part, softer=softer, **more)
    # A story needs no profiles; if users had to decide about each, all panels would wait.
    decides = MONEY if task == "CharacterProfile" else EVERYTHING
    return await _paid(_Paid(TASKS[task], run.options.writers(task), summary, task, decides), call)


async def draw(
    run: Run,
    panel_id: UUID,
    ordinal: int,
    many: int = 1,
    *,
    redraw_id: UUID | None = None,
    choose: bool = False,
) -> DraftMade:
    """Draw one draft of `many` for a panel. With `choose` it is the only one and selected at once, which saves an
    activity.
    """
    call = DrawCall(**base(run), target_id=panel_id, ordinal=ordinal, many=many, redraw_id=redraw_id, choose=choose)
    summary = f"draft {ordinal}"
    # A hold is found by its purpose: that of a redraw differs from that of the draft before it.
    purpose = summary if redraw_id is None else f"{summary} of {redraw_id}"
    work = _Paid(DRAW_PANEL, run.options.artists(), summary, purpose)
    if run.options.soften:
        try:
            return await _paid(replace(work, decides=MONEY), call)
        except ActivityError as error:
            if _type_of(error) != "ProviderRefused":
                raise
        await ask("VisualPrompt", run, panel_id, "prompt in milder words", softer=True)
    return await _paid(work, call)


async def draw_sheet(run: Run, character_id: UUID) -> None:
    """Draw the reference sheet of a character."""
    call = DrawCall(**base(run), target_id=character_id, ordinal=0)
    # A story needs no reference sheets, either.
    await _paid(_Paid(DRAW_SHEET, run.options.artists(), "reference sheet", "sheet", MONEY), call)


async def _paid(work: _Paid[ResultT], call: TaskCall | DrawCall) -> ResultT:
    """Call the first available provider, and wait for a user's decision where one is needed."""
    while True:
        try:
            return await _by_any(work, call)
        except ActivityError as error:
            call = await _again(work, call, error)


async def _again(work: _Paid[ResultT], call: TaskCall | DrawCall, error: ActivityError) -> TaskCall | DrawCall:
    """The call as a user's decision allows it again; raises the error if no decision is needed, or if it is to skip."""
    failure = error.cause
    if not isinstance(failure, ApplicationError):
        raise error
    reason = HELD.get(failure.type or "")
    if reason is None or reason not in work.decides or not await decided(call, work.purpose, reason, failure):
        raise error
    if reason != HoldReason.UNKNOWN:
        return call
    # The lost calls may belong to an earlier generation or another project: the failure names them.
    return call.model_copy(update={"accepted": [*call.accepted, *(UUID(str(lost)) for lost in failure.details)]})


async def _by_any(work: _Paid[ResultT], call: TaskCall | DrawCall) -> ResultT:
    summary = work.summary
    for by in work.providers[:-1]:
        try:
            asked = call.model_copy(update={"by": by, "gives_way": True})
            return await execute_by(by.provider, work.activity, asked, summary)
        except ActivityError as error:
            if _type_of(error) not in FALLS_BACK:
                raise
            summary = f"{summary}, instead of {by.provider}"
    last = work.providers[-1]
    return await execute_by(last.provider, work.activity, call.model_copy(update={"by": last}), summary)


def _type_of(error: ActivityError) -> str | None:
    """The type of the error that the activity itself raised."""
    return error.cause.type if isinstance(error.cause, ApplicationError) else None
