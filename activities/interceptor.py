"""Wraps every activity: sends a heartbeat, translates engine errors into Temporal failures, and sets aside what ends
every worker that tries it.

Nothing else in the project catches an engine error to retry it.
"""

import asyncio
import contextlib
import logging
import random
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
from activities.set_aside import MAX_LOST, Attempt, Company
from engine.db.session import Database
from engine.errors import (
    BudgetExceeded,
    BudgetTight,
    CallInFlight,
    EngineError,
    OutcomeUnknown,
    ProviderBusy,
    WorkerStopping,
)
from engine.logs import about
from engine.processes.pool import lane

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
# Retrying does not fix a defect in the code: after this many attempts the activity fails, and the panel or the
# generation shows the reason.
MAX_ATTEMPTS_ON_DEFECT = 6

# The progress of the current activity; everything that it starts shares the same list.
_SHARES: ContextVar[list[float] | None] = ContextVar("shares", default=None)


class ActivityErrors(Interceptor):
    """The interceptor that every worker installs. After `lost` lost attempts, an activity is not tried again; with a
    database it records what waits, and why.
    """

    def __init__(self, database: Database | None = None, lost: int = MAX_LOST) -> None:
        self._database = database
        self._lost = lost
        self._company = Company()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next, self._database, self._lost, self._company)


class _Inbound(ActivityInboundInterceptor):
    def __init__(
        self, next: ActivityInboundInterceptor, database: Database | None, most_lost: int, company: Company
    ) -> None:
        super().__init__(next)
        self._database = database
        self._most_lost = most_lost
        self._company = company

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        attempt = Attempt(info, self._most_lost)
        _SHARES.set(attempt.shares)
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
        beat = asyncio.create_task(_beat(attempt))
        try:
            attempt.require_allowed(input.args)
            async with self._company.join(alone=attempt.is_last):
                await attempt.begin()
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
            attempt.end()

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


async def _beat(attempt: Attempt) -> None:
    while True:
        # Sleep first: most activities end before, and each heartbeat is a call to the server.
        await asyncio.sleep(BEAT_SECONDS)
        attempt.tell()


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
