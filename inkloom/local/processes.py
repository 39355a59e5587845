"""Processes that may outlive this one: how they are identified beyond a PID, started and stopped."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
from pydantic import BaseModel

from inkloom.local.accounts import Account
from inkloom.local.errors import Killed, StackError
from inkloom.local.logs import tail
from inkloom.local.private import UMASK, opener

POLL = 0.05


class Identity(BaseModel, frozen=True):
    """Identifies a process for ever: a PID is reused, a PID with its start time is not."""

    pid: int
    started: str

    def alive(self) -> bool:
        return birth(self.pid) == self.started


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def birth(pid: int) -> str | None:
    """When the process started, for comparison only; None if there is no such live process.

    On Linux these are clock ticks since boot: psutil's wall-clock time moves whenever the clock is set, and a
    supervisor would then take its own children for strangers.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
        return _portable_birth(pid)
    # The name in parentheses may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else f"{_boot()}:{ticks}"


def _portable_birth(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return None


def identify(pid: int) -> Identity | None:
    """The live process behind a pid."""
    started = birth(pid)
    return None if started is None else Identity(pid=pid, started=started)


def myself() -> Identity:
    """This process."""
    return Identity(pid=os.getpid(), started=birth(os.getpid()) or "")


class Process:
    """A child of ours, or a process that an earlier supervisor left running."""

    def __init__(
        self, identity: Identity, child: subprocess.Popen[bytes] | None = None, command: Sequence[str] = ()
    ) -> None:
        self.identity = identity
        self.command = list(command)
        self._child = child

    @property
    def pid(self) -> int:
        return self.identity.pid

    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return self.identity.alive()

    def outcome(self) -> str:
        """How it ended, in words."""
        code = None if self._child is None else self._child.poll()
        if code is None:
            return "gone"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    @property
    def exit_code(self) -> int | None:
        return None if self._child is None else self._child.poll()

    @property
    def killed(self) -> bool:
        return self.exit_code == -signal.SIGKILL

    def send(self, number: signal.Signals) -> None:
        """Signal it, unless it has ended: its PID may then belong to another process."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def ended(self, patience: float = float("inf"), *, every: float = POLL) -> bool:
        """Wait for its end, at most this many seconds."""
        deadline = time.monotonic() + patience
        while self.alive():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(every)
        return True

    async def end(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send each signal and wait that many seconds after it; then kill the process and everything in its group."""
        for number, patience in steps:
            self.send(number)
            if await self.ended(patience):
                return
        with suppress(ProcessLookupError):
            if self.alive() and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
        self.send(signal.SIGKILL)
        await self.ended(5)

    def leave(self) -> None:
        """Let it run on without us."""
        if self._child is not None:
            # A Popen warns when it is collected before its process ended; this process is meant to run on.
            self._child.returncode = self._child.returncode or 0
            self._child = None


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path,
    folder: Path,
    account: Account | None = None,
) -> Process:
    """Start a process that writes to the log, in a session of its own: Ctrl-C in the terminal must not reach it, so
    that the supervisor can stop its children in order.
    """
    drop = account.popen() if account else {}
    parts = [str(part) for part in command]
    with open(log, "ab", opener=opener) as out:
        child = subprocess.Popen(  # noqa: S603 - every command is made by this package
            parts,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(env),
            cwd=folder,
            umask=UMASK,
            **drop,
        )
    # A child that is dead already has no start time; it still needs an identity until its exit code is read.
    return Process(identify(child.pid) or Identity(pid=child.pid, started="gone"), child, parts)


async def until_ready(
    process: Process,
    ready: Callable[[], Awaitable[bool]],
    end: Callable[[Process], Awaitable[None]],
    *,
    name: str,
    patience: float,
    log: Path,
) -> None:
    """Wait until a new process is ready; stop it if that fails or the caller is cancelled."""
    deadline = time.monotonic() + patience
    try:
        # Check last that it is alive: on a port in use, the other server answers while ours is dying.
        while not (await ready() and process.alive()):
            if not process.alive():
                kind = Killed if process.killed else StackError
                raise kind(f"{name} did not start ({process.outcome()}). From {log}:\n{tail(log)}")
            if time.monotonic() > deadline:
                raise StackError(f"{name} does not answer after {patience:.0f} s. From {log}:\n{tail(log)}")
            await asyncio.sleep(POLL)
    except BaseException:
        await end(process)
        raise


def running_with(argument: str) -> Iterator[Identity]:
    """Every process that has exactly this among its arguments.

    Arguments, because every user may read them: in a container, root often may not see another user's current folder.
    """
    for process in psutil.process_iter():
        try:
            if argument in process.cmdline()[1:] and (found := identify(process.pid)) is not None:
                yield found
        except psutil.Error:
            continue


def titled(beginning: str) -> Iterator[Identity]:
    """Every process whose title, which it wrote over its arguments, begins like this."""
    for process in psutil.process_iter():
        try:
            if " ".join(process.cmdline()).startswith(beginning) and (found := identify(process.pid)) is not None:
                yield found
        except psutil.Error:
            continue
