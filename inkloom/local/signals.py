"""Ctrl-C, SIGTERM and a closed terminal as a cancellation, so that `async with` and `finally` do the tidying up."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def cancelled_by_signals() -> Iterator[list[signal.Signals]]:
    """Inside, each of the signals cancels the current task; yields the list of those that came."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("signals can only cancel a task")
    loop = asyncio.get_running_loop()
    came: list[signal.Signals] = []

    def receive(number: signal.Signals) -> None:
        came.append(number)
        task.cancel()

    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        loop.add_signal_handler(number, receive, number)
    try:
        yield came
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
