"""Wraps every activity: sends a heartbeat, translates engine errors into Temporal failures, and sets aside what ends
every worker that tries it.

Nothing else in the project catches an engine error to retry it.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.delays import delayed, over
from activities.outages import is_full, is_outage
from activities.request_ids import asked_by
from engine.db.session import Database
from engine.errors import (
    BudgetExceeded,
    BudgetTight,
    CallInFlight,
    EngineError,
    OutcomeUnknown,
    ProviderBusy,
    SetAside,
    WorkerStopping,
)
from engine.logs import about
from engine.processes.pool import lane

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
# Retrying does not fix a defect in the code: after this many attempts the activity fails, and the panel or the
# generation shows the reason.
MAX_ATTEMPTS_ON_DEFECT = 6


# Attempts that may end with their worker. More than the restarts that one activity sees on a bad day.
MAX_LOST = 5
# An attempt after lost ones waits until its first heartbeat has left, so that it counts however soon its worker ends.
_SENT_SECONDS = 0.2
# The end of a generation is recorded after whatever happened, and reads nothing that people wrote.
_NEVER_SET_ASIDE = frozenset({"finish_generation"})

# The progress of the current activity; everything that it starts shares the same list.
_SHARES: ContextVar[list[float] | None] = ContextVar("shares", default=None)


class ActivityErrors(Interceptor):
    """The interceptor that every worker installs. After `lost` lost attempts, an activity is not tried again; with a
    database it records what waits, and why.
    """

    def __init__(self, database: Database | None = None, lost: int = MAX_LOST) -> None:
        self._database = database
        self._lost = lost

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next, self._database, self._lost)


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, database: Database | None, most_lost: int) -> None:
        super().__init__(next)
        self._database = database
        self._most_lost = most_lost

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        shares: list[float] = []
        _SHARES.set(shares)
        info = activity.info()
        about.set(
            {
                **asked_by(input.headers),
                "workflow_id": info.workflow_id or "",
                "activity": info.activity_type,
                "attempt": str(info.attempt),
            }
        )
        # Child processes are shared fairly between projects.
        lane.set(next((getattr(given, "project_id", None) for given in input.args), None))
        # A killed worker leaves no failure, only its last heartbeat. So each attempt but the first, which most
        # activities need only, begins with a heartbeat that counts it as lost, and takes that back when it fails.
        lost = _lost_before(info)
        counted = lost + 1 if info.attempt > 1 else None
        beat = asyncio.create_task(_beat(shares, counted))
        try:
            if lost >= self._most_lost and info.activity_type not in _NEVER_SET_ASIDE:
                raise SetAside(_set_aside(info, input.args, lost))
            if counted is not None:
                _tell(shares, counted)
                await asyncio.sleep(_SENT_SECONDS if lost else 0)
            result = await self.next.execute_activity(input)
        except ApplicationError:
            raise
        except EngineError as error:
            failure = translate(error, info.attempt)
            await self._note(input, error, failure)
            raise failure from error
        except Exception as error:
            log.exception("activity %s failed", info.activity_type)
            failure = unexpected(error, info.attempt)
            await self._note(input, error, failure)
            raise failure from None
        else:
            if info.attempt > 1 and self._database is not None:
                await over(self._database, input.args)
            return result
        finally:
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat
            if counted is not None:
                # It goes out with the failure.
                _tell(shares, lost)

    async def _note(self, input: ExecuteActivityInput, error: Exception, failure: ApplicationError) -> None:
        """Record the delay until the next attempt; a failure for good ends it."""
        if self._database is None:
            return
        if not failure.non_retryable:
            after = failure.next_retry_delay
            seconds = None if after is None else after.total_seconds()
            await delayed(self._database, input.args, error, failure.message, seconds)
        elif activity.info().attempt > 1:
            await over(self._database, input.args)


async def _beat(shares: Sequence[float], lost: int | None) -> None:
    while True:
        # Sleep first: most activities end before, and each heartbeat is a call to the server.
        await asyncio.sleep(BEAT_SECONDS)
        _tell(shares, lost)


def _tell(shares: Sequence[float], lost: int | None) -> None:
    """Send a heartbeat: the activity's progress, and how many attempts are lost if its worker ends now."""
    activity.heartbeat(*(shares[-1:] if lost is None else [shares[-1] if shares else 0.0, lost]))


