"""What takes much CPU runs in child processes: bounded in time and memory, fair, and stopped when nobody waits."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import BadInput, TooHeavy
from engine.pictures.workshop import room_for_pictures
from engine.processes import pool
from engine.processes.memory import PROCESSES, machine_megabytes, room
from engine.processes.pool import ChildLost, Processes
from tests.support import heavy

pytestmark = pytest.mark.unit


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes(2, megabytes=1_000)
    yield made
    made.close()


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def test_a_child_stays_for_the_next(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is another process, without our keys, and what it prints is no answer."""
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    first = await processes.run(heavy.pid, seconds=5, doing="x")
    assert first != os.getpid()
    assert await processes.run(heavy.pid, seconds=5, doing="x") == first
    assert "hunter2" not in str(await processes.run(heavy.environment, seconds=5, doing="x"))
    assert await processes.run(heavy.echo, "ü" * 100_000, seconds=5, doing="x") == "ü" * 100_000
    processes.close()
    assert not alive(first)


async def test_limits_are_said_and_the_next_is_served(processes: Processes) -> None:
    for function, *arguments in ((heavy.spin,), (heavy.allocate, 10_000)):
        with pytest.raises(TooHeavy, match="This text takes more than 1 seconds of work, or too much memory: "):
            await processes.run(function, *arguments, seconds=1, doing="This text")
        assert await processes.run(heavy.allocate, 1, seconds=5, doing="x") == 1 << 20


async def test_errors_come_back(processes: Processes) -> None:
    """An error that explains itself ends the work; a process that somebody killed may be tried again."""
    with pytest.raises(BadInput, match="not like this"):
        await processes.run(heavy.refuse, seconds=5, doing="x")
    with pytest.raises(ZeroDivisionError):
        await processes.run(heavy.fail, seconds=5, doing="x")
    with pytest.raises(ChildLost, match="exit code -9"):
        await processes.run(heavy.end, seconds=5, doing="x")


async def test_a_child_that_ended_while_it_was_idle_is_replaced(processes: Processes) -> None:
    first = await processes.run(heavy.pid, seconds=5, doing="x")
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(os.waitid, os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert await processes.run(heavy.pid, seconds=5, doing="x") != first


async def test_what_nobody_waits_for_is_stopped(processes: Processes, tmp_path: Path) -> None:
    task = asyncio.create_task(processes.run(heavy.wait_for, str(tmp_path / "never"), seconds=60, doing="x"))
    pid = int((await started(tmp_path, 1))[0].suffix[1:])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pid)


async def test_a_process_that_read_something_from_outside_reads_nothing_else() -> None:
    processes = Processes(1, megabytes=1_000, once=True)
    first, second = [await processes.run(heavy.pid, seconds=5, doing="x") for _ in range(2)]
    assert first != second
    assert not alive(first)
    with pytest.raises(ChildLost):
        await processes.run(heavy.fail, seconds=5, doing="x")


async def test_whoever_gives_much_to_do_waits_for_themselves(processes: Processes, tmp_path: Path) -> None:
    """Of ten of one project two run; the first of another one runs at once, and its second before the other eight."""
    many = [asyncio.create_task(_of("many", processes, tmp_path / "many", n)) for n in range(10)]
    await started(tmp_path, 2)
    few = [asyncio.create_task(_of("few", processes, tmp_path / "few", n)) for n in range(2)]
    await started(tmp_path, 3)
    assert sorted(path.name.split("-")[0] for path in await started(tmp_path, 3)) == ["few", "many", "many"]
    (tmp_path / "few-0").touch()
    await few[0]
    (tmp_path / "few-1").touch()
    await few[1]
    assert not any(task.done() for task in many)
    for number in range(10):
        (tmp_path / f"many-{number}").touch()
    await asyncio.gather(*many)


async def test_a_place_that_nobody_waits_for_any_more_is_free(processes: Processes, tmp_path: Path) -> None:
    tasks = [asyncio.create_task(_of("one", processes, tmp_path / "one", number)) for number in range(4)]
    await started(tmp_path, 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(30):
        assert await processes.run(heavy.echo, "on", seconds=5, doing="x") == "on"


async def _of(project: str, processes: Processes, path: Path, number: int) -> str:
    pool.lane.set(project)
    return await processes.run(heavy.wait_for, f"{path}-{number}", seconds=60, doing="x")


@pytest.mark.parametrize("cores", [1, 2, 4, 8, 64])
@pytest.mark.parametrize("gigabytes", [1, 2, 4, 8, 16, 24, 64, 512])
def test_all_children_together_fit_into_the_machine(gigabytes: int, cores: int) -> None:
    """Those of the API and both workers, and the pictures that are opened; none gets more than it can need."""
    machine = gigabytes << 10
    each, pictures = room(machine, cores), room_for_pictures(machine, 40_000_000)
    assert PROCESSES * each.children * each.megabytes <= 0.6 * machine
    assert 1 <= each.children <= 2 * cores
    assert each.megabytes <= 3_000
    assert each.megabytes >= 1_000 or each.children == 1
    assert pictures.children == 1 or pictures.children * pictures.megabytes <= 0.15 * machine


async def test_the_shared_children_keep_to_it() -> None:
    """As many as fit run at a time, each with its part of the memory."""
    fits = room(machine_megabytes(), os.cpu_count() or 1)
    processes = pool.shared.__wrapped__()
    try:
        with pytest.raises(TooHeavy, match="too much memory"):
            await processes.run(heavy.allocate, fits.megabytes, seconds=20, doing="x")
        assert await processes.run(heavy.allocate, fits.megabytes // 2, seconds=20, doing="x")
        assert processes._most == fits.children
    finally:
        processes.close()


async def started(folder: Path, many: int) -> list[Path]:
    """The marks of those that have begun, as soon as there are so many."""
    deadline = time.monotonic() + 60
    while len(found := _marks(folder)) < many:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
    return found


def _marks(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix]
