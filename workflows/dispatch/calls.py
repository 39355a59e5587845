"""What workflows call: queues, timeouts, retry policies and names of every activity, in one table.

Temporal alone retries; which errors are worth it is decided by the error itself (`engine.errors`) and told by the
interceptor, so the policies here set the pace and no count. Every activity beats (see `interceptor.py`), so a dead
worker is noticed after `heartbeat`, not after the whole `attempt`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, is_cancelled_exception

from models.options import Choice, HoldReason, Stage, TaskName
from models.runs import (
    ChapterBrief,
    ChapterRun,
    Decision,
    DraftMade,
    DrawCall,
    Ending,
    ExportCall,
    Failure,
    Holding,
    Outcome,
    Outlined,
    PageCall,
    PagesCall,
    PagesPlanned,
    PanelRun,
    PanelsOpened,
    PanelsRun,
    RedrawOrder,
    Reviewed,
    Run,
    SelectCall,
    TaskCall,
    TaskDone,
    TranslationPlanned,
    TranslationRun,
)

WORKFLOWS = "workflows"
IO = "io"
PAGES = "pages"
CALLBACKS = "callbacks"

# How many parts run side by side. Provider queues hold the real limits; these keep histories and memory bounded
# while leaving enough work queued that no provider slot stands idle.
SCENES_AT_A_TIME = 6
PANELS_AT_A_TIME = 8
SHEETS_AT_A_TIME = 8
LANGUAGES_AT_A_TIME = 4
PAGES_AT_A_TIME = 4
EXPORTS_AT_A_TIME = 2


def llm_queue(provider: str) -> str:
    """The queue of one writer."""
    return f"llm-{provider}"


def image_queue(provider: str) -> str:
    """The queue of one artist."""
    return f"images-{provider}"


@dataclass(frozen=True)
class Pace:
    """How long one attempt and all of them together may take, and how fast a dead worker is noticed."""

    attempt: timedelta
    total: timedelta
    heartbeat: timedelta = timedelta(seconds=10)


RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=300), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=20)
)
_DAYS = timedelta(days=7)

PACES = {
    "io": Pace(attempt=timedelta(minutes=2), total=_DAYS),
    "llm": Pace(attempt=timedelta(minutes=10), total=timedelta(hours=24)),
    "images": Pace(attempt=timedelta(minutes=15), total=timedelta(hours=24)),
    "callbacks": Pace(attempt=timedelta(minutes=1), total=timedelta(hours=24)),
    "pages": Pace(attempt=timedelta(minutes=30), total=_DAYS),
}

# Failures after which the next provider is asked, if a generation names one; never a refusal or a bad request.
FALLS_BACK = {"ProviderDown", "QuotaExhausted"}
# Failures that a person decides about.
HELD = {
    "BudgetExceeded": HoldReason.BUDGET,
    "OutcomeUnknown": HoldReason.UNKNOWN,
    "ProviderRefused": HoldReason.REFUSED,
    "Paused": HoldReason.PAUSED,
}

# What a person is asked to look at.
REVIEWS: dict[Stage, str] = {
    "outline": "the outline waits to be approved",
    "sheets": "the reference sheets wait to be approved",
    "drafts": "panels wait for a draft to be chosen",
    "pages": "the pages wait to be approved",
}
MONEY = frozenset({HoldReason.BUDGET, HoldReason.UNKNOWN, HoldReason.PAUSED})
EVERYTHING = frozenset(HELD.values())

ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")


def priority(run: Run) -> Priority:
    """Interactive work goes first, and no project starves another on the same queue."""
    return Priority(priority_key=run.options.priority, fairness_key=str(run.project_id))


async def _call(name: str, argument: Run, result: type[ResultT], queue: str, pace: str, summary: str) -> ResultT:
    limits = PACES[pace]
    answer: ResultT = await workflow.execute_activity(
        name,
        argument,
        result_type=result,
        task_queue=queue,
        start_to_close_timeout=limits.attempt,
        schedule_to_close_timeout=limits.total,
        heartbeat_timeout=limits.heartbeat,
        retry_policy=RETRY,
        priority=priority(argument),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
    _stop_if_cancelled()
    return answer


def _stop_if_cancelled() -> None:
    """What comes to its end although it was cancelled is waited for like all others, and hides that from whoever waits:
    the workflow would go on, and pay, as if nobody had cancelled it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def ask(
    task: TaskName, run: Run, target_id: UUID, summary: str, *, part: int = 0, softer: bool = False, **more: Any
) -> TaskDone:
    """Run an LLM task for a target, by the task's writer or those that stand in for it; again, if in milder words.

    `more` is what a translation is told besides: the `language`, and whether the `title` goes along.
    """
    call = TaskCall(**base(run), target_id=target_id, part=part, softer=softer, **more)
    # Without a profile the story can be told; everybody would wait for a person before that.
    decides = MONEY if task == "CharacterProfile" else EVERYTHING
    work = _Paid(task, TaskDone, run.options.writers(task), llm_queue, "llm", summary, task, decides)
    return await _paid(work, call)