def _lost_before(info: activity.Info) -> int:
    """How many attempts ended with their worker, by the last heartbeat that came from one."""
    details = info.heartbeat_details
    return int(details[1]) if info.attempt > 1 and len(details) > 1 else 0


def _set_aside(info: activity.Info, given: Sequence[Any], lost: int) -> str:
    """What was set aside, as people find it."""
    named = ("number", "format", "target_id", "panel_id", "scene_id", "chapter_id", "generation_id")
    found = next(
        (f"{name} {value}" for one in given for name in named if (value := getattr(one, name, None)) is not None), ""
    )
    what = f"{info.activity_type} ({found})" if found else info.activity_type
    return (
        f"{what} is set aside: {lost + 1} times the worker that tried it ended or stopped answering. The workers' logs"
        " and the system's say why; retry the generation to try it again."
    )


def tell(share: float) -> None:
    """Report the activity's progress, from 0 to 1, with its next heartbeat."""
    shares = _SHARES.get()
    if shares is not None:
        shares.append(share)


def translate(error: EngineError, attempt: int) -> ApplicationError:
    """An engine error as a Temporal failure: its class as type, its message, and when to try again."""
    expected = isinstance(error, ProviderBusy | CallInFlight | BudgetTight | WorkerStopping)
    # What the workflow must know: the amount that did not fit the budget, or the calls that a person decides about.
    details = [str(error.needed)] if isinstance(error, BudgetExceeded) else []
    if isinstance(error, OutcomeUnknown):
        details = [str(call) for call in error.lost]
    return ApplicationError(
        error.message,
        *details,
        type=type(error).__name__,
        non_retryable=not error.retryable,
        next_retry_delay=pause(attempt, error.retry_after) if error.retryable else None,
        # Expected and retried, so it raises no alarm.
        category=ApplicationErrorCategory.BENIGN if expected else ApplicationErrorCategory.UNSPECIFIED,
    )


def unexpected(error: Exception, attempt: int) -> ApplicationError:
    """Any other error as a Temporal failure: an outage of our own servers is waited out, a defect fails after a few
    attempts.
    """
    outage = is_outage(error)
    # Messages of libraries quote what they could not handle: statements, answers, addresses. They stay in the log.
    if is_full(error):
        message = "The database's disk is full; once there is space again, the work continues by itself."
    elif outage:
        message = "The database cannot be reached."
    elif isinstance(error, SQLAlchemyError):
        message = f"The database refused a statement ({type(getattr(error, 'orig', None) or error).__name__})."
    else:
        message = f"Something unexpected happened ({type(error).__name__}); see the worker's log."
    return ApplicationError(
        message,
        type="Outage" if outage else type(error).__name__,
        non_retryable=not outage and attempt >= MAX_ATTEMPTS_ON_DEFECT,
        next_retry_delay=pause(attempt, None),
    )


def pause(attempt: int, asked: float | None) -> timedelta:
    """The time until the next attempt: what the provider asked for, or growing exponentially.

    Randomised, because the Temporal server adds no jitter: calls that failed together must not come back together.
    Never less than what the provider asked for.
    """
    if asked is None:
        return timedelta(seconds=min(20.0, 0.3 * 2 ** min(attempt - 1, 10)) * random.uniform(0.5, 1.5))  # noqa: S311  # spreading, not secrecy
    asked = min(asked, 3600.0)
    return timedelta(seconds=asked + random.uniform(0.0, max(1.0, 0.25 * asked)))  # noqa: S311  # as above
