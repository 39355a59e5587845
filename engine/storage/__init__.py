"""The protocol of every place where pictures and files lie."""

from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """Bytes under keys, written once. Raises `engine.errors.StorageError`; a missing key is `NotFound`."""

    async def put(self, key: str, data: bytes) -> None:
        """Store `data` unless the key is there already: a retried activity overwrites nothing."""

    async def put_file(self, key: str, path: Path) -> None:
        """The same for a file of any size."""

    async def get(self, key: str) -> bytes: ...

    async def fetch(self, key: str, path: Path) -> None:
        """Write the bytes to a local file; whole or not at all."""
