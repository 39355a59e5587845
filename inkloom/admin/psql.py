"""`admin psql`: psql on the database, with the password in its environment and never in its arguments."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from engine.db.session import driver_url
from engine.errors import EngineError, NotConfigured
from engine.settings import Settings
from inkloom.local.endpoints import database_url, servers_answer
from inkloom.local.postgres_home import programs
from inkloom.local.state import StateFile

# What psql reads of the parts of an address.
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "options": "PGOPTIONS",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}


async def psql_command(settings: Settings, arguments: Sequence[str]) -> int:
    """`psql`: this process becomes psql."""
    url = await _address(settings)
    program = psql_program()
    os.execve(program, [str(program), *arguments], environment(url))  # noqa: S606 - what was asked for, without a shell


async def _address(settings: Settings) -> str:
    """The database's address. The embedded one is not started: it would stop with this process, which becomes psql."""
    if settings.database_url:
        return settings.database_url
    state = StateFile(settings.data.expanduser().absolute()).read()
    if state.postgres_folder is None or not await servers_answer(settings, state):
        raise NotConfigured("The embedded Postgres does not run. Start it with `python -m inkloom up`, and try again.")
    return database_url(settings, state)


def psql_program() -> Path:
    """The newest psql of the embedded Postgres, which fits every older server; otherwise the one on PATH."""
    for _, folder in sorted(programs().items(), reverse=True):
        if (folder / "psql").exists():
            return folder / "psql"
    found = shutil.which("psql")
    if found is None:
        raise EngineError("There is no psql: install Postgres's client programs, or the requirements (`make setup`).")
    return Path(found)


def environment(url: str) -> dict[str, str]:
    """This process's environment with the address in the variables that psql reads."""
    read = driver_url(url)
    named = {"host": read.host, "port": read.port, "user": read.username, "password": read.password}
    parts = {**named, "dbname": read.database, **read.query}
    if unknown := sorted(set(parts) - set(_VARIABLES)):
        raise NotConfigured(f"INKLOOM_DATABASE_URL has parameters that psql takes from no variable: {unknown}.")
    others = {name: value for name, value in os.environ.items() if name not in _VARIABLES.values()}
    return {**others, **{_VARIABLES[name]: _text(value) for name, value in parts.items() if value is not None}}


def _text(value: object) -> str:
    """A parameter that is given several times, such as `host`, is a list with commas."""
    return ",".join(value) if isinstance(value, tuple) else str(value)
