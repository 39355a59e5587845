"""What Temporal is told when an activity fails: whether it is worth another try, when, and nothing too much."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.interceptor import (
    BEAT_SECONDS,
    MAX_ATTEMPTS_ON_DEFECT,
    ActivityErrors,
    pause,
    tell,
    translate,
    unexpected,
)
from activities.set_aside import MAX_LOST
from engine import errors
from engine.errors import EngineError, ProviderBusy
from workflows.dispatch.table import ACTIVITIES, PAID, Activity, PaidActivity

pytestmark = pytest.mark.unit

RETRIED = {
    errors.EngineError: False,
    errors.BadInput: False,
    errors.NotFound: False,
    errors.Unauthorized: False,
    errors.Forbidden: False,
    errors.TooMany: False,
    errors.Conflict: False,
    errors.ProviderError: False,
    errors.NotConfigured: False,
    errors.StorageNotConfigured: False,
    errors.ProviderRefused: False,
    errors.ProviderRejected: False,
    errors.BadAnswer: False,
    errors.QuotaExhausted: False,
    errors.ProviderDown: False,
    errors.ProviderBusy: True,
    errors.RateLimited: True,
    errors.AnswerLost: True,
    errors.CallInFlight: True,
    errors.WorkerStopping: True,
    errors.Unpriced: False,
    errors.TooHeavy: False,
    errors.SetAside: False,
    errors.OutcomeUnknown: False,
    errors.NotRequested: False,
    errors.Paused: False,
    errors.BudgetTight: True,
    errors.BudgetExceeded: False,
    errors.WebhookFailed: True,
    errors.StorageError: True,
}
EXPECTED = {
    errors.ProviderBusy,
    errors.RateLimited,
    errors.CallInFlight,
    errors.BudgetTight,
    errors.WorkerStopping,
}

SECRET = "It rained on the harbour"
STATEMENT = "UPDATE panels SET caption = %(caption)s"


def refused(kind: type[Any]) -> Exception:
    """A driver's error as SQLAlchemy wraps it, telling all it knows."""
    error: Exception = kind(STATEMENT, {"caption": SECRET}, Exception(f"invalid input near {SECRET!r}"))
    return error


def bad_value() -> Exception:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python(SECRET)
    return caught.value


OUTAGES = {
    "the server went away": refused(OperationalError),
    "the connection is broken": refused(InterfaceError),
    "no connection came free": PoolTimeout(f"QueuePool limit reached for {STATEMENT}"),
    "nobody answers": ConnectionRefusedError(f"111 {STATEMENT}"),
}
DEFECTS = {
    "a statement is wrong": refused(ProgrammingError),
    "a value does not fit": refused(DataError),
    "a plain mistake": ZeroDivisionError("division by zero"),
}


class Inner(ActivityInboundInterceptor):
    """An activity that does what a test says."""

    def __init__(self, work: Callable[[], Awaitable[Any]]) -> None:
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await self._work()


