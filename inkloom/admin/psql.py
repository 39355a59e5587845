"""`admin psql`: psql on the database, with the password in its environment and never in its arguments."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.db.address import variables
from engine.errors import EngineError, NotConfigured
from engine.settings import Settings
from inkloom.local.endpoints import database_url, servers_answer
from inkloom.local.postgres_home import programs
from inkloom.local.postgres_programs import address_for
from inkloom.local.state import StateFile


async def psql_command(settings: Settings, arguments: Sequence[str]) -> int:
    """`psql`: this process becomes psql."""
    url = await _address(settings)
    program = psql_program()
    with environment(url) as env:
        os.execve(program, [str(program), *arguments], env)  # noqa: S606 - what was asked for, without a shell


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


@contextmanager
def environment(url: str) -> Iterator[dict[str, str]]:
    """This process's environment with the address in the variables that psql reads, and without others of them, which
    would lead elsewhere.
    """
    libpq = {variable for variable in variables().values() if variable}
    others = {name: value for name, value in os.environ.items() if name not in libpq}
    with address_for(url, others) as (env, _):
        yield env
