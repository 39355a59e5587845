"""How a worker process ends: the first signal lets it finish, a second one ends it at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
import pytest

from engine.settings import Settings
from inkloom import draining
from inkloom.draining import AT_ONCE, drain
from inkloom.local.commands import finish
from inkloom.local.processes import spawn
from inkloom.serve import patience

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
# A worker whose one activity ends when standard input says so.
WORKER = """
import asyncio, logging, sys, uuid
from inkloom.draining import Draining
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")
class Busy:
    async def shutdown(self):
        await asyncio.to_thread(sys.stdin.readline)
async def main():
    draining = Draining([uuid.uuid4()], 600)
    print("serving", flush=True)
    await draining.asked.wait()
    await draining.finish([Busy()])
asyncio.run(main())
"""


@asynccontextmanager
async def busy() -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process with one call under way."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        await said(process, "serving")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def said(process: asyncio.subprocess.Process, part: str) -> str:
    """The next line with this in it."""
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while line := (await process.stdout.readline()).decode():
            if part in line:
                return line
    raise AssertionError(f"it never said {part!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_lets_it_finish_and_says_how_long_that_may_take(number: signal.Signals) -> None:
    async with busy() as worker:
        worker.send_signal(number)
        line = await said(worker, "stopping")
        assert "1 paid calls" in line
        assert "600 s" in line
        assert worker.stdin is not None
        worker.stdin.write(b"\n")
        assert await worker.wait() == 0


async def test_a_second_signal_ends_it_at_once() -> None:
    async with busy() as worker:
        worker.send_signal(signal.SIGTERM)
        await said(worker, "stopping")
        worker.send_signal(signal.SIGTERM)
        assert "1 answers under way are lost" in await said(worker, "at once")
        assert await worker.wait() == AT_ONCE


STUBBORN = """
import signal, time
signal.signal(15, lambda *_: (print('asked', flush=True), signal.signal(15, signal.SIG_DFL)))
print('up', flush=True)
while True: time.sleep(600)
"""


async def test_a_supervisor_waits_until_it_is_in_a_hurry(tmp_path: Path) -> None:
    """`up` and `run`: the second Ctrl-C is the second signal of the worker."""
    log, hurry = tmp_path / "log", asyncio.Event()
    process = spawn([sys.executable, "-c", STUBBORN], env=os.environ, log=log, folder=tmp_path)
    await asyncio.to_thread(until_written, log, "up")
    ending = asyncio.create_task(finish(process, 600, hurry))
    await asyncio.to_thread(until_written, log, "asked")
    assert process.alive()
    hurry.set()
    await asyncio.wait_for(ending, 60)
    assert process.outcome() == "killed by SIGTERM"


def until_written(log: Path, part: str) -> None:
    deadline = time.monotonic() + 60
    while not log.exists() or part not in log.read_text():
        assert time.monotonic() < deadline, f"{log} never said {part!r}"
        time.sleep(0.02)


@contextmanager
def started(folder: Path, *words: str, data: Path, build: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A process that is called like a worker: `python -m inkloom …` with a program of that name that only lives."""
    (folder / "inkloom").mkdir(exist_ok=True)
    (folder / "inkloom" / "__main__.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(600)\n")
    environment = {**os.environ, "INKLOOM_DATA": str(data), "INKLOOM_BUILD": build}
    command = [sys.executable, "-m", "inkloom", *words]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=folder) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            yield process
        finally:
            process.kill()


def test_drain_tells_the_workers_of_the_folder_and_no_one_else(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    told: list[str] = []
    with (
        started(tmp_path, "worker", "--queues", "draw", data=ours) as draw,
        started(tmp_path, "worker", "--queues=flow", data=ours) as flow,
        started(tmp_path, "worker", "--queues", "draw", data=other) as foreign,
        started(tmp_path, "api", data=ours) as api,
    ):
        assert drain(ours, "draw", told.append, 30) == 1
        assert f"worker {draw.pid}" in told[0]
        assert draw.wait() in (0, -signal.SIGTERM)
        assert [process.poll() for process in (flow, foreign, api)] == [None, None, None]
        assert drain(ours, "all", told.append, 30) == 1
        assert f"worker {flow.pid}" in told[1]
        assert flow.wait() in (0, -signal.SIGTERM)
        assert [process.poll() for process in (foreign, api)] == [None, None]


def test_drain_tells_the_workers_of_a_build_and_leaves_those_of_the_next(tmp_path: Path) -> None:
    with (
        started(tmp_path, "worker", data=tmp_path, build="1") as old,
        started(tmp_path, "worker", data=tmp_path, build="2") as new,
        started(tmp_path, "worker", data=tmp_path) as of_none,
    ):
        assert drain(tmp_path, "all", lambda line: None, 30, "1") == 1
        assert old.wait() in (0, -signal.SIGTERM)
        assert [process.poll() for process in (new, of_none)] == [None, None]


def test_patience_is_as_long_as_the_providers_timeout_unless_it_is_set() -> None:
    given = Settings(llm_timeout=100, image_timeout=200)
    assert [patience(given, queues) - 20 for queues in ("flow", "draw", "all")] == [100, 200, 200]
    given = Settings(llm_timeout=100, image_timeout=200, answer_patience=5)
    assert [patience(given, queues) - 20 for queues in ("flow", "draw", "all")] == [5, 5, 5]


def test_a_worker_that_has_just_ended_does_not_keep_drain_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(tmp_path, "worker", data=tmp_path) as one, started(tmp_path, "worker", data=tmp_path) as other:
        found = [psutil.Process(one.pid), psutil.Process(other.pid)]
        one.kill()
        one.wait()
        monkeypatch.setattr(draining, "_workers", lambda data, queues, build: iter(found))
        assert drain(tmp_path, "all", lambda line: None, 30) == 2
        assert other.wait() in (0, -signal.SIGTERM)
