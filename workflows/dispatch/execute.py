"""How a workflow calls an activity or a child workflow: the only place that speaks to Temporal's `execute_…`."""

import asyncio
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import Priority

from models.batches import BatchRun
from models.ids import generation_workflow_id
from models.runs import Outcome, Run, WebhookDelivery
from models.sweeps import Sweep
from workflows.dispatch.attributes import details, headline, of_parent
from workflows.dispatch.queues import RETRY, Pace
from workflows.dispatch.table import Activity, Child, PaidActivity

# The part of its input that every workflow and activity has: the project and generation that it works for.
RunT = TypeVar("RunT", bound=Run | WebhookDelivery | BatchRun | Sweep)
ChildT = TypeVar("ChildT", bound=Run)
ResultT = TypeVar("ResultT")


def priority(run: Run | WebhookDelivery | BatchRun | Sweep) -> Priority:
    """Interactive work goes first, and no project, or account with its batches, starves another on the same queue.
    Sweeps go with the first.
    """
    if isinstance(run, Sweep):
        return Priority(priority_key=1, fairness_key="sweeps")
    fairness = str(run.owner_id if isinstance(run, BatchRun) else run.project_id)
    return Priority(priority_key=run.options.priority if isinstance(run, Run) else None, fairness_key=fairness)


async def execute(activity: Activity[RunT, ResultT], argument: RunT, summary: str = "") -> ResultT:
    """Run an activity until it succeeds or raises an error that is not retried."""
    return await _execute(
        activity.name, argument, activity.result, activity.queue, activity.pace, summary or activity.summary
    )


async def execute_by(provider: str, activity: PaidActivity[RunT, ResultT], argument: RunT, summary: str) -> ResultT:
    """Run an activity that costs money on the queue of a provider."""
    return await _execute(activity.name, argument, activity.result, activity.queue_of(provider), activity.pace, summary)


async def _execute(
    name: str,
    argument: Run | WebhookDelivery | BatchRun | Sweep,
    result: type[ResultT],
    queue: str,
    pace: Pace,
    summary: str,
) -> ResultT:
    answer: ResultT = await workflow.execute_activity(
        name,
        argument,
        result_type=result,
        task_queue=queue,
        start_to_close_timeout=pace.attempt,
        schedule_to_close_timeout=pace.total,
        heartbeat_timeout=pace.heartbeat,
        retry_policy=RETRY,
        priority=priority(argument),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
    _stop_if_cancelled()
    return answer


async def execute_child(child: Child[ChildT], argument: ChildT, name: str, summary: str) -> Outcome:
    """Run a child workflow of the generation, named so that a restarted parent finds the same child."""
    outcome: Outcome = await workflow.execute_child_workflow(
        child.name,
        argument,
        result_type=Outcome,
        id=f"{generation_workflow_id(argument.generation_id)}/{name}",
        priority=priority(argument),
        search_attributes=of_parent(),
        static_summary=headline(summary),
        static_details=details(argument),
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    )
    _stop_if_cancelled()
    return outcome


def _stop_if_cancelled() -> None:
    """Raise the cancellation that a part hides by finishing normally: Temporal waits for it, and its result arrives
    as if nothing had happened. Without this the workflow would continue, and pay.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def base(run: Run) -> dict[str, Any]:
    """The input that every part of a generation passes on."""
    return {"project_id": run.project_id, "generation_id": run.generation_id, "options": run.options}
