"""Storage while pictures move: what is not in the one place yet is read from the other."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from engine.errors import NotFound
from engine.storage import Storage, Stored
from engine.storage.keys import checked


class MovingStorage:
    """Writes go to `first`. Reads ask it first, then `other`; deletions reach both."""

    def __init__(self, first: Storage, other: Storage) -> None:
        self.first = first
        self.other = other

    async def put(self, key: str, data: bytes) -> None:
        await self.first.put(key, data)

    async def put_file(self, key: str, path: Path) -> None:
        await self.first.put_file(key, path)

    async def get(self, key: str) -> bytes:
        try:
            return await self.first.get(key)
        except NotFound:
            return await self.other.get(key)

    async def fetch(self, key: str, path: Path) -> None:
        try:
            await self.first.fetch(key, path)
        except NotFound:
            await self.other.fetch(key, path)

    async def link(self, key: str, seconds: int) -> str | None:
        """None: without a question to both, it is not known where a link would have to lead."""
        checked(key)
        return None

    async def delete(self, keys: Sequence[str]) -> None:
        # The other first: a copy that is under way then finds nothing to copy, rather than putting it back.
        await self.other.delete(keys)
        await self.first.delete(keys)

    async def delete_under(self, prefix: str) -> None:
        await self.other.delete_under(prefix)
        await self.first.delete_under(prefix)

    async def listed(self, prefix: str) -> AsyncIterator[Sequence[Stored]]:
        """What is in both comes twice."""
        for storage in (self.first, self.other):
            async for page in storage.listed(prefix):
                yield page

    async def drop_unfinished(self, before: datetime, *, dry_run: bool = False) -> int:
        return sum([await one.drop_unfinished(before, dry_run=dry_run) for one in (self.first, self.other)])

    async def check(self) -> None:
        await self.first.check()
        await self.other.check()

    async def trial(self) -> None:
        # Nothing is written to the other one.
        await self.first.trial()
        await self.other.check()

    async def close(self) -> None:
        await self.first.close()
        await self.other.close()
