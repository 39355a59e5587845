"""Postgres's own programs for dump and restore, in a version that fits the server."""

import asyncio
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from psycopg.conninfo import make_conninfo

from engine.errors import EngineError, NotConfigured
from inkloom.local.child_environment import plain_environment
from inkloom.local.postgres_home import programs
from inkloom.local.postgres_programs import address_for

# Where packages put them that are not on the PATH.
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/opt/libpq/bin",
    "/Library/PostgreSQL/*/bin",
)
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# What libpq reads from the environment beside the address: the password above all.
_LIBPQ = ("PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY")
LONGEST = 400


def tool(name: str, server: int, places: Sequence[str] = PLACES) -> Path:
    """The program `name` of the server's version, or of the next later one: earlier ones refuse the server.

    Looks in Inkloom's own Postgres, on the PATH, and where packages install. Raises `NotConfigured` with the version
    that is needed.
    """
    found: dict[int, Path] = {}
    for path in _candidates(name, places):
        version = _version(path)
        if version is not None:
            found.setdefault(version, path)
    fitting = [version for version in found if version >= server]
    if not fitting:
        there = ", ".join(f"{version} ({path})" for version, path in sorted(found.items())) or "none"
        raise NotConfigured(
            f"The server is Postgres {server}, which only {name} of version {server} or later can read. Found: {there}."
            f" Install the client programs of Postgres {server} (Debian: postgresql-client-{server}) and run it again."
        )
    return found[min(fitting)]


def _candidates(name: str, places: Sequence[str]) -> Iterator[Path]:
    for folder in programs().values():
        yield folder / name
    if on_path := shutil.which(name):
        yield Path(on_path)
    for place in places:
        yield from sorted(Path("/").glob(f"{place.removeprefix('/')}/{name}"))


def _version(path: Path) -> int | None:
    try:
        said = subprocess.run(  # noqa: S603 - the programs of a Postgres
            [path, "--version"], capture_output=True, text=True, env=plain_environment(), timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return int(match[1]) if (match := VERSION.search(said)) else None


async def dump(program: Path, url: str, snapshot: str, target: Path) -> None:
    """Write the database, as it was in an exported snapshot, to `target`."""
    await _run([program, "--format=custom", f"--snapshot={snapshot}", *_WHOSE, f"--file={target}"], url, "dumped")


async def restore(program: Path, url: str, source: Path) -> None:
    """Fill an empty database from a dump: all of it or nothing."""
    await _run([program, "--single-transaction", "--exit-on-error", *_WHOSE], url, "restored", source)


# Whoever restores owns what is restored.
_WHOSE = ("--no-owner", "--no-privileges")


async def _run(command: Sequence[str | Path], url: str, done: str, *files: Path) -> None:
    base = {**plain_environment(*_LIBPQ), "LC_ALL": "C"}
    with address_for(url, base) as (env, inherited):
        # What `--dbname` says may be a whole address, and be read as one.
        target = make_conninfo(dbname=env["PGDATABASE"]) if "PGDATABASE" in env else ""
        words = [*map(str, command), "--no-password", f"--dbname={target}", *map(str, files)]
        process = await asyncio.create_subprocess_exec(
            *words, env=env, pass_fds=inherited, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said = await _ended(process)
    if process.returncode:
        reason = _reason(said.decode(errors="replace"))
        if process.returncode < 0 and not said:
            reason = f"it was ended by {signal.Signals(-process.returncode).name}; is there room in the data folder?"
        raise EngineError(f"The database could not be {done}: {reason}")


async def _ended(process: asyncio.subprocess.Process) -> bytes:
    """Wait for a program, and return its complaints; one that is not waited for any more is killed."""
    try:
        return (await process.communicate())[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _reason(said: str) -> str:
    """The first complaint; what follows repeats it, and quotes statements."""
    lines = [line for line in said.splitlines() if line.strip()]
    reason = next((line for line in lines if "error:" in line.lower()), lines[0] if lines else "it said nothing")
    return reason[:LONGEST].rstrip(".") + "."
