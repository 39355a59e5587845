"""Records why an activity has to wait for its next attempt, and that it waits no longer."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity

from activities.outages import is_full, is_outage
from activities.provider_slots import holder
from engine.db.session import Database
from engine.errors import (
    AnswerLost,
    BudgetTight,
    CallInFlight,
    EngineError,
    ProviderBusy,
    ProviderError,
    RateLimited,
    StorageError,
)
from engine.store import delays
from models.options import DelayReason
from models.runs import Run

log = logging.getLogger(__name__)

# Seconds to spend on it: what waits must not wait for that.
PATIENCE = 5.0
_FULL = {errno.ENOSPC, errno.EDQUOT}


async def delayed(
    database: Database, arguments: Sequence[Any], error: BaseException, message: str, next_try: float | None
) -> None:
    """Record that this activity failed with `error` and is tried again in `next_try` seconds."""
    run = _run_of(arguments)
    if run is None:
        return
    waiting = delays.Waiting(
        project_id=run.project_id,
        generation_id=run.generation_id,
        part=holder(),
        target_id=getattr(run, "target_id", None) or getattr(run, "chapter_id", None) or run.generation_id,
        purpose=activity.info().activity_type,
        reason=reason_of(error),
        message=message,
        said=error.detail if isinstance(error, ProviderError) else "",
        next_try=next_try,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            async with database.session() as session:
                news = await delays.record(session, waiting)
            if news:
                async with database.session() as session:
                    await delays.announce(session, waiting)
    except Exception as unrecorded:  # noqa: BLE001  # above all when the database is what the activity waits for
        log.warning("a delay could not be recorded: %s", type(unrecorded).__name__)


async def over(database: Database, arguments: Sequence[Any]) -> None:
    """Record that this activity waits no longer. If that fails, the end of the generation does it."""
    if _run_of(arguments) is None:
        return
    try:
        async with asyncio.timeout(PATIENCE), database.session() as session:
            await delays.clear(session, holder())
    except Exception as unrecorded:  # noqa: BLE001  # as above
        log.warning("the end of a delay could not be recorded: %s", type(unrecorded).__name__)


@asynccontextmanager
async def waiting_aloud(database: Database, run: Run) -> AsyncIterator[Callable[[Exception], None]]:
    """For what waits within an attempt: what the block is given records the delay, which ends with the block."""
    recording: list[asyncio.Task[None]] = []

    def away(error: Exception) -> None:
        message = error.message if isinstance(error, EngineError) else "The database cannot be reached."
        recording.append(asyncio.create_task(delayed(database, [run], error, message, None)))

    try:
        yield away
    finally:
        if recording:
            await asyncio.gather(*recording)
            await over(database, [run])


def reason_of(error: BaseException) -> DelayReason:
    """Why an activity that failed with this error has to wait."""
    cause = error.__cause__
    if is_full(error) or (isinstance(cause, OSError) and cause.errno in _FULL):
        return DelayReason.DISK_FULL
    if is_outage(error):
        return DelayReason.DATABASE
    kinds = {
        RateLimited: DelayReason.RATE_LIMITED,
        ProviderBusy: DelayReason.PROVIDER_DOWN,
        AnswerLost: DelayReason.ANSWER_LOST,
        CallInFlight: DelayReason.CALL_UNDER_WAY,
        BudgetTight: DelayReason.BUDGET_TIGHT,
        StorageError: DelayReason.STORAGE,
    }
    return next((reason for kind, reason in kinds.items() if isinstance(error, kind)), DelayReason.DEFECT)


def _run_of(arguments: Sequence[Any]) -> Run | None:
    return next((one for one in arguments if isinstance(one, Run)), None)
