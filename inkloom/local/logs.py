"""One log file per child, and a few of those before it."""

import shutil
from pathlib import Path

from inkloom.local.private import opener

TAIL_BYTES = 16384
# A log that is longer is turned while its process runs; so many earlier ones are kept.
MOST_BYTES = 16 * 1024 * 1024
KEPT = 4


def log_path(data: Path, role: str) -> Path:
    return data / "logs" / f"{role}.log"


def turn(path: Path) -> None:
    """A new log; the previous ones stay beside it as `.1`, `.2` …, the youngest first."""
    if path.exists() and path.stat().st_size:
        _make_room(path)
        path.replace(_earlier(path, 1))


def trim(path: Path, most: int = MOST_BYTES) -> bool:
    """Turn a log that has more than `most` bytes although a process writes to it; returns whether it was.

    The process appends to the file that it has open, so the file is copied and emptied. What is written in between is
    lost.
    """
    if not path.exists() or path.stat().st_size <= most:
        return False
    _make_room(path)
    with path.open("rb") as log, open(_earlier(path, 1), "wb", opener=opener) as copy:
        shutil.copyfileobj(log, copy)
    with path.open("r+b") as log:
        log.truncate(0)
    return True


def _make_room(path: Path) -> None:
    for number in range(KEPT - 1, 0, -1):
        if (earlier := _earlier(path, number)).exists():
            earlier.replace(_earlier(path, number + 1))


def _earlier(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def end_of(path: Path) -> int:
    """Where a process that starts now begins to write."""
    return path.stat().st_size if path.exists() else 0


def tail(path: Path, lines: int = 8, *, since: int = 0) -> str:
    """The last lines, indented for a message; only those `since` a place in the file."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, path.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return "    (no log)"
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line}" for line in kept) or "    (the log is empty)"
