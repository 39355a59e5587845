"""Finds workflows of a generation that cannot go on by themselves, and ends them if the generation is cancelled.

A workflow whose code was changed under it fails to replay: its task fails again and again, and Temporal tries for ever.
A cancellation would have to be carried out by the same code. Work for which no worker runs waits just as quietly.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, VersioningBehavior, WorkflowTaskFailedCause
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from engine.storable import plain
from engine.store import delays, events, generations
from models.ids import generation_workflow_id
from models.options import HELD_STATUSES, DelayReason, GenerationStatus
from models.tables import Generation
from workflows.live_workers import live_workers
from workflows.queue_lag import lag_of

log = logging.getLogger(__name__)

# A workflow task that failed so often in a row does not fail for a reason that passes; one that did not replay never
# passes.
FAILED_TASKS = 3
_NO_REPLAY = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
# Enough of the end of a history to find the last task that went well.
_EVENTS = 30
# Only a generation in which nothing has happened for so long is searched, workflow by workflow.
QUIET = timedelta(seconds=20)
# One in which parts wait for a person, which may take days, is searched for this long at most.
SETTLED = timedelta(minutes=10)
# The most workflows of a generation to look at in one round; the next round looks again.
MOST = 100
# Seconds that a cancelled workflow which cannot replay gets before it is terminated.
CANCEL_PATIENCE = 10.0
_REASONS = (DelayReason.REPLAY, DelayReason.NO_WORKER)


@dataclass
class _Found:
    """What was found in a generation: workflows whose tasks fail, each with its failure, queues with work, and builds
    that have to do the next task of a workflow.
    """

    failing: dict[str, str] = field(default_factory=dict)
    queues: set[str] = field(default_factory=set)
    builds: set[str] = field(default_factory=set)


async def look_for_stuck(
    database: Database, client: Client, generation: Generation, described: WorkflowExecutionDescription
) -> bool:
    """Record what keeps a running generation from going on; True if it was cancelled and had to be terminated."""
    root: DescribeWorkflowExecutionResponse = described.raw_description
    found = await _search(database, client, generation, root)
    waits = [_replay(generation, workflow, failure) for workflow, failure in found.failing.items()]
    waits += [
        _no_worker(generation, queue) for queue in sorted(found.queues) if not (await lag_of(client, queue)).served
    ]
    if found.builds:
        # Empty where the server lists no workers: this process is one.
        alive = {worker.build for worker in await live_workers(client)}
        waits += [_no_build(generation, build) for build in sorted(found.builds - alive) if alive]
    async with database.session() as session:
        await delays.clear_others(session, generation.id, _REASONS, [one.part for one in waits])
        news = [one for one in waits if await delays.record(session, one)]
        stuck = await delays.seconds_of(session, generation.id, DelayReason.REPLAY) if found.failing else None
    for one in news:
        async with database.session() as session:
            await delays.announce(session, one)
    if stuck is None or stuck < CANCEL_PATIENCE or not root.workflow_extended_info.cancel_requested:
        return False
    await terminate(database, client, generation, "cancelled, and unable to replay")
    return True


async def _search(
    database: Database, client: Client, generation: Generation, root: DescribeWorkflowExecutionResponse
) -> _Found:
    found = _Found()
    await _add(client, found, root)
    if found.failing:
        return found
    async with database.session() as session:
        last = await events.last_time(session, generation.id)
    if last is None or not searched(generation.status, datetime.now(UTC) - last):
        return found
    below, looked = [*_children(root)], 1
    while below and looked < MOST:
        workflow, run = below.pop()
        looked += 1
        try:
            child = (await client.get_workflow_handle(workflow, run_id=run).describe()).raw_description
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            continue
        await _add(client, found, child)
        below += _children(child)
    return found


def searched(status: GenerationStatus, quiet: timedelta) -> bool:
    """Whether to look below the root of a generation in which nothing has happened for so long.

    Parts may wait for a worker beside those that wait for a person, and are found while the wait is young.
    """
    return quiet >= QUIET and (status not in HELD_STATUSES.values() or quiet < SETTLED)


def _children(described: DescribeWorkflowExecutionResponse) -> Iterator[tuple[str, str]]:
    return ((child.workflow_id, child.run_id) for child in described.pending_children)


async def _add(client: Client, found: _Found, described: DescribeWorkflowExecutionResponse) -> None:
    execution = described.workflow_execution_info.execution
    if described.HasField("pending_workflow_task"):
        tries, failure, final = await _failed_tasks(client, execution)
        if final or tries + described.pending_workflow_task.attempt > FAILED_TASKS:
            found.failing[execution.workflow_id] = failure
        elif build := _pinned_to(described):
            found.builds.add(build)
    for activity in described.pending_activities:
        if not activity.HasField("last_started_time") and activity.activity_options.task_queue.name:
            found.queues.add(activity.activity_options.task_queue.name)


async def _failed_tasks(client: Client, execution: WorkflowExecution) -> tuple[int, str, bool]:
    """How many tasks have failed since the last that went well, how the last one failed, and whether it always will.

    The number of attempts alone does not say so: a signal, like those of the sweeper, begins it at 1 again.
    """
    answer = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace, execution=execution, maximum_page_size=_EVENTS
        )
    )
    failed, message, final = 0, "", False
    for event in answer.history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            break
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            failed += 1
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failed += 1
            about = event.workflow_task_failed_event_attributes
            message = message or about.failure.message
            final = final or about.cause == _NO_REPLAY
    return failed, message, final


def _replay(generation: Generation, workflow: str, failure: str) -> delays.Waiting:
    return delays.Waiting(
        project_id=generation.project_id,
        generation_id=generation.id,
        part=workflow,
        target_id=_target(generation, workflow),
        purpose="workflow",
        reason=DelayReason.REPLAY,
        message=(
            f"The workflow {workflow} cannot go on: this version's code fails or does not fit what it has done so far."
            " Run the version that began it; or cancel the generation and request it again: what is finished is not"
            " paid for again."
        ),
        said=plain(failure)[:500],
    )


def _no_worker(generation: Generation, queue: str) -> delays.Waiting:
    return delays.Waiting(
        project_id=generation.project_id,
        generation_id=generation.id,
        part=f"{generation_workflow_id(generation.id)}#{queue}",
        target_id=_target(generation, ""),
        purpose=queue[:64],
        reason=DelayReason.NO_WORKER,
        message=f"No worker serves the queue {queue}. Start one that has this provider, or look why it does not run.",
    )


def _pinned_to(described: DescribeWorkflowExecutionResponse) -> str:
    """The build that alone may do the workflow's next task; empty if any may."""
    versioning = described.workflow_execution_info.versioning_info
    pinned = versioning.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_PINNED
    return versioning.deployment_version.build_id if pinned and not versioning.versioning_override.auto_upgrade else ""