async def draw(
    run: Run,
    panel_id: UUID,
    ordinal: int,
    many: int = 1,
    *,
    redraw_id: UUID | None = None,
    choose: bool = False,
) -> DraftMade:
    """Draw one draft of `many` of a panel; with `choose` it is the only one and shown at once: an activity less."""
    call = DrawCall(**base(run), target_id=panel_id, ordinal=ordinal, many=many, redraw_id=redraw_id, choose=choose)
    summary = f"draft {ordinal}"
    # What waits for a person is known by its purpose: a redraw is another one than the draft that it follows.
    purpose = summary if redraw_id is None else f"{summary} of {redraw_id}"
    work = _Paid("draw_panel", DraftMade, run.options.artists(), image_queue, "images", summary, purpose)
    if run.options.soften:
        try:
            return await _paid(replace(work, decides=MONEY), call)
        except ActivityError as error:
            failure = _failure(error)
            if failure is None or failure.type != "ProviderRefused":
                raise
        await ask("VisualPrompt", run, panel_id, "prompt in milder words", softer=True)
    return await _paid(work, call)


async def draw_sheet(run: Run, character_id: UUID) -> None:
    """Draw the reference sheet of a character."""
    call = DrawCall(**base(run), target_id=character_id, ordinal=0)
    artists = run.options.artists()
    # Without a sheet the story can be told, too.
    await _paid(
        _Paid("draw_sheet", type(None), artists, image_queue, "images", "reference sheet", "sheet", MONEY), call
    )


@dataclass(frozen=True)
class _Paid(Generic[ResultT]):
    """An activity that costs money: what it is called, who may do it, and what it is told as.

    `decides` are the reasons for which a person is asked; for others a failure is the end of the part.
    """

    name: str
    result: type[ResultT]
    providers: Sequence[Choice]
    queue: Callable[[str], str]
    pace: str
    summary: str
    purpose: str
    decides: frozenset[HoldReason] = EVERYTHING


async def _paid(work: _Paid[ResultT], call: TaskCall | DrawCall) -> ResultT:
    """Call it by the first provider that is up, and wait for what a person has to decide."""
    while True:
        try:
            return await _by_any(work, call)
        except ActivityError as error:
            failure = _failure(error)
            reason = HELD.get(failure.type or "") if failure is not None else None
            if failure is None or reason not in work.decides or not await _decided(call, work.purpose, reason, failure):
                raise
            if reason == HoldReason.UNKNOWN:
                # They may be an earlier generation's, or another project's: whoever was asked knows which.
                accepted = [*call.accepted, *(UUID(str(lost)) for lost in failure.details)]
                call = call.model_copy(update={"accepted": accepted})


async def _by_any(work: _Paid[ResultT], call: TaskCall | DrawCall) -> ResultT:
    summary = work.summary
    for by in work.providers[:-1]:
        asked = call.model_copy(update={"by": by, "gives_way": True})
        try:
            return await _call(work.name, asked, work.result, work.queue(by.provider), work.pace, summary)
        except ActivityError as error:
            failure = _failure(error)
            if failure is None or failure.type not in FALLS_BACK:
                raise
            summary = f"{summary}, instead of {by.provider}"
    last = work.providers[-1]
    asked = call.model_copy(update={"by": last})
    return await _call(work.name, asked, work.result, work.queue(last.provider), work.pace, summary)