async def perform(
    work: Callable[[], Awaitable[Any]],
    *,
    attempt: int = 1,
    beats: list[Any] | None = None,
    before: Sequence[Any] = (),
    errors: ActivityErrors | None = None,
) -> Any:
    """Run an activity behind the interceptor, as a worker does; `before` is the last heartbeat of earlier attempts."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=attempt, heartbeat_details=before)
    environment.on_heartbeat = lambda *told: beats.append(told) if beats is not None else None
    chain = (errors or ActivityErrors()).intercept_activity(Inner(work))
    return await environment.run(chain.execute_activity, ExecuteActivityInput(work, [], None, {}))


def raising(error: BaseException) -> Callable[[], Awaitable[Any]]:
    async def work() -> None:
        raise error

    return work


async def failed(error: BaseException, *, attempt: int = 1) -> ApplicationError:
    """What becomes of an error on its way out."""
    with pytest.raises(ApplicationError) as caught:
        await perform(raising(error), attempt=attempt)
    return caught.value


def in_history(error: BaseException) -> str:
    """Everything that the server gets to see of an error, except where in our files it happened."""
    failure = Failure()
    pydantic_data_converter.failure_converter.to_failure(error, pydantic_data_converter.payload_converter, failure)
    told = []
    while failure.ByteSize():
        told.append(f"{failure.message} {failure.application_failure_info}")
        failure = failure.cause
    return "\n".join(told)


def tree(kind: type[EngineError]) -> set[type[EngineError]]:
    return {kind}.union(*(tree(one) for one in kind.__subclasses__()))


def test_every_error_of_the_engine_has_a_row() -> None:
    """A new error has to decide whether it is worth another try."""
    own = {kind for kind in tree(EngineError) if kind.__module__ == errors.__name__}
    assert own == set(RETRIED)


@pytest.mark.parametrize("kind", list(RETRIED), ids=lambda kind: kind.__name__)
async def test_an_error_says_itself_whether_it_is_tried_again(kind: type[EngineError]) -> None:
    """Class → type; retried only if the class says so, and then with a pause; expected ones raise no alarm."""
    error = await failed(kind("why"))
    assert (error.message, error.type, error.non_retryable) == ("why", kind.__name__, not RETRIED[kind])
    assert (error.next_retry_delay is not None) == RETRIED[kind]
    assert (error.category == ApplicationErrorCategory.BENIGN) == (kind in EXPECTED)


@pytest.mark.parametrize("asked", [0.0, 0.2, 7.0, 120.0])
def test_a_provider_is_not_asked_before_it_said(asked: float) -> None:
    """Retry-After is a lower bound, spread a little; how often it was tried before does not matter."""
    for attempt in (1, 50):
        delay = translate(ProviderBusy("later", retry_after=asked), attempt).next_retry_delay
        assert delay is not None
        assert asked <= delay.total_seconds() <= asked + max(1.0, asked * 0.25)


@pytest.mark.parametrize("asked", [None, 5.0])
def test_what_failed_together_does_not_come_back_together(asked: float | None) -> None:
    """Eight calls that fail in the same moment are spread over the time that they wait."""
    waits = [pause(5, asked).total_seconds() for _ in range(8)]
    assert max(waits) - min(waits) > 0.2


def test_nobody_waits_for_days() -> None:
    """A provider's fantasy is cut to an hour."""
    assert timedelta(hours=1) <= pause(1, 1e9) <= timedelta(hours=1.25)


@pytest.mark.parametrize(
    ("attempt", "middle"), [(1, 0.3), (2, 0.6), (3, 1.2), (4, 2.4), (7, 19.2), (8, 20.0), (100_000, 20.0)]
)
def test_pauses_grow_and_are_spread(attempt: int, middle: float) -> None:
    """Doubling from 0.3 s to 20 s, each up to a half shorter or longer."""
    pauses = {pause(attempt, None).total_seconds() for _ in range(200)}
    assert min(pauses) >= middle * 0.5
    assert max(pauses) <= middle * 1.5
    assert max(pauses) - min(pauses) > middle * 0.5


@pytest.mark.parametrize("name", list(OUTAGES))
async def test_an_outage_of_ours_is_waited_for(name: str) -> None:
    """However long it lasts: nothing is given up because the database was away for a night."""
    error = await failed(OUTAGES[name], attempt=100_000)
    assert (error.message, error.type, error.non_retryable) == ("The database cannot be reached.", "Outage", False)
    assert error.next_retry_delay is not None


@pytest.mark.parametrize("name", list(DEFECTS))
async def test_a_defect_is_given_up_after_a_few_attempts(name: str) -> None:
    """It may heal, so it is tried again; it will not heal for ever, so the panel fails and says why."""
    last = [(await failed(DEFECTS[name], attempt=attempt)).non_retryable for attempt in range(1, 9)]
    assert last == [attempt >= MAX_ATTEMPTS_ON_DEFECT for attempt in range(1, 9)]


@pytest.mark.parametrize("name", [*OUTAGES, *DEFECTS])
async def test_no_statement_and_no_parameter_reaches_the_history(name: str) -> None:
    """Neither the message nor its causes tell what was being written."""
    told = in_history(await failed((OUTAGES | DEFECTS)[name]))
    assert (SECRET in told, "UPDATE" in told) == (False, False)
    assert type((OUTAGES | DEFECTS)[name]).__name__ in told or "cannot be reached" in told or "refused" in told


