"""Pictures and built files on their way into a backup, and their check and return."""

import asyncio
import gzip
import tempfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar

from engine.backup.destination import Destination
from engine.backup.encryption import Damaged, hashed
from engine.backup.manifest import PICTURES, Manifest, SavedPicture
from engine.errors import NotFound
from engine.storage import Storage

ResultT = TypeVar("ResultT")

AT_A_TIME = 16
LONGEST_LINE = 8192
# So many damaged pictures are named; the rest is counted.
NAMED = 20


@dataclass
class Saved:
    """What was saved of the pictures: all that the backup has, and what was new in this destination."""

    pictures: int = 0
    bytes: int = 0
    new: int = 0
    new_bytes: int = 0
    lost: list[str] = field(default_factory=list)
    lost_count: int = 0

    def lose(self, key: str) -> None:
        self.lost_count += 1
        if len(self.lost) < NAMED:
            self.lost.append(key)


async def save(
    destination: Destination,
    storage: Storage,
    wanted: Iterable[SavedPicture],
    listing: Path,
    progress: Callable[[int], None] = lambda done: None,
) -> Saved:
    """Copy what the destination does not have yet, and write to `listing` what belongs to the backup. `progress` hears
    how many are done.
    """
    saved, there = Saved(), await destination.pictures()

    async def one(picture: SavedPicture) -> SavedPicture:
        if destination.has(there, picture.key):
            return picture
        with tempfile.TemporaryDirectory(dir=destination.scratch) as folder:
            path = Path(folder, "picture")
            try:
                await storage.fetch(picture.key, path)
            except NotFound:
                return picture.model_copy(update={"lost": True})
            # The row says what was paid for: other bytes under its key are no copy of it.
            if (await asyncio.to_thread(hashed, path))[0] != picture.sha256:
                return picture.model_copy(update={"lost": True})
            await destination.put_picture(picture.key, path)
            saved.new += 1
            saved.new_bytes += picture.bytes
            return picture

    with gzip.open(listing, "wt", encoding="utf-8") as file:
        async for some in _together(one, wanted):
            for picture in some:
                file.write(picture.model_dump_json() + "\n")
                if picture.lost:
                    saved.lose(picture.key)
                else:
                    saved.pictures += 1
                    saved.bytes += picture.bytes
            progress(saved.pictures + saved.lost_count)
    return saved


async def damaged(
    destination: Destination, manifest: Manifest, progress: Callable[[int], None] = lambda done: None
) -> Saved:
    """Read every picture of a backup back; what is not as it was saved is among the lost."""
    saved = Saved()

    async def one(picture: SavedPicture) -> tuple[SavedPicture, bool]:
        with tempfile.TemporaryDirectory(dir=destination.scratch) as folder:
            return picture, await _whole(destination, picture, Path(folder, "picture"))

    async with listed(destination, manifest) as pictures:
        async for some in _together(one, (picture for picture in pictures if not picture.lost)):
            for picture, whole in some:
                if whole:
                    saved.pictures += 1
                    saved.bytes += picture.bytes
                else:
                    saved.lose(picture.key)
            progress(saved.pictures + saved.lost_count)
    return saved


async def give_back(
    destination: Destination,
    manifest: Manifest,
    storage: Storage,
    progress: Callable[[int], None] = lambda done: None,
) -> Saved:
    """Copy every picture of a backup that is whole into a storage."""
    saved = Saved()

    async def one(picture: SavedPicture) -> None:
        with tempfile.TemporaryDirectory(dir=destination.scratch) as folder:
            path = Path(folder, "picture")
            if not await _whole(destination, picture, path):
                saved.lose(picture.key)
                return
            await storage.put_file(picture.key, path)
            saved.pictures += 1
            saved.bytes += picture.bytes

    async with listed(destination, manifest) as pictures:
        async for _ in _together(one, (picture for picture in pictures if not picture.lost)):
            progress(saved.pictures + saved.lost_count)
    return saved


def read_pictures(file: IO[str], most: int | None = None) -> Iterator[SavedPicture]:
    """The pictures that a list names, line by line. Raises `Damaged` for a line that names none, and for a list of more
    than `most`: a small packed file may unpack without end.
    """
    number = 0
    try:
        while line := file.readline(LONGEST_LINE):
            number += 1
            if most is not None and number > most:
                raise Damaged("The list of pictures of the backup has more than its manifest says.")
            yield SavedPicture.model_validate_json(line)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        raise Damaged("The list of pictures of the backup cannot be read.") from error


async def _whole(destination: Destination, picture: SavedPicture, path: Path) -> bool:
    """Whether a picture could be read as it was saved, to `path`."""
    try:
        await destination.fetch_picture(picture.key, path)
    except Damaged:
        return False
    return (await asyncio.to_thread(hashed, path))[0] == picture.sha256


@asynccontextmanager
async def listed(destination: Destination, manifest: Manifest) -> AsyncIterator[Iterator[SavedPicture]]:
    """The pictures of a backup, one after another, from its checked listing."""
    with tempfile.TemporaryDirectory(dir=destination.scratch) as folder:
        path = Path(folder, PICTURES)
        await destination.fetch(manifest, PICTURES, path)
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield read_pictures(file, manifest.pictures + manifest.lost)


async def _together(
    work: Callable[[SavedPicture], Awaitable[ResultT]], pictures: Iterable[SavedPicture]
) -> AsyncIterator[Sequence[ResultT]]:
    """Do the work for some pictures at a time."""
    waiting = iter(pictures)
    while some := await asyncio.to_thread(lambda: list(islice(waiting, AT_A_TIME))):
        # All of them end before the first error is raised: none goes on in a folder that is being cleared.
        done = await asyncio.gather(*map(work, some), return_exceptions=True)
        for result in done:
            if isinstance(result, BaseException):
                raise result
        yield [result for result in done if not isinstance(result, BaseException)]
