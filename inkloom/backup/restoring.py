"""Restores a backup into an empty database and an empty storage.

Everything that could be wrong is looked at before anything is changed. Then come the pictures, the secret key, and last
the database, all of it or nothing: until it is there the target counts as empty, and a restore that was cut off is
simply run again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlmodel import SQLModel
from temporalio.service import RPCError, RPCStatusCode

import models.tables  # noqa: F401  # fills the metadata
from engine.backup import pictures
from engine.backup.destination import Destination
from engine.backup.encryption import Damaged
from engine.backup.manifest import DATABASE, Manifest
from engine.db.session import Database
from engine.errors import BadInput, Conflict, EngineError
from engine.money.abandoned import abandon_all
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.atomic import write_whole
from inkloom.all_workflows import query_of
from inkloom.amounts import agree, amount
from inkloom.backup.progress import FILE, counted
from inkloom.backup.tools import restore, tool
from inkloom.backup.verifying import verified
from inkloom.database import ROOT, upgrade
from inkloom.local.database_alone import runs_here
from inkloom.local.postgres_address import connect as connect_database
from inkloom.local.temporal import move_aside
from inkloom.worker import connect as connect_temporal

# A process that works holds its connections; the supervisor's look at whether the server answers is soon over.
LOOKS, PAUSE = 4, 0.3
# Where pictures are: by project, and as the first versions kept them.
_FOLDERS = ("p", "images", "thumbnails", "exports")
# Rows of these make a database one that somebody works with.
_PEOPLES = ("users", "projects", "generations", "provider_calls")


@dataclass(frozen=True)
class Restored:
    """A backup that was restored. `damaged` pictures were left out."""

    manifest: Manifest
    pictures: int
    damaged: Sequence[str]
    damaged_count: int

    def as_json(self) -> dict[str, Any]:
        """The output of `restore --json`."""
        return {
            "backup": self.manifest.name,
            "rows": self.manifest.rows,
            "pictures": self.pictures,
            "lost": self.manifest.lost,
            "damaged": self.damaged_count,
            "damaged_pictures": list(self.damaged),
        }


class Restoring:
    """One restore: first everything that may refuse it, then everything that changes something."""

    def __init__(
        self, settings: Settings, destination: Destination, storage: Storage, report: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._destination = destination
        self._storage = storage
        self._report = report

    async def checked(self, name: str, *, without_damaged: bool) -> Manifest:
        """The manifest of a backup that can be restored here, as far as that can be told without the database."""
        if runs_here(self._settings):
            raise Conflict("Inkloom is running on this data folder. Stop it (Ctrl-C where `up` runs), then restore.")
        manifest = await self._destination.manifest(name)
        _require_known(manifest)
        self._require_secret(await self._destination.secret(manifest))
        await self._require_no_workflows()
        await self._require_empty_storage(manifest)
        wrong = await verified(self._destination, name, self._report)
        if wrong.lost_count and not without_damaged:
            listed = "\n".join(f"  {key}" for key in wrong.lost)
            files = amount(wrong.lost_count, FILE, "pictures or files")
            raise Damaged(
                f"Of the backup {name}, {files} {agree(wrong.lost_count, 'is', 'are')} missing or damaged:\n{listed}\n"
                "Restore another backup with --at, or all but these with --without-damaged."
            )
        return manifest

    async def into(self, url: str, manifest: Manifest) -> Restored:
        """Restore into the database of this address and the storage."""
        major = await _require_empty_database(url)
        if major < manifest.postgres:
            raise BadInput(
                f"The backup was made from Postgres {manifest.postgres}, and this server is Postgres {major}."
                f" Restore it into Postgres {manifest.postgres} or later."
            )
        program = await asyncio.to_thread(tool, "pg_restore", max(major, manifest.postgres))
        dump = self._destination.scratch / DATABASE
        await self._destination.fetch(manifest, DATABASE, dump)
        secret = await self._destination.secret(manifest)
        self._report("Copying pictures")
        given = await pictures.give_back(
            self._destination, manifest, self._storage, counted(self._report, manifest.pictures)
        )
        self._report("Restoring the database")
        # Copying takes hours, in which someone may have begun to work here: nothing else is changed before this look.
        await _drop_empty_tables(url)
        self._keep_secret(secret)
        self._forget_workflows()
        await restore(program, url, dump)
        await self._settle(url)
        return Restored(manifest, given.pictures, given.lost, given.lost_count)

    async def _settle(self, url: str) -> None:
        """Bring the database to this version; no process waits for an answer any more that it says is awaited."""
        await asyncio.to_thread(upgrade, self._settings.model_copy(update={"database_url": url}))
        database = Database(url, pool_size=1)
        try:
            async with database.session() as session:
                await abandon_all(session)
        finally:
            await database.close()

    def _require_secret(self, secret: str) -> None:
        given = self._settings.secret_key
        if given is not None and given.get_secret_value() not in ("", secret):
            raise BadInput(
                "INKLOOM_SECRET_KEY is not the secret key of this backup, which signs its tokens and webhooks. Unset it"
                " for the restore: the backup's key is then written to secret_key in the data folder. Afterwards, set"
                " it to that key, or leave it unset."
            )

    def _keep_secret(self, secret: str) -> None:
        """Put the key in its file. One that was made while the target was empty is moved aside."""
        path = self._settings.data.expanduser().absolute() / "secret_key"
        if path.exists():
            if path.read_text().strip() == secret:
                return
            path.replace(_unused(path.with_name("secret_key.before-restore")))
        write_whole(path, secret.encode(), replace=True, private=True)

    async def _require_no_workflows(self) -> None:
        """Another Temporal's histories tell of steps that the restored rows do not know."""
        address, namespace = self._settings.temporal_address, self._settings.temporal_namespace
        if address is None:
            return
        try:
            client = await connect_temporal(address, namespace)
            there = (await client.count_workflows(f"{query_of()} AND WorkflowType != 'SweepWorkflow'")).count
        except (RuntimeError, RPCError) as error:
            if isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND:
                # The namespace is yet to be made.
                return
            self._report(f"Temporal at {address} does not answer; it must have no workflows of Inkloom when it starts")
            return
        if there:
            raise Conflict(
                f"Temporal at {address} has workflows of Inkloom in the namespace {namespace} ({there}), which belong"
                " to another state of the database. Name another namespace in TEMPORAL_NAMESPACE, or empty this one."
            )

    def _forget_workflows(self) -> None:
        """The embedded server begins again with no workflow: the sweeper starts what the rows say is open."""
        database = self._settings.data.expanduser().absolute() / "temporal" / "temporal.db"
        if self._settings.temporal_address is None and database.exists():
            self._report(f"Temporal's database was moved to {move_aside(database)}")

    async def _require_empty_storage(self, manifest: Manifest) -> None:
        """What a restore that was cut off left here may stay: it is the same."""
        ours: set[bytes] | None = None
        for folder in _FOLDERS:
            async for page in self._storage.listed(folder):
                if ours is None:
                    async with pictures.listed(self._destination, manifest) as listed:
                        ours = {self._destination.digest_of(picture.key) for picture in listed}
                for stored in page:
                    if self._destination.digest_of(stored.key) not in ours:
                        raise Conflict(
                            f"Storage is not empty: it has {stored.key}, for example, which this backup does not have."
                            " Name an empty folder or prefix in INKLOOM_STORAGE, or an empty INKLOOM_DATA."
                        )