async def test_no_refused_value_reaches_the_history() -> None:
    """A stored answer that no longer fits its model is a defect of ours; the answer itself stays here."""
    assert SECRET not in in_history(await failed(bad_value()))


async def test_what_is_none_of_its_business_passes() -> None:
    """Cancellation and failures that are Temporal's already are not touched."""
    own = ApplicationError("mine", type="Mine")
    assert await failed(own) is own
    with pytest.raises(asyncio.CancelledError):
        await perform(raising(asyncio.CancelledError()))


async def test_an_activity_beats_while_it_runs_and_only_then() -> None:
    """Long work is heard of; short work needs no beat; and nothing beats for what has ended, however it ended."""
    beats: list[Any] = []

    def lasting(seconds: float) -> Callable[[], Awaitable[Any]]:
        return lambda: asyncio.sleep(seconds, "done")

    others = asyncio.all_tasks()
    assert await perform(lasting(0), beats=beats) == "done"
    with pytest.raises(ApplicationError):
        await perform(raising(ValueError()), beats=beats)
    assert beats == []
    assert await perform(lasting(BEAT_SECONDS * 1.4), beats=beats) == "done"
    assert beats == [()]
    assert asyncio.all_tasks() == others


async def test_a_beat_says_how_far_the_work_is() -> None:
    """The last that was told, also by a task that the activity started."""
    beats: list[Any] = []

    async def report() -> None:
        tell(0.4)

    async def drawing() -> None:
        tell(0.1)
        await asyncio.create_task(report())
        await asyncio.sleep(BEAT_SECONDS * 1.4)

    await perform(drawing, beats=beats)
    assert beats == [(0.4,)]


async def test_a_loss_is_forgotten_after_an_hour() -> None:
    """Workers that end now and then, with what they have in flight, set nothing aside."""

    async def work() -> str:
        return "done"

    with pytest.raises(ApplicationError) as caught:
        await perform(work, attempt=9, before=[0.0, MAX_LOST, time.time() - 3000])
    assert caught.value.type == "SetAside"
    assert await perform(work, attempt=9, before=[0.0, MAX_LOST, time.time() - 4000]) == "done"


async def test_the_last_attempt_runs_alone_in_its_process() -> None:
    """It waits for those that run, and those that come wait for it; the others run side by side."""
    errors, running, most, order = ActivityErrors(), 0, 0, []
    free = asyncio.Event()

    def named(name: str, until: asyncio.Event | None) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            if name == "last":
                assert running == 1
            order.append(name)
            await (until.wait() if until else asyncio.sleep(0.1))
            running -= 1

        return work

    first = [asyncio.create_task(perform(named("first", free), errors=errors)) for _ in range(2)]
    await asyncio.sleep(0.1)
    lost = [0.0, MAX_LOST - 1, time.time()]
    last = asyncio.create_task(perform(named("last", None), attempt=MAX_LOST + 1, before=lost, errors=errors))
    await asyncio.sleep(0.1)
    later = [asyncio.create_task(perform(named("later", None), errors=errors)) for _ in range(2)]
    await asyncio.sleep(0.1)
    assert (order, most) == (["first", "first"], 2)
    free.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*first, last, *later)
    assert order == ["first", "first", "last", "later", "later"]


@pytest.mark.parametrize("called", [*ACTIVITIES, *PAID], ids=lambda called: called.name)
def test_a_missed_beat_does_not_make_a_worker_dead(called: Activity[Any, Any] | PaidActivity[Any, Any]) -> None:
    """Three beats fit into the time after which the server gives a worker up."""
    assert called.pace.heartbeat.total_seconds() >= 3 * BEAT_SECONDS


def test_a_full_disk_is_told_as_one() -> None:
    """It is waited for like any outage, but nobody would look for it behind "cannot be reached"."""
    error = unexpected(OperationalError("", {}, psycopg.errors.DiskFull()), 1)
    assert (error.type, error.non_retryable, "disk is full" in error.message) == ("Outage", False, True)


def test_a_defect_is_told_by_its_class_alone() -> None:
    """Enough to find it in the log; what a foreign message quotes stays there."""
    error = unexpected(ValueError(SECRET), 1)
    assert (error.type, "ValueError" in error.message, SECRET in error.message) == ("ValueError", True, False)
