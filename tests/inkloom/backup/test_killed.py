"""`backup` and `restore` as processes that are killed, run twice, or get no room: what is left is nothing that looks
whole, and the next one goes on from there.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.storage.atomic import UNFINISHED
from inkloom.backup.opening import SCRATCH
from tests.conftest import Order
from tests.support.backups import Installation, Target, files_of
from tests.support.command_line import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SECRET = "a secret of the tests"
# So many take seconds to copy: time enough to be killed in.
PICTURES = 400


def begun(
    installation: Installation, command: str, *, url: str = "", storage: Path | None = None, limit: int | None = None
) -> subprocess.Popen[str]:
    """A process that backs up, or restores from, the destination. `limit`: kilobytes that a file of it may have."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("INKLOOM_")}
    env = ours | {
        "INKLOOM_DATA": str(installation.folder / f"data-{command}"),
        "INKLOOM_DATABASE_URL": url or installation.source.database_url,
        "INKLOOM_STORAGE": str(storage or installation.storage.root),
        "INKLOOM_SECRET_KEY": SECRET,
    }
    words = [sys.executable, "-m", "inkloom", command, str(installation.folder / "destination")]
    if limit is not None:
        words = ["/bin/bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", *words]
    return subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def killed_once(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(100):
        while not reached():  # a file system tells nobody
            assert process.poll() is None, process.communicate()[1]
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(process.communicate)


def some_in(folder: Path) -> Callable[[], bool]:
    return lambda: any(path.is_file() for path in folder.rglob("*.png"))


async def filled(installation: Installation, order: Order) -> None:
    ordered = await order()
    for number in range(PICTURES):
        await installation.picture(ordered, f"picture {number}".encode() * 1000)


def whole_files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in files_of(folder).items() if UNFINISHED not in name}


async def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, said = await asyncio.to_thread(process.communicate)
    return process.returncode, out + said


async def test_a_killed_backup_and_a_killed_restore_are_run_again(
    installation: Installation, target: Target, order: Order
) -> None:
    """Nothing that looks whole is left of either, and what was copied is not copied again."""
    await filled(installation, order)
    destination = installation.folder / "destination"
    await killed_once(begun(installation, "backup"), some_in(destination / "pictures"))
    assert await installation.destination.names() == []
    copied = len([*destination.rglob("*.png")])
    assert 0 < copied < PICTURES
    assert [*(installation.folder / "data-backup").glob(f"{SCRATCH}*")]
    code, said = await ended(begun(installation, "backup"))
    assert (code, f"{PICTURES - copied} are new" in said) == (0, True), said

    restoring = {"url": target.url, "storage": target.storage.root}
    await killed_once(begun(installation, "restore", **restoring), some_in(target.storage.root))  # type: ignore[arg-type]  # by name
    assert await target.tables() == {}
    assert 0 < len([*target.storage.root.rglob("*.png")]) < PICTURES
    code, said = await ended(begun(installation, "restore", **restoring))  # type: ignore[arg-type]  # by name
    assert code == 0, said
    # The sweep `objects` deletes after a day what was half-written.
    assert whole_files(target.storage.root) == files_of(installation.storage.root)
    assert len((await target.tables())["images"]) >= PICTURES


async def test_of_two_backups_at_once_one_is_refused(installation: Installation, order: Order) -> None:
    """In words, and the other is whole."""
    await filled(installation, order)
    first = begun(installation, "backup")
    async with asyncio.timeout(100):
        while not some_in(installation.folder / "destination")():  # noqa: ASYNC110  # a file system tells nobody
            await asyncio.sleep(0.02)
    first.send_signal(signal.SIGSTOP)
    code, said = await ended(begun(installation, "backup"))
    first.send_signal(signal.SIGCONT)
    assert (code, "Another backup is being made" in said) == (1, True), said
    code, said = await ended(first)
    assert code == 0, said
    (name,) = await installation.destination.names()
    code, said = await ended(begun(installation, "backup"))
    assert (code, "of which 0 are new" in said) == (0, True), said
    assert name in await installation.destination.names()


@pytest.mark.parametrize("limit", [8, 64])
async def test_without_room_it_ends_in_words(installation: Installation, order: Order, limit: int) -> None:
    """For the dump, or for a picture: no backup, no leftover on its way, and no traceback."""
    await installation.picture(await order(), os.urandom(1 << 20))
    code, said = await ended(begun(installation, "backup", limit=limit))
    assert code == 1
    assert re.search(r"(could not|cannot) be (written|dumped)", said), said
    assert not re.search("Traceback|unexpected", said)
    assert await installation.destination.names() == []
    assert [*(installation.folder / "data-backup").glob(f"{SCRATCH}*")] == []
