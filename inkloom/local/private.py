"""The data folder is its owner's: other accounts of the machine read neither stories and pictures nor histories."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from inkloom.local.accounts import unprivileged
from inkloom.local.errors import StackError

# For programs that we start: what they write is for their account only.
UMASK = 0o077


def opener(path: str, flags: int) -> int:
    """For `open`: a new file is readable and writable for its owner only."""
    return os.open(path, flags, 0o600)


def close(data: Path, *, embedded_database: bool) -> None:
    """Take the rights of all other accounts from the folder and everything in it, also from what was there before.

    Under root, Postgres runs as another account, whose group may pass through the folder: not list it, nor enter what
    is not its own.
    """
    mode, owner = 0o700, None
    if os.geteuid() == 0 and embedded_database:
        with suppress(StackError):
            mode, owner = 0o710, unprivileged(data / "postgres").gid
    with suppress(PermissionError):
        if owner is not None:
            os.chown(data, -1, owner)
        data.chmod(mode)
    for folder, folders, files in os.walk(data):
        if Path(folder) == data and "postgres" in folders:
            # It belongs to the database's account, and is closed from its first day.
            folders.remove("postgres")
        for name in (*folders, *files):
            _close(Path(folder, name))


def _close(path: Path) -> None:
    """Files of other owners stay as they are, as does what is gone by now; links have no rights of their own."""
    with suppress(PermissionError, FileNotFoundError):
        facts = path.lstat()
        if facts.st_mode & 0o077 and not stat.S_ISLNK(facts.st_mode):
            path.chmod(stat.S_IMODE(facts.st_mode) & 0o700)
