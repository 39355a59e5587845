"""Runs what takes much CPU in child processes, with limits of time and memory, fair between projects.

A function that holds the interpreter stops everything else in its process, a text or picture from outside decides how
long it takes, and no thread can be stopped. A child can: when its time is up, or when nobody waits for it any more.
"""

import asyncio
import json
import os
import pickle
import signal
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import TooHeavy
from engine.processes import child
from engine.processes.memory import machine_megabytes, room

# For whom this task works: a project, or in the API an account. Nobody gets all places while others wait.
lane: ContextVar[Hashable] = ContextVar("lane", default=None)

_PROGRAM = Path(child.__file__)
_ROOT = _PROGRAM.parents[2]
# On a busy machine, a child waits for its CPU time: its limit is CPU seconds, and this many times more on the clock.
_PATIENCE = 10
# A child ends after this many functions: what they leave in it does not grow without bound.
_MOST_RUNS = 500
# Names in the environment that a child needs; keys of providers and servers are none of them.
_GIVEN = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"})

ResultT = TypeVar("ResultT")


class ChildLost(Exception):
    """A child ended in the middle of its work, not by its limits: another attempt may succeed."""


class Processes:
    """Up to `places` functions at a time, each in a child. Children start when they are needed, and stay.

    Where all places are taken, a lane that has none gets one besides, and otherwise the lane with the fewest is next:
    a lane with much to do waits for its own work. `once`: a child ends with its function, and answers in plain JSON,
    because what it read may have taken it over. `megabytes` is the limit of each child, `most` of how many there are.
    """

    def __init__(self, places: int, *, megabytes: int, most: int | None = None, once: bool = False) -> None:
        self._places = places
        self._most = most or (places if once else 2 * places)
        self._start = [megabytes, child.PLAIN if once else child.ANYTHING]
        self._once = once
        self._idle: list[_Child] = []
        self._running: Counter[Hashable] = Counter()
        self._waiting: list[tuple[Hashable, asyncio.Future[None]]] = []
        # Threads that wait for children: the default ones are for files.
        self._threads = ThreadPoolExecutor(self._most, "child")
        weakref.finalize(self, _end, self._idle, self._threads)

    async def run(self, function: Callable[..., ResultT], *arguments: Any, seconds: int, doing: str) -> ResultT:
        """The answer of a function of a module. Raises `TooHeavy` if it takes more CPU seconds, or too much memory."""
        async with self.place() as place:
            answer: ResultT = await place(function, *arguments, seconds=seconds, doing=doing)
            return answer

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Callable[..., Any]]:
        """Wait for a place; then `run` without waiting. What the function needs is best read only now."""
        mine = lane.get()
        if self._has_room(mine):
            self._running[mine] += 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((mine, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave(mine)
                else:
                    self._waiting.remove((mine, turn))
                raise
        try:
            yield self._work
        finally:
            self._leave(mine)

    def close(self) -> None:
        """End all children that have nothing to do."""
        _end(self._idle, self._threads)

    async def _work(self, function: Callable[..., Any], *arguments: Any, seconds: int, doing: str) -> Any:
        worker = self._idle.pop() if self._idle else _Child(self._start)
        if worker.ended:
            # The system may have ended it while it was idle.
            worker.kill()
            worker = _Child(self._start)
        try:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(_PATIENCE * seconds):
                answer = await loop.run_in_executor(self._threads, worker.ask, (function, arguments, seconds))
        except TimeoutError:
            worker.kill()
            raise TooHeavy(_too_heavy(doing, seconds)) from None
        except BaseException:
            worker.kill()
            raise
        if answer is None:
            code = worker.kill()
            if code == -signal.SIGXCPU:
                raise TooHeavy(_too_heavy(doing, seconds))
            raise ChildLost(f"a child process ended (exit code {code})")
        if self._once or "heavy" in answer or worker.runs >= _MOST_RUNS or len(self._idle) >= self._places:
            worker.kill()
        else:
            self._idle.append(worker)
        if "heavy" in answer:
            raise TooHeavy(_too_heavy(doing, seconds))
        if "error" in answer:
            error = answer["error"]
            raise error if isinstance(error, Exception) else ChildLost(str(error))
        return answer["answer"]

    def _has_room(self, mine: Hashable) -> bool:
        busy = self._running.total()
        return busy < self._places or (busy < self._most and not self._running[mine])

    def _leave(self, mine: Hashable) -> None:
        self._running[mine] -= 1
        if not self._running[mine]:
            del self._running[mine]
        # Those with the fewest places first, and of them who came first.
        for one in sorted(self._waiting, key=lambda waiting: self._running[waiting[0]]):
            waiting, turn = one
            if not turn.done() and self._has_room(waiting):
                self._running[waiting] += 1
                self._waiting.remove(one)
                turn.set_result(None)
                return


@cache
def shared() -> Processes:
    """The children of this process, which all its work shares. They end with it."""
    cores = os.cpu_count() or 1
    fits = room(machine_megabytes(), cores)
    # Where memory allows fewer than two for each core, one is still left for a lane that has none.
    return Processes(min(cores, max(1, fits.children - 1)), megabytes=fits.megabytes, most=fits.children)


class _Child:
    """One child process."""

    def __init__(self, arguments: list[Any]) -> None:
        self.runs = 0
        self._plain = child.PLAIN in arguments
        names = {name: value for name, value in os.environ.items() if name in _GIVEN or name.startswith("LC_")}
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            # Isolated: no settings of Python from the environment, and no code from the folder of its caller.
            [sys.executable, "-I", "-B", str(_PROGRAM), str(_ROOT), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=names | {"MALLOC_ARENA_MAX": "1"},
            cwd="/",
        )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def ask(self, question: tuple[Callable[..., Any], tuple[Any, ...], int]) -> dict[str, Any] | None:
        """Blocking: the answer, or None if the child has ended. Packs and unpacks, which takes time for much data."""
        self.runs += 1
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            return None
        packed = pickle.dumps(question)
        try:
            child.write(into, packed)
            said = child.read(out)
        except (OSError, ValueError):
            return None
        if said is None:
            return None
        found: dict[str, Any] = json.loads(said) if self._plain else pickle.loads(said)  # noqa: S301  # our own code
        return found

    def kill(self) -> int:
        """End it now; returns its exit code."""
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        return code


def _end(idle: list[_Child], threads: ThreadPoolExecutor) -> None:
    while idle:
        idle.pop().kill()
    threads.shutdown(wait=False)


def _too_heavy(doing: str, seconds: int) -> str:
    return f"{doing} takes more than {seconds} seconds of work, or too much memory: give less of it at a time."
