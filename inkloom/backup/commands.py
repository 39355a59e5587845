"""`backup` and `restore`: what the commands do, apart from reading their arguments."""

import json
from pathlib import Path

from engine.backup import pictures
from engine.backup.destination import Destination, require_name
from engine.backup.manifest import Manifest
from engine.db.session import Database
from engine.errors import BadInput, Conflict
from engine.settings import Settings
from engine.storage.open import open_storage
from inkloom.alone import alone
from inkloom.amounts import agree, amount
from inkloom.backup.making import Source, make
from inkloom.backup.opening import opened
from inkloom.backup.progress import FILE, FILES
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
        f"Backup {made.manifest.name}: {_content(made.manifest, saved.pictures)} ({saved.bytes / 1e6:.1f} MB),"
        f" of which {saved.new:,} {agree(saved.new, 'is', 'are')} new here ({saved.new_bytes / 1e6:.1f} MB)."
    )
    if saved.lost_count:
        words += f"\n{_files(saved.lost_count)} missing from storage or damaged there:\n"
        words += "\n".join(f"  {key}" for key in saved.lost)
    print(json.dumps(made.as_json()) if as_json else words)  # noqa: T201  # the result
    return WITH_LOSSES if saved.lost_count else 0


async def _verify(destination: Destination, at: str | None, as_json: bool) -> int:
    manifest = await destination.manifest(await require_name(destination, at))
    wrong = await verified(destination, manifest.name, report)
    result = {"backup": manifest.name, "ok": not wrong.lost_count, "pictures": wrong.pictures, "bytes": wrong.bytes}
    result |= {"damaged": wrong.lost_count, "damaged_pictures": wrong.lost, "lost": manifest.lost}
    words = f"Backup {manifest.name} is whole: {amount(wrong.pictures, FILE, FILES)}, database and secret key."
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
        f"Backup {name} is restored: {_content(manifest, restored.pictures)}."
        " Start Inkloom: unfinished generations go on by themselves."
    )
    if lost:
        words += f"\n{_files(lost)} missing: the backup does not have {agree(lost, 'it', 'them')}."
    print(json.dumps(restored.as_json()) if as_json else words)  # noqa: T201  # the result
    return WITH_LOSSES if lost else 0


def _damaged(name: str, wrong: pictures.Saved) -> str:
    listed = "\n".join(f"  {key}" for key in wrong.lost)
    return (
        f"Of the backup {name}, {_files(wrong.lost_count)} missing or damaged:\n{listed}\n"
        "Delete what is damaged there, then make another backup: it copies it again."
    )


def _content(manifest: Manifest, files: int) -> str:
    """What a backup holds, as people count it."""
    rows = manifest.rows
    return (
        f"{amount(rows.get('projects', 0), 'project')}, {amount(rows.get('chapters', 0), 'chapter')},"
        f" {amount(files, FILE, FILES)}"
    )


def _files(count: int) -> str:
    """So many pictures or files "is" or "are"."""
    return f"{amount(count, FILE, 'pictures or files')} {agree(count, 'is', 'are')}"