async def _decided(call: TaskCall | DrawCall, purpose: str, reason: HoldReason, failure: ApplicationError) -> bool:
    """Wait, for days if need be, until a person has decided; whether to try again."""
    waiting = workflow.instance()
    if not isinstance(waiting, Wakeable):
        raise TypeError(f"{type(waiting).__name__} makes paid calls and cannot be woken")
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
    if not await _call("hold", holding, bool, IO, "io", f"wait: {reason}"):
        return True
    workflow.set_current_details(f"waits for a decision: {failure.message}")
    while True:
        seen = await waiting.next_wake(seen)
        decision = await _call("let_go", holding, Decision, IO, "io", "what was decided")
        if decision != Decision.WAIT:
            return decision == Decision.AGAIN


class Wakeable:
    """A workflow that a decision can wake. The signal carries nothing: what was decided is read from the database."""

    def __init__(self) -> None:
        self.woken = 0

    @workflow.signal
    def wake(self) -> None:
        """Something was decided."""
        self.woken += 1

    async def next_wake(self, seen: int) -> int:
        """Wait for a wake after those `seen`; returns how many there were by then."""
        await workflow.wait_condition(lambda: self.woken > seen)
        return self.woken


def _failure(error: ActivityError) -> ApplicationError | None:
    """What the activity itself said."""
    return error.cause if isinstance(error.cause, ApplicationError) else None


async def begin_generation(run: Run) -> None:
    await _call("begin_generation", run, type(None), IO, "io", "requested → running")


async def open_chapter(run: ChapterRun) -> ChapterBrief:
    return await _call("open_chapter", run, ChapterBrief, IO, "io", "how long is the text")


async def adopt_script(run: ChapterRun) -> Outlined:
    return await _call("adopt_script", run, Outlined, IO, "io", "take scenes and panels from the script")


async def store_outline(run: ChapterRun) -> Outlined:
    return await _call("store_outline", run, Outlined, IO, "io", "scenes and cast")


async def select_draft(
    run: Run, panel_id: UUID, drafts: Sequence[DraftMade], *, wait: bool = False, redraw_id: UUID | None = None
) -> None:
    """Show the best of the drafts, or let a person choose; a redraw has ended with that."""
    ids = list(dict.fromkeys(draft.draft_id for draft in drafts))
    call = SelectCall(**base(run), target_id=panel_id, draft_ids=ids, wait=wait, redraw_id=redraw_id)
    await _call("select_draft", call, type(None), IO, "io", "choose a draft")


async def open_panels(run: PanelsRun) -> PanelsOpened:
    return await _call("open_panels", run, PanelsOpened, IO, "io", "which panels")


async def review(run: Run, stage: Stage, target_id: UUID, redraw: Callable[[RedrawOrder], Awaitable[Outcome]]) -> int:
    """Wait, for days if need be, until a person has approved a stage; meanwhile, what is redrawn is redrawn.

    There is no timer: deadlines and reminders are the sweeper's. Returns how many redraws failed.
    """
    waiting = workflow.instance()
    if not isinstance(waiting, Wakeable):
        raise TypeError(f"{type(waiting).__name__} waits for a review and cannot be woken")
    holding = Holding(
        **base(run),
        target_id=target_id,
        purpose=f"review {stage}",
        reason=HoldReason.REVIEW,
        message=REVIEWS[stage],
    )
    failed, seen = 0, waiting.woken
    while True:
        reviewed = await _call("review", holding, Reviewed, IO, "io", f"review of the {stage}")
        if reviewed.redraws:
            outcomes = await side_by_side(PANELS_AT_A_TIME, reviewed.redraws, redraw)
            failed += sum(outcome.failed for outcome in outcomes)
            continue
        if reviewed.approved:
            return failed
        workflow.set_current_details(f"waits for a person: {REVIEWS[stage]}")
        seen = await waiting.next_wake(seen)


async def fail(
    part: Literal["panel", "sheet", "scene", "translation"],
    run: Run,
    target_id: UUID,
    reason: str,
    redraw_id: UUID | None = None,
    language: str = "",
) -> None:
    """Write down that a part, or a redraw of it, has failed for good."""
    failure = Failure(**base(run), target_id=target_id, reason=reason, redraw_id=redraw_id, language=language)
    await _call(f"fail_{part}", failure, type(None), IO, "io", f"mark the {part} as failed")


