"""The protocol of every place where pictures and files lie."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """Bytes under keys, written once.

    Raises `engine.errors.StorageError`, which may be tried again, and `NotConfigured` where a person has to change
    something first. A missing key is `NotFound`, one that is none (`keys.py`) `BadInput`.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Store `data` unless the key is there already: a retried activity overwrites nothing."""

    async def put_file(self, key: str, path: Path) -> None:
        """The same for a file of any size."""

    async def get(self, key: str) -> bytes: ...

    async def fetch(self, key: str, path: Path) -> None:
        """Write the bytes to a local file; whole or not at all."""

    async def link(self, key: str, seconds: int) -> str | None:
        """A URL under which whoever has it reads the bytes, for so many seconds; None where storage has no such thing.

        Nothing is asked of the storage: a link to a missing key is one to a 404.
        """

    async def delete(self, keys: Sequence[str]) -> None:
        """Take away what lies under the keys; a key with nothing under it is no error."""

    async def delete_under(self, prefix: str) -> None:
        """Take away everything whose key begins with `prefix/`; what is put there meanwhile may stay."""

    async def check(self) -> None:
        """Raises what is wrong if it cannot be used as it is; changes nothing."""

    async def close(self) -> None:
        """Give up connections and threads."""
