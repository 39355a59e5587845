"""Database outages: what counts as one, and how to wait until it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psycopg.errors import DeadlockDetected, DiskFull
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio import activity

from engine.money.ledger import ANSWER_PATIENCE

AGAIN_SECONDS = 0.5
_AWAY = (OperationalError, InterfaceError, PoolTimeout, ConnectionError)

ResultT = TypeVar("ResultT")


def is_full(error: BaseException) -> bool:
    """Whether the database's disk is full: an outage that only an operator can end."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, DiskFull)


def is_outage(error: BaseException) -> bool:
    """Whether the database is unavailable, instead of refusing a statement. A deadlock is a refusal, not to be waited
    out.
    """
    if isinstance(error, DBAPIError) and isinstance(error.orig, DeadlockDetected):
        return False
    return isinstance(error, _AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)


async def outlast(
    work: Callable[[], Awaitable[ResultT]],
    patience: float,
    *,
    also: tuple[type[Exception], ...] = (),
    away: Callable[[Exception], None] = lambda _: None,
) -> ResultT:
    """Do the work, and repeat it while the database is unavailable or errors in `also` occur; the first one calls
    `away`.

    Only for work that may be done twice: the answer to a commit can be lost as well.
    """
    deadline: float | None = None
    while True:
        try:
            return await work()
        except Exception as error:
            if not is_outage(error) and not isinstance(error, also):
                raise
            if deadline is None:
                deadline = time.monotonic() + patience
                away(error)
            elif time.monotonic() > deadline:
                raise
        await asyncio.sleep(AGAIN_SECONDS)


async def see_through(work: Awaitable[ResultT], patience: float) -> ResultT:
    """Finish what may have been paid for even if the activity is cancelled: first the answer, then the cancellation.

    Waits at most `patience` seconds after the cancellation. A worker that stops has waited before it cancels, so then
    nothing is waited for again.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not _worker_gave_up():
            await asyncio.wait({task}, timeout=patience)
        raise
    finally:
        # Without effect on one that has ended. A second cancellation must not leave it running, either.
        task.cancel()


def _worker_gave_up() -> bool:
    details = activity.cancellation_details() if activity.in_activity() else None
    return details is not None and details.worker_shutdown


async def keep_answer(
    store: Callable[[], Awaitable[ResultT]],
    store_alone: Callable[[], Awaitable[Any]],
    *,
    also: tuple[type[Exception], ...] = (),
    away: Callable[[Exception], None] = lambda _: None,
) -> ResultT:
    """Store an answer that may have been paid for, in one transaction with what follows from it.

    If that fails, `store_alone` stores only the answer. Another attempt then costs nothing. `away` is called when it
    has to wait.
    """
    try:
        return await outlast(store, ANSWER_PATIENCE, also=also, away=away)
    except Exception:
        await outlast(store_alone, ANSWER_PATIENCE, also=also)
        raise
