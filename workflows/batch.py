"""A batch: items as generations of their own, so many at a time, until all are over.

The rows know everything. This workflow looks at them, starts the generations of claimed items, and looks again when one
ends, when something changes, or after a while. Its children go on without it, and it begins with an empty history as
often as the server suggests, so a batch of thousands of items costs it no more than one of ten.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.common import VersioningBehavior, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from models.batches import BatchRun, BatchStep
from models.ids import generation_workflow_id
from models.runs import GenerationStart
from workflows.dispatch.execute import execute, priority
from workflows.dispatch.introduction import introduction
from workflows.dispatch.kinds import workflow_of
from workflows.dispatch.queues import WORKFLOWS
from workflows.dispatch.table import ADVANCE_BATCH, CANCEL_BATCH
from workflows.dispatch.waiting import Wakeable

# How often to look while items run that this run of the workflow has not started: it does not hear when they end.
FOREIGN = timedelta(seconds=5)
# How often to look while items run: one may have begun to wait for a person.
LOOK = timedelta(seconds=10)
# How often to look while none runs: a signal may get lost, and a clock may be set.
QUIET = timedelta(minutes=1)
# The same while the time of the next item is known.
IDLE = timedelta(minutes=10)


@workflow.defn(versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class BatchWorkflow(Wakeable):
    """Outlasts releases: after each it goes on with the current build, and so do the generations that it starts."""

    def __init__(self) -> None:
        super().__init__()
        # Generations started by this run of the workflow, and those of them that have ended.
        self._started: set[UUID] = set()
        self._running: set[UUID] = set()

    @workflow.run
    async def run(self, run: BatchRun) -> None:
        while True:
            seen = self.woken
            try:
                step = await execute(ADVANCE_BATCH, run)
                workflow.set_current_details(step.details)
                await asyncio.gather(*(self._start(start) for start in step.starts))
                for generation_id in step.cancels:
                    await self._cancel(generation_id)
                if step.ended:
                    return
                if workflow.info().is_continue_as_new_suggested():
                    workflow.continue_as_new(run)
                await self._wait(seen, step)
            except asyncio.CancelledError:
                # Cancelled in Temporal: that means the batch, whose items must not be left running.
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
                await execute(CANCEL_BATCH, run)

    async def _start(self, start: GenerationStart) -> None:
        """Start a generation that outlives this workflow. Already started, or finished, counts as success."""
        if start.generation_id in self._started:
            return
        self._started.add(start.generation_id)
        (name, argument), shown = workflow_of(start), introduction(start)
        try:
            child = await workflow.start_child_workflow(
                name,
                argument,
                id=generation_workflow_id(start.generation_id),
                task_queue=WORKFLOWS,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                priority=priority(argument),
                search_attributes=shown.attributes,
                static_summary=shown.summary,
                static_details=shown.details,
            )
        except WorkflowAlreadyStartedError:
            return
        self._running.add(start.generation_id)
        child.add_done_callback(lambda ended: self._ended(start.generation_id, ended))

    def _ended(self, generation_id: UUID, ended: "asyncio.Future[object]") -> None:
        # How it ended is in its row; here it must be asked for, or Python warns of an error that was not looked at.
        if not ended.cancelled():
            ended.exception()
        self._running.discard(generation_id)
        self.woken += 1

    async def _cancel(self, generation_id: UUID) -> None:
        try:
            await workflow.get_external_workflow_handle(generation_workflow_id(generation_id)).cancel()
        except FailureError:
            # It has ended, or never began: its row says so.
            return

    async def _wait(self, seen: int, step: BatchStep) -> None:
        """Wait until there may be something to do."""
        if step.running > len(self._running):
            patience = FOREIGN
        elif step.running:
            patience = LOOK
        else:
            patience = QUIET if step.next_look is None else IDLE
        if step.next_look is not None:
            patience = min(patience, max(step.next_look - workflow.now(), timedelta(seconds=1)))
        try:
            await workflow.wait_condition(lambda: self.woken > seen, timeout=patience, timeout_summary="look again")
        except TimeoutError:
            return
