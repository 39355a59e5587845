"""Opens pictures from outside: one process for each, few at a time, with limits that the system enforces."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadInput, StorageError

_PROGRAM = Path(__file__).with_name("reading.py")
# The largest picture takes four bytes per pixel, some three times over; the interpreter 200 MB of address space.
_MEGABYTES = 400
_BYTES_PER_PIXEL = 16
SECONDS = 30
AT_A_TIME = 2


@dataclass(frozen=True)
class Opened:
    """A decoded picture. `kept`: the file itself can be stored, and nothing was written."""

    width: int
    height: int
    media_type: str
    kept: bool = False


class Workshop:
    """Opens pictures up to a number of pixels. Its processes end with each picture, so there is nothing to close."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._places = asyncio.Semaphore(AT_A_TIME)

    async def redraw(self, source: Path, target: Path, *, as_png: bool = False) -> Opened:
        """Decode a file and encode it again into `target`. Raises `BadInput` for files that are no picture, or too
        large.
        """
        return await self._work("redraw", source, target, int(as_png))

    async def check(self, source: Path, target: Path) -> Opened:
        """The same, but a file with nothing in it but pixels stays as it is."""
        return await self._work("keep", source, target)

    async def thumbnail(self, source: Path, target: Path, size: int) -> Opened:
        """A small WEBP of a stored picture."""
        return await self._work("thumbnail", source, target, size)

    async def _work(self, work: str, source: Path, target: Path, size: int = 0) -> Opened:
        megabytes = _MEGABYTES + (self._pixels * _BYTES_PER_PIXEL >> 20)
        arguments = [work, source, target, self._pixels, size, megabytes, SECONDS]
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                # Isolated: no environment, not even our own packages.
                sys.executable, "-I", "-B", _PROGRAM, *map(str, arguments),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                env={"MALLOC_ARENA_MAX": "1"}, cwd="/",
            )  # fmt: skip
            try:
                async with asyncio.timeout(SECONDS + 10):
                    said, _ = await process.communicate()
            except TimeoutError:
                said = b""
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return _read(said, process.returncode)


def _read(said: bytes, code: int | None) -> Opened:
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        if code is not None and code > 0 and not said:
            raise StorageError(f"The picture could not be opened here (exit code {code}).") from None
        raise BadInput("The picture takes too long to open, or too much memory.") from None
    if "unfit" in answer:
        raise BadInput(str(answer["unfit"]))
    return Opened(**answer)