def _unused(path: Path) -> Path:
    """The path, or with the first number that makes it one of no file: an earlier restore has kept a key, too."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(one for one in chain((path,), numbered) if not one.exists())


def _require_known(manifest: Manifest) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if manifest.revision not in known:
        raise BadInput(
            f"The backup {manifest.name} has revision {manifest.revision} of the database, which this version of"
            " Inkloom does not know. Install the version that made it, or a later one, then restore it."
        )


async def _require_empty_database(url: str) -> int:
    """Refuse a database with rows of people, tables of others, or sessions; returns the server's major version."""
    try:
        connection = await connect_database(url)
    except psycopg.Error as error:
        raise BadInput("The database does not answer. Check INKLOOM_DATABASE_URL and that the server runs.") from error
    async with connection:
        await _require_alone(connection)
        await _require_untouched(connection)
        return connection.info.server_version // 10_000


async def _require_untouched(connection: psycopg.AsyncConnection[Any]) -> None:
    """Refuse a database with tables of others, or with rows of people."""
    tables = set(await _tables(connection))
    if others := tables - {*SQLModel.metadata.tables, "alembic_version"}:
        raise Conflict(
            f"The database has tables that are not Inkloom's, such as {min(others)}. Restore into an empty one:"
            " create it, and name it in INKLOOM_DATABASE_URL."
        )
    for name in _PEOPLES:
        if name in tables and await _any_row(connection, name):
            raise Conflict(
                f"The database is not empty: it has {name.replace('_', ' ')}. Restore into an empty one: name"
                " another in INKLOOM_DATABASE_URL, or an empty INKLOOM_DATA."
            )


async def _require_alone(connection: psycopg.AsyncConnection[Any]) -> None:
    staying: set[int] | None = None
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(PAUSE)
        found = await connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        pids = {int(row[0]) for row in await found.fetchall()}
        staying = pids if staying is None else staying & pids
        if not staying:
            return
    raise Conflict(
        f"Other sessions are connected to the database ({len(staying or ())}). Stop the API and all workers (and close"
        " other clients), then restore."
    )


async def _tables(connection: psycopg.AsyncConnection[Any]) -> list[str]:
    found = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [str(row[0]) for row in await found.fetchall()]


async def _any_row(connection: psycopg.AsyncConnection[Any], name: str) -> bool:
    found = await connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier("public", name)))
    return await found.fetchone() is not None


async def _drop_empty_tables(url: str) -> None:
    """Tables that a migration has made are in the way of those of the backup, which may be older.

    They are locked before they are looked at once more, and until they are gone: no row can come in between.
    """
    try:
        await _emptied(url)
    except psycopg.errors.LockNotAvailable as error:
        raise Conflict(
            "Another session works on the database. Stop whatever is connected to it, then restore."
        ) from error
    except psycopg.Error as error:
        raise EngineError("The database does not answer any more. Check its server, then run it again.") from error


async def _emptied(url: str) -> None:
    async with await connect_database(url) as connection:
        await _require_alone(connection)
        async with connection.transaction():
            tables = await _tables(connection)
            names = sql.SQL(", ").join(sql.Identifier("public", name) for name in tables)
            if tables:
                await connection.execute("SET LOCAL lock_timeout = '10s'")
                await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
            await _require_untouched(connection)
            if tables:
                await connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(names))