def _no_build(generation: Generation, build: str) -> delays.Waiting:
    return delays.Waiting(
        project_id=generation.project_id,
        generation_id=generation.id,
        part=f"{generation_workflow_id(generation.id)}#build {build}",
        target_id=_target(generation, ""),
        purpose=f"build {build}"[:64],
        reason=DelayReason.NO_WORKER,
        message=(
            f"No worker of build {build} runs, which began this. Start one, or let it go on with the current build:"
            f" `python -m inkloom deploy --retire {build} --at-once`."
        ),
    )


def _target(generation: Generation, workflow: str) -> UUID:
    """The part that a child workflow works on, from its id; the chapter otherwise."""
    with contextlib.suppress(ValueError):
        if "/" in workflow:
            return UUID(workflow[-36:])
    return generation.chapter_id or generation.id


async def terminate(database: Database, client: Client, generation: Generation, reason: str) -> None:
    """End a cancelled generation whose workflow does not do so itself. Its children end with it."""
    log.warning("generation %s is terminated: %s", generation.id, reason)
    try:
        await client.get_workflow_handle(generation_workflow_id(generation.id)).terminate(reason=reason)
    except RPCError as error:
        # It has ended meanwhile, or Temporal has lost it.
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
    async with database.session() as session:
        await generations.end(session, generation.project_id, generation.id, GenerationStatus.CANCELLED)