async def plan_translation(run: TranslationRun) -> TranslationPlanned:
    return await _call("plan_translation", run, TranslationPlanned, IO, "io", f"what to put into {run.language}")


async def pages(run: ChapterRun, language: str = "") -> PagesPlanned:
    """Put the panels on pages and compose those that are due, in the story's own words or in another language."""
    call = PagesCall(**base(run), chapter_id=run.chapter_id, language=language)
    planned = await _call("plan_pages", call, PagesPlanned, PAGES, "pages", "put panels on pages")
    workflow.set_current_details(f"{len(planned.due)} of {planned.pages} pages")

    async def compose(number: int) -> None:
        page = PageCall(**base(run), chapter_id=run.chapter_id, number=number, language=language)
        await _call("compose_page", page, type(None), PAGES, "pages", f"page {number}")

    await side_by_side(PAGES_AT_A_TIME, planned.due, compose)
    return planned


async def exports(
    run: Run, chapter_id: UUID | None, formats: Sequence[str], language: str = "", *, anew: bool = False
) -> None:
    """Build files of a chapter, or of the project."""

    async def build(format: str) -> None:
        call = ExportCall(**base(run), chapter_id=chapter_id, format=format, language=language, anew=anew)
        await _call("build_export", call, type(None), PAGES, "pages", format)

    await side_by_side(EXPORTS_AT_A_TIME, formats, build)


async def finish_generation(ending: Ending) -> None:
    await _call("finish_generation", ending, type(None), IO, "io", ending.status)


async def child(kind: str, argument: Run, name: str, summary: str) -> Outcome:
    """Run a child workflow below the generation, named so that a restart of its parent finds the same child.

    `kind` is the workflow's name: importing its class would load one workflow file into the sandbox of another.
    """
    outcome: Outcome = await workflow.execute_child_workflow(
        kind,
        argument,
        result_type=Outcome,
        id=f"generation-{argument.generation_id}/{name}",
        priority=priority(argument),
        static_summary=summary,
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
    _stop_if_cancelled()
    return outcome


async def redraw(run: Run, order: RedrawOrder) -> Outcome:
    """Make a panel otherwise, in a child of its own: a panel may be redrawn many times."""
    part = PanelRun(**base(run), panel_id=order.panel_id, redraw=order)
    return await child("PanelWorkflow", part, f"panel-{order.panel_id}/redraw-{order.id}", "redraw")


async def together(*parts: Awaitable[ResultT]) -> list[ResultT]:
    """Wait for all parts, also when one fails: none may go on, and pay, behind the back of what has ended."""
    results = await asyncio.gather(*parts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def any_of(*parts: Awaitable[ResultT]) -> list[ResultT]:
    """Wait for all parts and return what came of them; fails only when every one did, or one was cancelled."""
    results = await asyncio.gather(*parts, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if cancelled(failure) or len(failures) == len(parts):
            raise failure
    return [result for result in results if not isinstance(result, BaseException)]


async def side_by_side(
    limit: int, items: Sequence[ItemT], work: Callable[[ItemT], Awaitable[ResultT]]
) -> list[ResultT]:
    """Do `work` for every item, at most `limit` at a time, and return the results in the order of the items."""
    gate = asyncio.Semaphore(limit)

    async def one(item: ItemT) -> ResultT:
        async with gate:
            return await work(item)

    return await together(*(one(item) for item in items))


def reason_of(error: BaseException) -> str:
    """The innermost message of a failed activity or child: what a person can act on."""
    while isinstance(error, ActivityError | ChildWorkflowError) and error.cause is not None:
        error = error.cause
    if isinstance(error, ApplicationError):
        return error.message
    return str(error) or type(error).__name__


def cancelled(error: BaseException) -> bool:
    """Whether the error is a cancellation, whatever it came wrapped in."""
    return isinstance(error, asyncio.CancelledError) or is_cancelled_exception(error)


def base(run: Run) -> dict[str, Any]:
    """What every part of a generation carries on."""
    return {"project_id": run.project_id, "generation_id": run.generation_id, "options": run.options}
