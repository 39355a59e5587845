"""The start and end of every generation, whichever workflow runs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from models.options import GenerationStatus
from models.runs import Ending, Run
from workflows.dispatch.attributes import STATUS
from workflows.dispatch.concurrency import cancelled, kind_of, reason_of
from workflows.dispatch.execute import base, execute
from workflows.dispatch.table import BEGIN_GENERATION, FINISH_GENERATION


@dataclass
class Count:
    """How many parts failed for good."""

    failed: int = 0


@asynccontextmanager
async def generation(run: Run, *, own: bool, begin: bool = True) -> AsyncIterator[Count]:
    """Move the generation from requested to its final status around the work.

    `own` is false for a workflow that is part of a generation: its parent does all this. Without `begin`, the first
    activity of the work sets it to running, which saves one before the first call.
    """
    count = Count()
    if not own:
        yield count
        return
    workflow.upsert_search_attributes([STATUS.value_set(GenerationStatus.RUNNING)])
    try:
        if begin:
            await execute(BEGIN_GENERATION, run)
        yield count
    # Not BaseException: the SDK ends evicted workflows with one of its own, which must pass.
    except (Exception, asyncio.CancelledError) as error:
        if cancelled(error):
            await _end(run, GenerationStatus.CANCELLED)
            raise
        reason = reason_of(error)
        await _end(run, GenerationStatus.FAILED, reason, kind_of(error))
        # The row has all details; the workflow fails, too, so that the Temporal UI shows it in red.
        raise ApplicationError(reason, type="GenerationFailed", non_retryable=True) from error
    await _end(run, GenerationStatus.COMPLETED_WITH_FAILURES if count.failed else GenerationStatus.COMPLETED)


async def _end(run: Run, status: GenerationStatus, error: str = "", kind: str = "") -> None:
    ending = Ending(**base(run), status=status, error=error, error_kind=kind)
    # Shielded: a cancelled workflow still has to clean up.
    await asyncio.shield(execute(FINISH_GENERATION, ending))
    workflow.upsert_search_attributes([STATUS.value_set(status)])
    workflow.set_current_details(error or status)
