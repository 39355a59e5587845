"""Makes a backup while work goes on, and deletes old ones.

First the database, as it is in one snapshot, then every picture that the snapshot names. A picture is never changed
after it was stored, so the only one that could be missing is one that is deleted meanwhile: removals wait until the
backup is made.
"""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.backup import pictures
from engine.backup.destination import Destination, is_ahead
from engine.backup.encryption import Damaged
from engine.backup.manifest import DATABASE, NAME, PICTURES, SECRET, Manifest, SavedFile, SavedPicture
from engine.db.session import Database
from engine.errors import BadInput, StorageError
from engine.storage import Storage
from engine.store import saved as rows
from inkloom.alone import alone
from inkloom.backup.progress import counted
from inkloom.backup.tools import dump, tool
from models.sweeps import SweepKind

log = logging.getLogger(__name__)

POLL = 0.2


@dataclass(frozen=True, repr=False)
class Source:
    """What is saved."""

    database: Database
    database_url: str
    storage: Storage
    secret: str


@dataclass(frozen=True)
class Made:
    """A backup that was made."""

    manifest: Manifest
    saved: pictures.Saved
    encrypted: bool

    def as_json(self) -> dict[str, Any]:
        """The output of `backup --json`."""
        return {
            "backup": self.manifest.name,
            "made_at": self.manifest.made_at.isoformat(),
            "rows": self.manifest.rows,
            "database_bytes": self.manifest.files[DATABASE].bytes,
            "pictures": self.saved.pictures,
            "picture_bytes": self.saved.bytes,
            "new_pictures": self.saved.new,
            "new_bytes": self.saved.new_bytes,
            "lost": self.saved.lost_count,
            "lost_pictures": self.saved.lost,
            "encrypted": self.encrypted,
        }


async def make(source: Source, destination: Destination, report: Callable[[str], None] = lambda line: None) -> Made:
    """Make a backup. The caller sees to it that it is the only one.

    Raises `StorageError` where the disk or the bucket fails: then the destination has no backup more than before.
    """
    try:
        async with _no_removals(source.database):
            return await _make(source, destination, report)
    except OSError as error:
        raise StorageError(f"The backup could not be written: {error.strerror or error}.") from error


async def _make(source: Source, destination: Destination, report: Callable[[str], None]) -> Made:
    database, named, listing, secret = (destination.scratch / one for one in ("database", "named", "listing", "secret"))
    async with source.database.session() as session:
        installation = await rows.installation(session)
    if installation is not None:
        await destination.claim(installation)
    name = await _free_name(destination)
    report("Reading the database")
    facts = await _snapshot(source, database, named)
    report("Copying pictures")
    with gzip.open(named, "rt", encoding="utf-8") as lines:
        wanted, progress = pictures.read_pictures(lines), counted(report, facts.pictures)
        saved = await pictures.save(destination, source.storage, wanted, listing, progress)
    await asyncio.to_thread(secret.write_text, source.secret, "utf-8")
    files: dict[str, SavedFile] = {}
    for file, path in ((DATABASE, database), (PICTURES, listing), (SECRET, secret)):
        files[file] = await destination.put(name, file, path)
        path.unlink()
    manifest = Manifest(
        name=name,
        installation=installation,
        revision=facts.revision,
        postgres=facts.postgres,
        files=files,
        rows=facts.counts,
        pictures=saved.pictures,
        picture_bytes=saved.bytes,
        lost=saved.lost_count,
    )
    if installation is not None:
        await destination.require_there()
    await destination.put_manifest(manifest)
    async with source.database.session() as session:
        await rows.backed_up(session, manifest.made_at)
    return Made(manifest, saved, destination.key is not None)


@dataclass(frozen=True)
class _Facts:
    revision: str
    postgres: int
    counts: dict[str, int]
    pictures: int


