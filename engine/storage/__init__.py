"""The protocol of every storage of pictures and files."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

# The most keys in a page of a list.
PAGE = 1_000


class Stored(NamedTuple):
    """A key, and when its bytes were stored."""

    key: str
    at: datetime


class Storage(Protocol):
    """Bytes under keys, written once.

    Raises `engine.errors.StorageError`, which may be retried, and `NotConfigured` if a person must change something
    first. A missing key is `NotFound`, an invalid one (`keys.py`) `BadInput`.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Store `data` unless the key exists: a retried activity overwrites nothing."""

    async def put_file(self, key: str, path: Path) -> None:
        """The same for a file of any size."""

    async def get(self, key: str) -> bytes: ...

    async def fetch(self, key: str, path: Path) -> None:
        """Write the bytes to a local file; whole or not at all."""

    async def link(self, key: str, seconds: int) -> str | None:
        """A URL that gives its holder the bytes for that many seconds; None if the storage has no links.

        The storage is not asked: a link to a missing key leads to a 404.
        """

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete these keys; missing keys are no error."""

    async def delete_under(self, prefix: str) -> None:
        """Delete everything below `prefix/`; what is stored there meanwhile may stay."""

    def listed(self, prefix: str) -> AsyncIterator[Sequence[Stored]]:
        """Everything below `prefix/`, in pages; what is stored or deleted meanwhile may be in it or not."""

    async def drop_unfinished(self, before: datetime, *, dry_run: bool = False) -> int:
        """Delete what killed processes left half-written, if it is that old; returns how many there were."""

    async def check(self) -> None:
        """Raise the reason if it cannot be read or listed; changes nothing. Often asked."""

    async def trial(self) -> None:
        """Raise the reason if what is written is not kept as promised; leaves nothing behind."""

    async def close(self) -> None:
        """Close connections and threads."""
