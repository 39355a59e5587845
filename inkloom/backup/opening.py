"""Opens the destination that the command line or the settings name."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from engine.backup.destination import Destination, is_ahead
from engine.backup.encryption import BackupKey
from engine.errors import BadInput, StorageError
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.folder import FolderStorage
from engine.storage.open import S3, folder_at, open_storage, storage_at
from inkloom.local.errors import unwritable

# A name that no one chooses for a folder of their own, which would be deleted after a day.
SCRATCH = ".unfinished-backup-"
# Seconds after which nothing is on its way any more: a folder that is used is changed all the time.
LEFT = 24 * 3600


@asynccontextmanager
async def opened(settings: Settings, address: str | None, key_file: Path | None) -> AsyncIterator[Destination]:
    """The destination at an address, by default that of the settings, after a look at whether it can be used.

    Files on their way are in the data folder: a temporary folder may be in memory, and is smaller than a database.
    """
    storage, key = await _found(settings, address, key_file)
    data = settings.data.expanduser().absolute()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _drop_leftovers(data)
        scratch = Path(tempfile.mkdtemp(dir=data, prefix=SCRATCH))
    except OSError as error:
        raise unwritable(data, error) from error
    try:
        await storage.check()
        yield Destination(storage, key, scratch)
    except OSError as error:
        raise StorageError(f"A file could not be read or written: {error.strerror or error}.") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, True)
        await storage.close()


async def newest(settings: Settings) -> tuple[datetime | None, int]:
    """When the newest backup was begun in the destination that the settings name, and how many are dated in the future.
    Changes nothing.
    """
    storage, key = await _found(settings, None, None)
    try:
        await storage.check()
        destination = Destination(storage, key, settings.data)
        return await destination.newest(), sum(map(is_ahead, await destination.names()))
    finally:
        await storage.close()


async def _found(settings: Settings, address: str | None, key_file: Path | None) -> tuple[Storage, BackupKey | None]:
    """The storage and the key, after a look at both."""
    address = address or settings.backup_to
    if not address:
        raise BadInput("Name a folder or s3://bucket/prefix, on the command line or in INKLOOM_BACKUP_TO.")
    key_file = key_file or settings.backup_key_file
    key = None if key_file is None else await asyncio.to_thread(BackupKey.of, folder_at(str(key_file)))
    _require_apart(settings, address)
    at = address if address.startswith(S3) else str(_folder(address))
    return storage_at(at, settings, "The destination"), key


def _folder(address: str) -> Path:
    if "://" in address:
        raise BadInput(f"{address} is neither a folder nor s3://bucket/prefix.")
    folder = folder_at(address).absolute()
    if folder.is_file():
        raise BadInput(f"{folder} is a file. Backups are kept in a folder, which is made if it is not there: name one.")
    return folder


def _require_apart(settings: Settings, address: str) -> None:
    """A backup among what it saves is lost together with it."""
    wrong = f"{address} is where pictures are stored (INKLOOM_STORAGE). Name another destination for backups."
    if address.startswith(S3):
        if settings.storage and settings.storage.rstrip("/") == address.rstrip("/"):
            raise BadInput(wrong)
        return
    if settings.storage is None or "://" not in settings.storage:
        pictures = open_storage(settings)
        if isinstance(pictures, FolderStorage) and _folder(address).resolve().is_relative_to(pictures.root):
            raise BadInput(wrong)


def _drop_leftovers(data: Path) -> None:
    """Delete the files on their way that killed processes left."""
    before = time.time() - LEFT
    for left in data.glob(f"{SCRATCH}*/"):
        if left.stat().st_mtime < before:
            shutil.rmtree(left, ignore_errors=True)
