"""The `temporal` program: found on this machine, or fetched once and kept in the user's cache folder."""

import asyncio
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from inkloom.local.errors import StackError
from inkloom.local.logs import tail
from inkloom.local.processes import spawn

# Fairness between projects came with this one. A program made by `go install` calls itself 0.0.0-DEV, so only the
# version of the server inside it tells.
OLDEST = (1, 29)
SERVER = re.compile(r"\bServer v?(\d+)\.(\d+)(?:\.(\d+))?")
GO_PACKAGE = "github.com/temporalio/cli/cmd/temporal@v1.5.1"
ROOT = Path(__file__).parents[2]
STALLED = 25.0
TELL_EVERY = 20.0
WAYS_OUT = (
    "install the Temporal CLI (docs.temporal.io/cli) so that `temporal` is on PATH, "
    "or name a server in TEMPORAL_ADDRESS."
)

Report = Callable[[str], None]


@dataclass(frozen=True)
class Program:
    """A `temporal` that can serve us."""

    path: Path
    server: tuple[int, int, int]
    origin: str


def server_version(said: str) -> tuple[int, int, int] | None:
    """The server's version in what `temporal --version` prints; None if that is not Temporal's CLI."""
    match = SERVER.search(said) if said.startswith("temporal version") else None
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "inkloom" / "bin"


def look_at(path: Path, origin: str) -> Program | None:
    """What this file is, if it is Temporal's CLI at all."""
    try:
        asked = [str(path), "--version"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20).stdout  # noqa: S603 - named `temporal`
    except (OSError, subprocess.SubprocessError):
        return None
    version = server_version(said)
    return None if version is None else Program(path, version, origin)


def find() -> Program | None:
    """The one on PATH if recent enough, else the copy in the cache folder."""
    on_path = shutil.which("temporal")
    places = [(Path(on_path), "on PATH")] if on_path else []
    for path, origin in (*places, (cache() / "temporal", "in the cache folder")):
        program = look_at(path, origin)
        if program is not None and program.server >= OLDEST:
            return program
    return None


async def obtain(report: Report) -> Program:
    """Find the program, or fetch it: a download where the network allows it, else a build with Go."""
    if program := await asyncio.to_thread(find):
        return program
    try:
        cache().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"Temporal's dev server has no place to be kept: {cache()}: {error.strerror}. Mend that folder, "
            f"set XDG_CACHE_HOME, {WAYS_OUT}"
        ) from error
    async with _alone(report):
        for left in cache().glob(".fetching-*"):
            shutil.rmtree(left, ignore_errors=True)
        if program := await asyncio.to_thread(find):
            return program
        reasons = []
        for fetch in (_download, _build):
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache()) as draft:
                reason = await fetch(Path(draft), report)
            if program := await asyncio.to_thread(find):
                return program
            reasons.append(reason)
    raise StackError(f"Temporal's dev server cannot be had: {'; '.join(reasons)}.\nSo {WAYS_OUT}")


@asynccontextmanager
async def _alone(report: Report) -> AsyncIterator[None]:
    """Two starts at once fetch it once."""
    with _lock_file() as lock:
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    report("Another start on this machine is fetching Temporal's dev server; waiting for it")
                told = True
                await asyncio.sleep(0.5)
        yield


def _lock_file() -> IO[str]:
    return (cache() / ".lock").open("w")


async def _download(draft: Path, report: Report) -> str:
    """Let Temporal's SDK download its dev server. It shows no progress and sets no limit, so a process of its own is
    watched and given up when nothing arrives any more."""
    report("Fetching Temporal's dev server (once)")
    command = [sys.executable, "-m", "inkloom.local.temporal_download", str(draft)]
    said, code = await _watched(command, draft, {}, report, "downloading Temporal's dev server", stalled=STALLED)
    if code is None:
        return f"the download stood still for {STALLED:.0f} s"
    if code:
        return f"the download failed ({said.splitlines()[-1].strip() if said.strip() else f'exit code {code}'})"
    return _keep(draft)


async def _build(draft: Path, report: Report) -> str:
    go = shutil.which("go")
    if go is None:
        return "no `go` to build it with"
    report(f"Building Temporal's dev server with `go install {GO_PACKAGE}`: about 7 minutes on 2 cores, only this once")
    command, environment = [go, "install", GO_PACKAGE], {"GOBIN": str(draft), "CGO_ENABLED": "0"}
    said, code = await _watched(command, draft, environment, report, "building Temporal's dev server")
    if code:
        return f"`go install {GO_PACKAGE}` failed:\n{said}"
    return _keep(draft)


def _keep(draft: Path) -> str:
    """Move the fetched program to its place; say what was wrong with it in case it is not used after all."""
    for path in draft.iterdir():
        program = look_at(path, "fetched") if os.access(path, os.X_OK) else None
        if program is not None:
            if program.server < OLDEST:
                return f"the program fetched is too old (server {'.'.join(map(str, program.server))})"
            path.replace(cache() / "temporal")
            return f"{cache() / 'temporal'} does not run"
    return "what was fetched is not Temporal's CLI"


async def _watched(
    command: Sequence[str],
    draft: Path,
    extra: Mapping[str, str],
    report: Report,
    doing: str,
    *,
    stalled: float | None = None,
) -> tuple[str, int | None]:
    """Run to the end, telling now and then that it still runs; no exit code when it stood still for too long."""
    log = draft / ".log"
    began = told = moved = time.monotonic()
    size = 0
    process = spawn(command, env=os.environ | extra, log=log, folder=ROOT)
    try:
        while process.alive():
            await asyncio.sleep(0.2)
            now = time.monotonic()
            if now - told >= TELL_EVERY:
                report(f"… still {doing}: {now - began:.0f} s")
                told = now
            if stalled is not None:
                if (arrived := _size(draft)) != size:
                    size, moved = arrived, now
                if now - moved > stalled:
                    return tail(log), None
        return tail(log), process.exit_code
    finally:
        await process.end((signal.SIGTERM, 2))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
