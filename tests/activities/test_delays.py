"""What waits for its next attempt is listed with the reason, and no longer once it went well or ended."""

import dataclasses
import errno
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg.errors import DiskFull
from sqlalchemy import func, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.delays import reason_of
from activities.interceptor import ActivityErrors
from engine import errors
from engine.db.session import Database
from engine.store import delays, events, generations
from models.options import DelayReason, GenerationStatus
from models.runs import TaskCall
from models.tables import Delay, ProviderCall
from tests.conftest import Order, Ordered
from tests.support.calls import ask, costly

pytestmark = pytest.mark.integration

Work = Callable[[], Awaitable[Any]]


DATABASE_FULL = OperationalError("INSERT", {}, DiskFull("no space"))


def full() -> Exception:
    """A file cannot be written because there is no space left."""
    error = errors.StorageError("p1.png could not be written")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.unit
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(errors.ProviderBusy("503"), DelayReason.PROVIDER_DOWN, id="a provider that is down"),
        pytest.param(errors.RateLimited("429"), DelayReason.RATE_LIMITED, id="a provider's limit"),
        pytest.param(errors.AnswerLost("cut"), DelayReason.ANSWER_LOST, id="a lost answer"),
        pytest.param(errors.CallInFlight("busy"), DelayReason.CALL_UNDER_WAY, id="the same call"),
        pytest.param(errors.BudgetTight("tight"), DelayReason.BUDGET_TIGHT, id="what others may still leave"),
        pytest.param(errors.StorageError("read-only"), DelayReason.STORAGE, id="storage"),
        pytest.param(full(), DelayReason.DISK_FULL, id="a full disk"),
        pytest.param(
            OperationalError("INSERT", {}, DiskFull("no space")), DelayReason.DISK_FULL, id="the database's full disk"
        ),
        pytest.param(ConnectionRefusedError("nobody"), DelayReason.DATABASE, id="no database"),
        pytest.param(ZeroDivisionError("division by zero"), DelayReason.DEFECT, id="a defect"),
    ],
)
def test_every_reason_to_wait_has_a_name(error: Exception, reason: DelayReason) -> None:
    """Machines tell a full disk from a provider that is down."""
    assert reason_of(error) == reason


class Inner(ActivityInboundInterceptor):
    def __init__(self, work: Work) -> None:
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await self._work()


async def attempt(database: Database, ordered: Ordered, number: int, error: Exception | None, part: str = "") -> None:
    """One attempt of an activity of the generation, as a worker runs it."""
    environment = ActivityEnvironment()
    workflow = f"generation-{ordered.run.generation_id}/{part}"
    environment.info = dataclasses.replace(environment.info, attempt=number, workflow_id=workflow)
    call = TaskCall(**ordered.run.model_dump(exclude={"chapter_id"}), target_id=ordered.run.chapter_id)

    async def work() -> None:
        if error is not None:
            raise error

    chain = ActivityErrors(database).intercept_activity(Inner(work))
    running = environment.run(chain.execute_activity, ExecuteActivityInput(work, [call], None, {}))
    if error is None:
        await running
    else:
        with pytest.raises(ApplicationError):
            await running


async def listed(database: Database, ordered: Ordered) -> list[delays.Listed]:
    async with database.session() as session:
        return await delays.waiting_of(session, [ordered.run.generation_id])


async def announced(database: Database, ordered: Ordered) -> list[dict[str, Any]]:
    async with database.session() as session:
        told = await events.of_generation(session, ordered.run.generation_id, 0, 100)
    return [event.data for event in told if event.type == "generation.delayed"]


