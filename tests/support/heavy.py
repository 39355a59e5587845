"""What child processes are given in tests: functions that take time, memory, or their own process away."""

import os
import signal
import sys
import time
from pathlib import Path

from engine.errors import BadInput


def pid() -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def echo(text: str) -> str:
    sys.stdout.write("noise")
    return text


def spin() -> None:
    while True:
        pass


def allocate(megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


def refuse() -> None:
    raise BadInput("not like this")


def fail() -> None:
    raise ZeroDivisionError("by nothing")


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for(path: str) -> str:
    """Wait until the file is there, and say who waited."""
    Path(path).with_suffix(f".{os.getpid()}").touch()
    while not Path(path).exists():
        time.sleep(0.01)
    return path
