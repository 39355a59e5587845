"""Who runs Postgres: it refuses root, so under root an unprivileged account does."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from inkloom.local.child_environment import plain_environment
from inkloom.local.errors import StackError

# An account of ours first, then one of Postgres; "nobody" exists everywhere, but other services share it.
NAMES = ("inkloom", "postgres", "nobody")


class Drop(TypedDict, total=False):
    """Arguments of Popen that drop root."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int

    def popen(self) -> Drop:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give it a file or folder of ours."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can(self, test: str, path: Path) -> bool:
        """Ask the kernel, as that user, whether `test -<test> path` holds: mode bits alone miss ACLs and mounts.

        Runs in a folder that everybody may enter, so that the current one has no influence.
        """
        try:
            asked = ["/bin/sh", "-c", f'test -{test} "$1"', "sh", str(path)]
            answer = subprocess.run(  # noqa: S603 - fixed words, the path is an argument
                asked, cwd="/", env=plain_environment(), **self.popen()
            )
        except (OSError, subprocess.SubprocessError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StackError(
                f"Postgres refuses to run as root, and this process may not switch to the account {self.name} "
                f"({reason}). Start Inkloom as an ordinary user, or name a server in INKLOOM_DATABASE_URL."
            ) from error
        return answer.returncode == 0


def unprivileged(folder: Path) -> Account:
    """The account for a Postgres in this folder: the folder's owner, or else the first account that exists."""
    if folder.exists() and (uid := folder.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return Account(str(uid), uid, folder.stat().st_gid)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise StackError(
        f"Postgres refuses to run as root, and none of the accounts {', '.join(NAMES)} exists. "
        "Start Inkloom as an ordinary user, or name a server in INKLOOM_DATABASE_URL."
    )
