"""Stops workers without losing what was paid for: no new work, and patience for the answers under way."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil
from temporalio.worker import Worker

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The exit code of a worker that was told twice.
AT_ONCE = 130


class Draining:
    """How a worker process ends: the first signal stops the polling and lets the work in flight finish, a second one
    ends the process at once.
    """

    def __init__(self, awaited: Collection[UUID], patience: float) -> None:
        self.asked = asyncio.Event()
        self._awaited = awaited
        self._patience = patience
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    async def finish(self, workers: Sequence[Worker]) -> None:
        """Stop polling, all queues at the same time, and return when their activities have ended."""
        if calls := len(self._awaited):
            log.info(
                "stopping: %d paid calls are under way, and waiting for their answers may take %.0f s; a second signal"
                " ends at once and loses them",
                calls,
                self._patience,
            )
        else:
            log.info("stopping: no paid call is under way")
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        log.info("stopped")

    def _signalled(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            return
        log.warning("ended at once: %d answers under way are lost", len(self._awaited))
        logging.shutdown()
        # Nothing shorter ends a worker: it waits for its activities, whatever is cancelled around it.
        os._exit(AT_ONCE)


def drain(data: Path, queues: str, report: Callable[[str], None], patience: float, build: str | None = None) -> int:
    """Tell the workers of this account, machine and data folder to finish, and wait; returns how many there were.

    `queues` narrows it to the workers that were started for these, `build` to those of that build. One that is still at
    it after `patience` seconds is left alone.
    """
    found = list(_workers(data, queues, build))
    for process in found:
        report(f"worker {process.pid}: stops polling, and finishes what is in flight (at most {patience:.0f} s)")
        # It may have ended since it was found: the others are signalled all the same.
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    for process in psutil.wait_procs(found, timeout=patience)[1]:
        report(f"worker {process.pid}: still finishing; a second SIGTERM ends it at once")
    return len(found)


def _workers(data: Path, queues: str, build: str | None) -> Iterator[psutil.Process]:
    me = psutil.Process()
    for process in psutil.process_iter():
        try:
            serves = _serves(process.cmdline())
            if serves is None or queues not in ("all", serves) or process.uids().real != me.uids().real:
                continue
            environment = process.environ()
            folder = Path(process.cwd(), Path(environment.get("INKLOOM_DATA") or ".inkloom").expanduser())
            if build is not None and build != environment.get("INKLOOM_BUILD", ""):
                continue
            if folder.resolve() == data.resolve():
                yield process
        except psutil.Error:
            continue


def _serves(words: Sequence[str]) -> str | None:
    """The queues that a command line serves: `python -m inkloom worker --queues draw`; None if it is no worker."""
    if "worker" not in words or "--drain" in words:
        return None
    at = words.index("worker")
    if Path(words[at - 1]).name != "inkloom":
        return None
    options = " ".join(words[at + 1 :]).replace("=", " ").split()
    return options[options.index("--queues") + 1] if "--queues" in options[:-1] else "all"
