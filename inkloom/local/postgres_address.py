"""The address of a Postgres, and whether it answers."""

from pathlib import Path
from urllib.parse import quote

import psycopg

from engine.db.address import conninfo
from inkloom.local.errors import StackError

NAME = "inkloom"
PORT = 5432  # only names the socket file: nothing listens on TCP


def address(folder: Path, sockets: Path) -> str:
    """How to connect to the server of `folder` that listens in `sockets`."""
    try:
        password = (folder / "password").read_text().strip()
    except FileNotFoundError as error:
        raise StackError(
            f"The database's password is gone: {folder / 'password'}. Bring back that file, "
            "or restore a backup into a new INKLOOM_DATA."
        ) from error
    return f"postgresql://{NAME}:{password}@/{NAME}?host={quote(str(sockets))}&port={PORT}"


async def answers(url: str) -> bool:
    """Whether a server runs a query there."""
    try:
        async with await connect(url) as connection:
            await connection.execute("SELECT 1")
    except (psycopg.Error, TimeoutError):
        return False
    return True


async def connect(url: str, *, database: str | None = None) -> psycopg.AsyncConnection[tuple[object, ...]]:
    """A connection outside of any pool, each of whose statements is a transaction of its own."""
    target = conninfo(url, database=database)
    return await psycopg.AsyncConnection.connect(target, autocommit=True, connect_timeout=3)
