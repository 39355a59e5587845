"""Around every activity: a heartbeat, and the translation of engine errors into Temporal failures.

Nothing else in the project catches an engine error to retry it.
"""

import asyncio
import contextlib
import logging
import random
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.outages import is_full, is_outage
from engine.errors import BudgetTight, CallInFlight, EngineError, ProviderBusy

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
# A defect of ours does not heal: after so many attempts the activity fails and the panel or the run says why.
MAX_ATTEMPTS_ON_DEFECT = 6


class ActivityErrors(Interceptor):
    """Install on every worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        beat = asyncio.create_task(_beat())
        try:
            return await self.next.execute_activity(input)
        except ApplicationError:
            raise
        except EngineError as error:
            raise translate(error, activity.info().attempt) from error
        except Exception as error:
            log.exception("activity %s failed", activity.info().activity_type)
            raise unexpected(error, activity.info().attempt) from None
        finally:
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat


async def _beat() -> None:
    while True:
        # First the pause: most activities are over before it is, and every beat is a call to the server.
        await asyncio.sleep(BEAT_SECONDS)
        activity.heartbeat()


def translate(error: EngineError, attempt: int) -> ApplicationError:
    """An engine error as a Temporal failure: its class as type, its message, and when to try again."""
    expected = isinstance(error, ProviderBusy | CallInFlight | BudgetTight)
    return ApplicationError(
        error.message,
        type=type(error).__name__,
        non_retryable=not error.retryable,
        next_retry_delay=pause(attempt, error.retry_after) if error.retryable else None,
        # Expected and retried: no alarm for it.
        category=ApplicationErrorCategory.BENIGN if expected else ApplicationErrorCategory.UNSPECIFIED,
    )


def unexpected(error: Exception, attempt: int) -> ApplicationError:
    """Anything else: an outage of our own servers is waited for, a defect is given up after a few attempts."""
    outage = is_outage(error)
    # Foreign messages quote what they could not handle: statements, answers, addresses. They stay in the log.
    if is_full(error):
        message = "The database's disk is full; once there is room again, the work goes on by itself."
    elif outage:
        message = "The database cannot be reached."
    elif isinstance(error, SQLAlchemyError):
        message = f"The database refused a statement ({type(getattr(error, 'orig', None) or error).__name__})."
    else:
        message = f"Something unexpected happened ({type(error).__name__}); the worker's log says more."
    return ApplicationError(
        message,
        type="Outage" if outage else type(error).__name__,
        non_retryable=not outage and attempt >= MAX_ATTEMPTS_ON_DEFECT,
        next_retry_delay=pause(attempt, None),
    )


def pause(attempt: int, asked: float | None) -> timedelta:
    """How long to wait: what the provider asked for, or exponential; spread, because the server adds no jitter."""
    seconds = asked if asked is not None else min(20.0, 0.3 * 2 ** min(attempt - 1, 10))
    return timedelta(seconds=min(seconds, 3600.0) * random.uniform(1.0, 1.25))  # noqa: S311  # spreading, not secrecy
