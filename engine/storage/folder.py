"""Storage in a folder: every file appears whole, under its key, or not at all."""

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from engine.errors import NotFound, StorageError
from engine.storage import PAGE, Stored
from engine.storage.atomic import UNFINISHED, write_whole
from engine.storage.keys import checked

# Bytes that a check writes: more than what a file system keeps beside the name of a small file.
TRIAL = 64 * 1024


class FolderStorage:
    """Files under one root."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    async def put(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self._path(key), data)

    async def put_file(self, key: str, path: Path) -> None:
        await asyncio.to_thread(self._write, self._path(key), path)

    async def get(self, key: str) -> bytes:
        return await asyncio.to_thread(self._read, key)

    async def fetch(self, key: str, path: Path) -> None:
        await asyncio.to_thread(self._copy, key, path)

    async def link(self, key: str, seconds: int) -> str | None:
        """None: a folder serves no links."""
        checked(key)
        return None

    async def delete(self, keys: Sequence[str]) -> None:
        await asyncio.to_thread(self._delete, [self._path(key) for key in keys])

    async def delete_under(self, prefix: str) -> None:
        await asyncio.to_thread(self._delete_under, self._path(prefix))

    async def listed(self, prefix: str) -> AsyncIterator[Sequence[Stored]]:
        found = self._found(self._path(prefix))
        while page := await asyncio.to_thread(lambda: list(islice(found, PAGE))):
            yield page

    async def drop_unfinished(self, before: datetime, *, dry_run: bool = False) -> int:
        return await asyncio.to_thread(self._drop_unfinished, before, dry_run)

    async def check(self) -> None:
        await asyncio.to_thread(self._try)

    async def trial(self) -> None:
        # A file system keeps what it has taken; `check` writes.
        await self.check()

    async def close(self) -> None:
        """Nothing is held open."""

    def _try(self) -> None:
        folder = next(path for path in (self.root, *self.root.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                # An empty file, or one that is only in memory, can be made on a full disk, too.
                file.write(os.urandom(TRIAL))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"{folder} cannot be written to: {error.strerror or error}.") from error

    def _found(self, folder: Path) -> Iterator[Stored]:
        def unreadable(error: OSError) -> None:
            # Deleted meanwhile, or never there: then nothing is in it.
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise StorageError(f"{folder.name} could not be listed: {error.strerror or error}") from error

        for where, folders, names in os.walk(folder, onerror=unreadable):
            folders.sort()
            # Files that are being written have names that are no keys.
            for path in (Path(where, name) for name in sorted(names) if not name.startswith(".")):
                try:
                    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except OSError as error:
                    # A link that leads to itself is as much there as one that leads to nothing.
                    if error.errno not in (errno.ENOENT, errno.ELOOP):
                        unreadable(error)
                    continue
                yield Stored(path.relative_to(self.root).as_posix(), at)

    def _drop_unfinished(self, before: datetime, dry_run: bool) -> int:
        count = 0
        try:
            for path in self.root.rglob(f"{UNFINISHED}*"):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime < before.timestamp():
                        count += 1
                        if not dry_run:
                            path.unlink()
        except OSError as error:
            raise StorageError(f"{self.root} could not be searched: {error.strerror or error}") from error
        return count

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _write(self, target: Path, source: bytes | Path) -> None:
        if target.exists():
            return
        try:
            _private_folder(target.parent)
            write_whole(target, source, replace=False, private=True)
        except OSError as error:
            raise StorageError(f"{target.name} could not be written: {error.strerror or error}") from error

    @staticmethod
    def _delete(paths: Sequence[Path]) -> None:
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except NotADirectoryError:
                continue
            except OSError as error:
                raise StorageError(f"{path.name} could not be deleted: {error.strerror or error}") from error

    @staticmethod
    def _delete_under(folder: Path) -> None:
        try:
            if folder.is_dir():
                # With files being written: their writer finds the folder gone and starts again, or gives up.
                shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{folder.name} could not be deleted: {error.strerror or error}") from error

    def _read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"Nothing is stored under {key}.") from error
        except OSError as error:
            raise StorageError(f"{key} could not be read: {error.strerror or error}") from error

    def _copy(self, key: str, path: Path) -> None:
        source = self._path(key)
        # A device or a pipe would be read for ever.
        if not source.is_file():
            raise NotFound(f"Nothing is stored under {key}.")
        try:
            write_whole(path, source, replace=True)
        except OSError as error:
            raise StorageError(f"{path} could not be written: {error.strerror or error}") from error


def _private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, for their owner only."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        _private_folder(folder.parent)
        _private_folder(folder)
