"""`backup` and `restore`: what the commands do, apart from reading their arguments."""

import json
from pathlib import Path

from engine.backup import pictures
from engine.backup.destination import Destination, require_name
from engine.db.session import Database
from engine.errors import BadInput, Conflict
from engine.settings import Settings
from engine.storage.open import open_storage
from inkloom.alone import alone
from inkloom.backup.making import Source, make
from inkloom.backup.opening import opened
from inkloom.backup.restoring import Restoring
from inkloom.backup.verifying import verified
from inkloom.commands import report
from inkloom.local.database_alone import database_alone
from inkloom.local.postgres_address import answers
from inkloom.local.secret import known_secret_key
from inkloom.local.signals import cancelled_by_signals
from models.sweeps import SweepKind

# Exit code: it was made, but storage lacks pictures that rows name.
WITH_LOSSES = 3


async def backup_command(
    settings: Settings, address: str | None, *, key_file: Path | None, at: str | None, verify: bool, as_json: bool
) -> int:
    """`backup`: make one, or read one back."""
    with cancelled_by_signals():
        async with opened(settings, address, key_file) as destination:
            if verify:
                return await _verify(destination, at, as_json)
            return await _make(settings, destination, as_json)


async def _make(settings: Settings, destination: Destination, as_json: bool) -> int:
    secret = known_secret_key(settings)
    async with database_alone(settings, report) as url:
        if not await answers(url):
            raise BadInput("The database does not answer. Check INKLOOM_DATABASE_URL and that the server runs.")
        database, storage = Database(url, pool_size=4), open_storage(settings)
        try:
            async with alone(database, SweepKind.BACKUPS) as ours:
                if not ours:
                    raise Conflict("Another backup is being made. Wait until it is done, then run it again.")
                made = await make(Source(database, url, storage, secret), destination, report)
        finally:
            await storage.close()
            await database.close()
    saved = made.saved
    words = (
        f"Backup {made.manifest.name}: {made.manifest.rows['projects']} projects,"
        f" {made.manifest.rows['chapters']} chapters, {saved.pictures} pictures and files ({saved.bytes / 1e6:.1f} MB),"
        f" of which {saved.new} are new here ({saved.new_bytes / 1e6:.1f} MB)."
    )
    if saved.lost_count:
        words += f"\n{saved.lost_count} pictures or files are missing from storage or damaged there, among them:\n"
        words += "\n".join(f"  {key}" for key in saved.lost)
    print(json.dumps(made.as_json()) if as_json else words)  # noqa: T201  # the result
    return WITH_LOSSES if saved.lost_count else 0


async def _verify(destination: Destination, at: str | None, as_json: bool) -> int:
    manifest = await destination.manifest(await require_name(destination, at))
    wrong = await verified(destination, manifest.name, report)
    result = {"backup": manifest.name, "ok": not wrong.lost_count, "pictures": wrong.pictures, "bytes": wrong.bytes}
    result |= {"damaged": wrong.lost_count, "damaged_pictures": wrong.lost, "lost": manifest.lost}
    words = f"Backup {manifest.name} is whole: {wrong.pictures} pictures and files, database and secret key."
    if wrong.lost_count:
        words = _damaged(manifest.name, wrong)
    print(json.dumps(result) if as_json else words)  # noqa: T201  # the result
    return 1 if wrong.lost_count else 0


async def restore_command(
    settings: Settings,
    address: str | None,
    *,
    key_file: Path | None,
    at: str | None,
    without_damaged: bool,
    as_json: bool,
) -> int:
    """`restore`: into an empty database and an empty storage."""
    with cancelled_by_signals():
        async with opened(settings, address, key_file) as destination:
            storage = open_storage(settings)
            try:
                restoring = Restoring(settings, destination, storage, report)
                name = await require_name(destination, at)
                manifest = await restoring.checked(name, without_damaged=without_damaged)
                async with database_alone(settings, report) as url:
                    restored = await restoring.into(url, manifest)
            finally:
                await storage.close()
    lost = restored.damaged_count + manifest.lost
    words = (
        f"Backup {name} is restored: {manifest.rows['projects']} projects, {manifest.rows['chapters']} chapters,"
        f" {restored.pictures} pictures and files. Start Inkloom: unfinished generations go on by themselves."
    )
    if lost:
        words += f"\n{lost} pictures or files are missing: the backup does not have them."
    print(json.dumps(restored.as_json()) if as_json else words)  # noqa: T201  # the result
    return WITH_LOSSES if lost else 0


def _damaged(name: str, wrong: pictures.Saved) -> str:
    listed = "\n".join(f"  {key}" for key in wrong.lost)
    return (
        f"{wrong.lost_count} pictures or files of the backup {name} are missing or damaged, among them:\n{listed}\n"
        "Delete them there, then make another backup: it copies them again."
    )
