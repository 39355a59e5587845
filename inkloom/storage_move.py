"""`storage move`: copies all pictures and files to another place while work goes on, and checks every hash.

The settings make the switch: with both places in them, every process reads both, so that at no moment a picture is
missing. This command copies what the new place lacks, and says which setting comes next (docs/storage.md).
"""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.errors import BadInput, EngineError, NotFound, StorageError
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.keys import PROJECTS
from engine.storage.open import place_of, same_place, storage_at
from inkloom.admin.printing import print_answer
from inkloom.amounts import amount
from inkloom.commands import report
from inkloom.local.signals import cancelled_by_signals

# What keys begin with; those without a project are of earlier versions.
ROOTS = (PROJECTS, "images", "thumbnails", "exports")
# Objects that are copied or compared at a time.
PARALLEL = 8
# Seconds between two lines of progress.
REPORT_EVERY = 5.0
# Exit codes, as everywhere: completed, with failures, waits for a person.
DONE, WITH_FAILURES, WAITS = 0, 3, 4
# Keys that are named after the hash of what is stored under them; a thumbnail is named after its picture.
_NAMED_BY_HASH = re.compile(r"(?:^|/)(?:images|exports)/[0-9a-f]{2}/([0-9a-f]{64})\.")


@dataclass
class Moved:
    """What a run has done.

    `there` are objects that were in the new place, `repaired` those that were there with other bytes, `gone` those that
    were deleted while they were copied. `damaged` are those whose bytes are not what their key names; they are copied
    as they are.
    """

    objects: int = 0
    copied: int = 0
    there: int = 0
    repaired: int = 0
    gone: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


async def move_command(settings: Settings, destination: str, *, dry_run: bool, as_json: bool) -> int:
    """`move`: 0 once everything is there and the new place is in use, 4 if a setting comes next."""
    source, switched = _between(settings, destination, dry_run)
    with cancelled_by_signals():
        async with _opened(settings, source, "the source") as old, _opened(settings, destination, "DESTINATION") as new:
            await old.check()
            await (new.check() if dry_run else new.trial())
            moved = await move(old, new, report, dry_run=dry_run)
    next_step = _next(source, destination, switched, moved, dry_run)
    answer = {"from": source, "to": destination, "dry_run": dry_run, **asdict(moved), "next": next_step}
    lines = [
        f"{amount(moved.objects, 'object')}: {moved.copied} {'to copy' if dry_run else 'copied'}"
        f" ({moved.bytes / 1e6:.1f} MB), {moved.there} in the new place already,"
        f" {moved.repaired} {'to replace' if dry_run else 'replaced'} that had other bytes,"
        f" {moved.gone} deleted meanwhile",
        *(f"damaged at the source: {key}" for key in moved.damaged),
        *(f"failed: {key}: {why}" for key, why in moved.failed.items()),
        next_step,
    ]
    print_answer(answer, as_json, lines)
    if moved.failed or moved.damaged:
        return WITH_FAILURES
    return DONE if dry_run or (switched and moved.objects) else WAITS


def _between(settings: Settings, destination: str, dry_run: bool) -> tuple[str, bool]:
    """Where to move from, and whether the new place is in use already. Raises `BadInput` for other settings."""
    # Compose passes on what is empty in `.env`.
    present, also = place_of(settings), settings.storage_also or None
    if same_place(present, destination):
        if also is None:
            raise BadInput(
                f"INKLOOM_STORAGE is {destination} already. To move to it from elsewhere, name the other place in"
                " INKLOOM_STORAGE_ALSO."
            )
        return also, True
    if not dry_run and (also is None or not same_place(also, destination)):
        raise BadInput(
            f"First let all processes read both places: set INKLOOM_STORAGE_ALSO={destination} for the API, the workers"
            " and this command, restart them, and give this command again. `--dry-run` needs no setting."
        )
    return present, False


def _next(source: str, destination: str, switched: bool, moved: Moved, dry_run: bool) -> str:
    if dry_run:
        return (
            f"Nothing was changed. To begin, set INKLOOM_STORAGE_ALSO={destination} for all processes and restart them."
        )
    if not moved.objects:
        return (
            f"{source} has no pictures or files. If it should have some, check that it is mounted and named as before,"
            " and change no setting until then."
        )
    if moved.failed:
        return "Not everything is there yet. Give the same command again: it continues."
    if not switched:
        return (
            f"Now set INKLOOM_STORAGE={destination} and INKLOOM_STORAGE_ALSO={source} for all processes, restart them,"
            " and give the same command again: it copies what has been stored since."
        )
    return (
        f"Everything is in {destination}. Unset INKLOOM_STORAGE_ALSO for all processes, and restart them."
        f" Then {source} is not read any more, and may be deleted."
    )


