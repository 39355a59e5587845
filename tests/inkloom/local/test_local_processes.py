import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inkloom.local.logs import KEPT, tail, trim, turn
from inkloom.local.ports import is_free, next_free
from inkloom.local.processes import Identity, Process, birth, identify, myself, running_with, spawn
from inkloom.local.signals import cancelled_by_signals
from inkloom.local.state import Child, FolderLock, StateFile
from inkloom.local.temporal_binary import look_at, server_version

pytestmark = pytest.mark.unit


def child(tmp_path: Path, code: str) -> Process:
    return spawn([sys.executable, "-c", code], env=os.environ, log=tmp_path / "log", folder=tmp_path)


def test_a_pid_alone_is_nobody() -> None:
    assert myself().alive()
    assert not Identity(pid=os.getpid(), started="another boot:1").alive()


async def test_a_stranger_with_our_pid_is_never_signalled() -> None:
    stranger = Process(Identity(pid=os.getpid(), started="earlier"))
    await stranger.end((signal.SIGTERM, 1))
    assert not stranger.alive()


async def test_end_asks_before_it_kills(tmp_path: Path) -> None:
    polite = child(
        tmp_path,
        "import signal, sys; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); signal.pause()",
    )
    stubborn = child(
        tmp_path, "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    )
    await until(lambda: (tmp_path / "log").read_text().count("up") == 2)
    await asyncio.gather(polite.end((signal.SIGTERM, 5)), stubborn.end((signal.SIGTERM, 0.2)))
    assert polite.outcome() == "exit code 7"
    assert stubborn.outcome() == "killed by SIGKILL"


async def test_a_zombie_is_dead(tmp_path: Path) -> None:
    process = child(tmp_path, "")
    await until(lambda: birth(process.pid) is None)
    assert not Process(process.identity).alive()
    assert await process.ended(1)


async def test_found_by_argument(tmp_path: Path) -> None:
    process = child(tmp_path, f"import time; time.sleep(60)  # {tmp_path}")
    argument = process.command[-1]
    # The arguments of a process that has only just begun are still empty.
    await until(lambda: list(running_with(argument)) == [process.identity])
    await process.end()
    assert not list(running_with(argument))


@pytest.mark.parametrize(
    ("said", "version"),
    [
        pytest.param("temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)", (1, 29, 1), id="released"),
        pytest.param("temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)", (1, 29, 1), id="go-installed"),
        pytest.param("temporal version 1.1.0 (Server 1.25.0, UI 2.30.3)\n", (1, 25, 0), id="old"),
        pytest.param("temporal version 1.6.0 (Server 1.30.0-147.2, UI 2.44.0)", (1, 30, 0), id="pre-release"),
        pytest.param("temporal version 2.0.0 (Server v2.1, UI 3.0.0)", (2, 1, 0), id="two-numbers"),
        pytest.param("tctl version 1.18.1", None, id="another-tool"),
        pytest.param("temporal version 1.5.1", None, id="no-server"),
        pytest.param("", None, id="silent"),
    ],
)
def test_server_version(said: str, version: tuple[int, int, int] | None) -> None:
    assert server_version(said) == version


def test_a_program_that_is_not_temporal(tmp_path: Path) -> None:
    assert look_at(Path(sys.executable), "here") is None
    assert look_at(tmp_path / "missing", "here") is None


def test_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        assert not is_free(port)
        assert next_free(port) > port
    assert is_free(port)
    assert next_free(port, avoid={port}) > port
    assert next_free(0) > 0


def test_a_few_logs_are_kept(tmp_path: Path) -> None:
    """A second start leaves what the first one said."""
    log = tmp_path / "x.log"
    for start in range(7):
        log.write_text(f"start {start}")
        turn(log)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {f"x.log.{number}": f"start {7 - number}" for number in range(1, KEPT + 1)}


async def test_a_log_is_turned_by_size_while_its_process_writes(tmp_path: Path) -> None:
    """It goes on writing at the beginning of the emptied file, and the others keep out of what was copied."""
    log = tmp_path / "log"
    log.write_text("x" * 1999)
    assert not trim(log, 2000)
    writing = spawn([sys.executable, "-c", WRITES], env=os.environ, log=log, folder=tmp_path)
    await until(lambda: log.read_text().count("\n") > 300)
    assert trim(log, 2000)
    await until(lambda: 0 < log.stat().st_size < 2000 or log.read_text().startswith("line"))
    await writing.end((signal.SIGTERM, 5))
    earlier = tmp_path / "log.1"
    assert earlier.stat().st_mode & 0o077 == 0
    assert earlier.read_text().count("\n") > 300
    assert "\0" not in log.read_text()


WRITES = """
import time
for number in range(10 ** 9):
    print('line', number, flush=True)
    time.sleep(0.001)
"""


def test_logs_turn_once(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    turn(log)
    log.write_text("one\n\ntwo\nthree\n")
    assert tail(log, 2) == "    two\n    three"
    turn(log)
    assert not log.exists()
    assert (tmp_path / "x.log.1").read_text().startswith("one")
    assert tail(log) == "    (no log)"


def test_state_survives_nonsense(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    with file.change() as state:
        state.children["api"] = Child(role="api", pid=1, started="x", command=["a"])
    assert StateFile(tmp_path).read().children["api"].identity == Identity(pid=1, started="x")
    for nonsense in ("", "{", '{"owner": 7}', "\0" * 100):
        (tmp_path / "stack.json").write_text(nonsense)
        assert file.read().children == {}


def test_locks(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    assert first.take(shared=True)
    assert second.take(shared=True)
    assert not first.take()
    assert not first.held
    assert second.take()
    assert not first.take(shared=True)
    second.release()
    assert first.take()
    first.release()


async def until(true: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it never came true"
        await asyncio.sleep(0.02)


async def test_a_signal_is_a_cancellation() -> None:
    async def work(came: list[signal.Signals]) -> None:
        with cancelled_by_signals() as numbers:
            os.kill(os.getpid(), signal.SIGTERM)
            try:
                await asyncio.sleep(5)
            finally:
                came += numbers

    before = signal.getsignal(signal.SIGTERM)
    came: list[signal.Signals] = []
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(work(came))
    assert came == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_identify_no_one() -> None:
    assert identify(2**22 + 1) is None