async def test_a_delay_is_listed_from_the_first_failure_to_the_first_success(database: Database, order: Order) -> None:
    """With its reason, the provider's words, since when, and when it is tried again."""
    ordered = await order()
    down = errors.ProviderBusy("ollama answered 500.", detail="model requires more system memory", retry_after=9)
    await attempt(database, ordered, 1, down)
    [first] = await listed(database, ordered)
    await attempt(database, ordered, 2, down)
    [delay] = await listed(database, ordered)
    assert (delay.reason, delay.message, delay.said) == (
        DelayReason.PROVIDER_DOWN,
        "ollama answered 500.",
        "model requires more system memory",
    )
    assert (delay.since, delay.target_id) == (first.since, ordered.run.chapter_id)
    assert delay.next_try is not None
    assert timedelta(seconds=8) < delay.next_try - delay.since
    await attempt(database, ordered, 3, None)
    assert await listed(database, ordered) == []


async def test_a_failure_for_good_is_no_delay(database: Database, order: Order) -> None:
    """Neither at once nor after attempts that were to be repeated."""
    ordered = await order()
    await attempt(database, ordered, 1, errors.ProviderRejected("no such model"))
    assert await listed(database, ordered) == []
    await attempt(database, ordered, 1, errors.ProviderBusy("503"))
    await attempt(database, ordered, 2, errors.ProviderRejected("no such model"))
    assert await listed(database, ordered) == []


async def test_a_reason_is_announced_once_however_many_parts_wait_for_it(database: Database, order: Order) -> None:
    """Short delays are not; all panels at a dead provider are one event, a full disk is another."""
    ordered = await order()
    await attempt(database, ordered, 1, errors.ProviderBusy("503", retry_after=0.1), "panel-0")
    assert await announced(database, ordered) == []
    async with database.session() as session:
        earlier = func.clock_timestamp() - 2 * delays.NEWS
        await session.exec(update(Delay).where(col(Delay.part).contains("panel-0")).values(created_at=earlier))
    for number in range(3):
        await attempt(database, ordered, 2, errors.ProviderBusy("503", detail="no memory"), f"panel-{number}")
    await attempt(database, ordered, 1, errors.ProviderBusy("503", retry_after=60), "panel-9")
    await attempt(database, ordered, 1, full(), "page")
    async with database.session() as session:
        await session.exec(update(Delay).where(col(Delay.part).contains("page")).values(created_at=earlier))
    await attempt(database, ordered, 2, full(), "page")
    told = await announced(database, ordered)
    assert [(one["reason"], one.get("said")) for one in told] == [("provider_down", "no memory"), ("disk_full", None)]


async def test_the_end_of_a_generation_ends_its_delays(database: Database, order: Order) -> None:
    """And an attempt that fails after that begins none."""
    ordered = await order()
    await attempt(database, ordered, 1, errors.ProviderBusy("503"))
    async with database.session() as session:
        run = ordered.run
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
    assert await listed(database, ordered) == []
    await attempt(database, ordered, 2, errors.ProviderBusy("503"))
    assert await listed(database, ordered) == []


async def test_without_a_database_the_activity_fails_as_it_would(order: Order, database: Database) -> None:
    """What cannot be recorded changes nothing about the failure."""
    ordered = await order()
    gone = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    await attempt(gone, ordered, 1, errors.ProviderBusy("503"), uuid4().hex)
    await gone.close()


async def test_a_call_that_hangs_is_listed_with_its_age(database: Database, order: Order) -> None:
    """Longer than usual, and only while it is under way."""
    ordered = await order()
    await ask(database, costly(ordered, "panel", "0"))
    assert await listed(database, ordered) == []
    async with database.session() as session:
        earlier = func.clock_timestamp() - timedelta(seconds=90)
        mine = col(ProviderCall.generation_id) == ordered.run.generation_id
        await session.exec(update(ProviderCall).where(mine).values(submitted_at=earlier))
    [call] = await listed(database, ordered)
    assert (call.reason, call.purpose) == (DelayReason.CALL_UNDER_WAY, "Dialogue")
    assert "offline has been under way for 9" in call.message
    async with database.session() as session:
        await session.exec(update(ProviderCall).where(mine).values(state="unknown"))
    assert await listed(database, ordered) == []