@asynccontextmanager
async def _opened(settings: Settings, place: str, named: str) -> AsyncIterator[Storage]:
    storage = storage_at(place, settings, named)
    try:
        yield storage
    finally:
        await storage.close()


async def move(old: Storage, new: Storage, report_line: Callable[[str], None], *, dry_run: bool = False) -> Moved:
    """Copy what `new` lacks, and compare what it has. May be interrupted and called again."""
    with TemporaryDirectory(prefix="inkloom-moving-") as folder:
        mover = _Mover(old, new, Path(folder), dry_run, {key async for key in _keys(new)})
        await mover.all(report_line)
        await mover.take_back()
    return mover.moved


async def _keys(storage: Storage) -> AsyncIterator[str]:
    for root in ROOTS:
        async for page in storage.listed(root):
            for key, _ in page:
                yield key


@dataclass
class _Mover:
    """One run: from `old` to `new`, through files in `folder`. `there` are the keys that were in `new` before."""

    old: Storage
    new: Storage
    folder: Path
    dry_run: bool
    there: Set[str]
    moved: Moved = field(default_factory=Moved)
    brought: list[str] = field(default_factory=list)

    async def all(self, report_line: Callable[[str], None]) -> None:
        """Bring over everything, `PARALLEL` objects at a time."""
        last_report, slots = time.monotonic(), asyncio.Semaphore(PARALLEL)
        async with asyncio.TaskGroup() as group:
            async for key in _keys(self.old):
                await slots.acquire()
                self.moved.objects += 1
                task = group.create_task(self._one(key, self.folder / str(self.moved.objects)))
                task.add_done_callback(lambda _: slots.release())
                if time.monotonic() - last_report > REPORT_EVERY:
                    last_report = time.monotonic()
                    report_line(
                        f"{amount(self.moved.objects, 'object')}: {self.moved.copied} copied,"
                        f" {self.moved.there} in the new place already"
                    )

    async def take_back(self) -> None:
        """Delete what was deleted while it was copied: that has reached both places, but perhaps this one too early."""
        if not self.brought:
            return
        left = {key async for key in _keys(self.old)}
        if not left:
            # A disk that went away looks like a folder in which all was deleted. What was deleted has no row any more,
            # and is found by the sweep `objects`.
            raise StorageError(
                "The source lists nothing any more: nothing was deleted from the new place. Check that the source is"
                " there, then give the same command again."
            )
        gone = [key for key in self.brought if key not in left]
        await self.new.delete(gone)
        self.moved.gone += len(gone)

    async def _one(self, key: str, place: Path) -> None:
        """Bring one object over. One that fails does not keep the others from it."""
        given, taken = place.with_suffix(".old"), place.with_suffix(".new")
        try:
            named = _NAMED_BY_HASH.search(key)
            if key in self.there and named and await _sha256(self.new, key, taken) == named[1]:
                # What its key promises: there is no need to read the original.
                self.moved.there += 1
                return
            sha256 = await _sha256(self.old, key, given)
            if sha256 is None:
                self.moved.gone += 1
                return
            if named and sha256 != named[1]:
                self.moved.damaged.append(key)
            if key in self.there and await _sha256(self.new, key, taken) == sha256:
                self.moved.there += 1
                return
            if not self.dry_run:
                await self._copy(key, given, taken, sha256)
            # Waited for apart from the sum, which others add to meanwhile.
            size = (await asyncio.to_thread(given.stat)).st_size
            self.moved.bytes += size
            self.moved.repaired += key in self.there
            self.moved.copied += key not in self.there
        except EngineError as error:
            self.moved.failed[key] = error.message
        finally:
            await asyncio.to_thread(_forget, (given, taken))

    async def _copy(self, key: str, given: Path, taken: Path, sha256: str) -> None:
        """Store one object, and read it back. Raises `EngineError` if other bytes come back."""
        if key in self.there:
            # A key is written once; readers find it in the old place meanwhile.
            await self.new.delete([key])
        await self.new.put_file(key, given)
        self.brought.append(key)
        found = await _sha256(self.new, key, taken)
        if found != sha256:
            raise EngineError(
                "other bytes came back than were stored" if found else "nothing came back of what was stored"
            )


async def _sha256(storage: Storage, key: str, place: Path) -> str | None:
    """The hash of what is stored under a key, which is at `place` afterwards; None if nothing is."""
    try:
        await storage.fetch(key, place)
    except NotFound:
        return None
    return await asyncio.to_thread(_hash_of, place)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