async def _snapshot(source: Source, database: Path, named: Path) -> _Facts:
    """Dump the database, and list what its rows name in storage: both as they are in the same moment."""
    isolated = source.database.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    async with isolated.connect() as connection:
        if (await connection.execute(rows.MIGRATED)).scalar_one() is None:
            raise BadInput("The database has no tables of Inkloom, so there is nothing to save.")
        snapshot = (await connection.execute(rows.SNAPSHOT)).one()[0]
        revision = (await connection.execute(rows.REVISION)).scalar_one()
        postgres = int((await connection.execute(rows.MAJOR)).scalar_one()) // 10_000
        counts = (await connection.execute(rows.COUNTS)).one()._asdict()
        program = await asyncio.to_thread(tool, "pg_dump", postgres)
        await dump(program, source.database_url, snapshot, database)
        number = 0
        with gzip.open(named, "wt", encoding="utf-8") as file:
            async for row in await connection.stream(rows.NAMED):
                number += 1
                file.write(SavedPicture(**row._asdict()).model_dump_json() + "\n")
    return _Facts(revision, postgres, counts, number)


@asynccontextmanager
async def _no_removals(database: Database) -> AsyncIterator[None]:
    """Inside, no picture is deleted: a round of removals that is under way ends first, and the next one waits."""
    while True:
        async with alone(database, SweepKind.REMOVALS) as ours:
            if ours:
                yield
                return
        await asyncio.sleep(POLL)


async def _free_name(destination: Destination) -> str:
    """The time, in seconds; another one if a backup of that name was begun."""
    while True:
        name = datetime.now(UTC).strftime(NAME)
        if name not in {*await destination.names(), *await destination.unfinished()}:
            return name
        await asyncio.sleep(POLL)


async def drop_old(destination: Destination, keep: int) -> int:
    """Delete all but the newest backups, what never became whole, and pictures that none of the kept ones has; returns
    how many backups. The caller makes the only backup.
    """
    await destination.storage.drop_unfinished(datetime.now(UTC) - timedelta(days=1))
    names = await destination.names()
    old = await _old(destination, names, keep)
    gone = [*old, *await destination.unfinished()]
    for name in gone:
        await destination.delete_backup(name)
    if gone:
        try:
            await _drop_pictures(destination, [name for name in names if name not in old])
        except Damaged as error:
            # It may be needed to find out what happened.
            log.warning("pictures of old backups are kept, because a backup there is damaged: %s", error.message)
    return len(old)


async def _old(destination: Destination, names: Sequence[str], keep: int) -> list[str]:
    """What has been replaced by `keep` newer good ones. A damaged one replaces none, and neither does one of an empty
    installation: it may be what is left after a loss. Those that are dated in the future stay.
    """
    dated = [name for name in names if not is_ahead(name)]
    good: list[str] = []
    empty: list[str] = []
    for name in dated:
        try:
            manifest = await destination.manifest(name)
        except BadInput:
            # Under another key, or of a later version: as good as any, as far as can be told here.
            good.append(name)
        except Damaged as error:
            log.warning("a backup is not counted: %s", error.message)
        else:
            (good if manifest.rows.get("projects") else empty).append(name)
    oldest = good[-keep] if len(good) >= keep else ""
    return [name for name in dated if name < oldest or name in empty[:-keep]]


async def _drop_pictures(destination: Destination, kept: Sequence[str]) -> None:
    """Delete pictures that none of these backups has."""
    keys = {name: await destination.key_of(name) for name in kept}
    used: set[bytes] = set()
    for name in kept:
        if keys[name] == (destination.key and destination.key.id):
            async with pictures.listed(destination, await destination.manifest(name)) as listed:
                used.update(destination.digest_of(one.key) for one in listed)
    await destination.drop_pictures(used, set(keys.values()))


def is_due(newest: datetime | None, hours: float) -> bool:
    """Whether it is time for the next backup. Rounds come hourly: half an hour early is better than half one late."""
    return newest is None or datetime.now(UTC) - newest >= timedelta(hours=hours) - timedelta(minutes=30)
