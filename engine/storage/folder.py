"""Storage in a folder: every file appears whole, under its key, or not at all."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from engine.errors import NotFound, StorageError
from engine.storage.keys import checked


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

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _write(self, target: Path, source: bytes | Path) -> None:
        if target.exists():
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, source, replace=False)
        except OSError as error:
            raise StorageError(f"{target.name} could not be written: {error.strerror or error}") from error

    def _read(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"There is nothing stored under {key}.") from error
        except OSError as error:
            raise StorageError(f"{key} could not be read: {error.strerror or error}") from error

    def _copy(self, key: str, path: Path) -> None:
        source = self._path(key)
        if not source.exists():
            raise NotFound(f"There is nothing stored under {key}.")
        try:
            write_whole(path, source, replace=True)
        except OSError as error:
            raise StorageError(f"{path} could not be written: {error.strerror or error}") from error


def write_whole(target: Path, source: bytes | Path, *, replace: bool) -> None:
    """Write beside the target, flush to disk, then give it its name: a crash leaves the old state or the new one.

    Without `replace` an existing target stays as it is.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _pour(source, file)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)
        if replace:
            part.replace(target)
        else:
            try:
                # A hard link fails where the name is taken; a rename would silently replace what another wrote.
                target.hardlink_to(part)
            except FileExistsError:
                return
            except OSError:
                part.replace(target)
        _flush_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _pour(source: bytes | Path, file: IO[bytes]) -> None:
    if isinstance(source, bytes):
        file.write(source)
        return
    with source.open("rb") as opened:
        shutil.copyfileobj(opened, file, 1 << 20)


def _flush_folder(folder: Path) -> None:
    """The name is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
