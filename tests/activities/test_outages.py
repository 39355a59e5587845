"""What is sat out, and for how long."""

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from activities.outages import is_outage, outlast
from engine.errors import BadInput, StorageError

pytestmark = pytest.mark.unit

GONE = OperationalError("SELECT 1", {}, psycopg.OperationalError("server closed the connection"))


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        pytest.param(GONE, True, id="connection-lost"),
        pytest.param(InterfaceError("", {}, psycopg.InterfaceError("closed")), True, id="connection-closed"),
        pytest.param(PoolTimeout(), True, id="no-connection-free"),
        pytest.param(ConnectionRefusedError(), True, id="nobody-listens"),
        pytest.param(IntegrityError("", {}, psycopg.errors.UniqueViolation()), False, id="a-no-is-an-answer"),
        pytest.param(OperationalError("", {}, psycopg.errors.DeadlockDetected()), False, id="a-deadlock"),
        pytest.param(OperationalError("", {}, psycopg.errors.DiskFull()), True, id="the-disk-is-full"),
        pytest.param(BadInput("wrong"), False, id="bad-input"),
        pytest.param(StorageError("full"), False, id="storage"),
    ],
)
def test_what_counts_as_an_outage(error: Exception, outage: bool) -> None:
    assert is_outage(error) is outage


class Work:
    """Fails with the given errors, one after the other, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_an_outage_is_outlasted_and_told_once() -> None:
    work, told = Work(GONE, GONE), list[str]()
    assert await outlast(work, 10, away=lambda _: told.append("away")) == "done"
    assert work.tries == 3
    assert told == ["away"]


async def test_patience_ends() -> None:
    work = Work(*[GONE] * 1000)
    with pytest.raises(OperationalError):
        await outlast(work, 0.01)
    assert work.tries > 1


async def test_a_no_is_passed_on_at_once() -> None:
    work = Work(BadInput("wrong"))
    with pytest.raises(BadInput):
        await outlast(work, 10)
    assert work.tries == 1


async def test_the_storage_is_outlasted_where_asked() -> None:
    """A picture that was paid for waits for the disk; a user's full disk is told at once."""
    assert await outlast(Work(StorageError("full")), 10, also=(StorageError,)) == "done"
    with pytest.raises(StorageError):
        await outlast(Work(StorageError("full")), 10)
