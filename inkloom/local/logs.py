"""One log file per child."""

from pathlib import Path

TAIL_BYTES = 16384


def log_path(data: Path, role: str) -> Path:
    return data / "logs" / f"{role}.log"


def turn(path: Path) -> None:
    """A new log; the previous one stays beside it as `.1`."""
    if path.exists() and path.stat().st_size:
        path.replace(path.with_name(path.name + ".1"))


def tail(path: Path, lines: int = 8) -> str:
    """The last lines, indented for a message."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return "    (no log)"
    kept = [line for line in text.splitlines() if line.strip()][-lines:]
    return "\n".join(f"    {line}" for line in kept) or "    (the log is empty)"
