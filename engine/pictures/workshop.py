"""Opens pictures from outside: one process for each, few at a time, with limits that the system enforces."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput, StorageError, TooHeavy
from engine.pictures import reading
from engine.processes.memory import Room, machine_megabytes
from engine.processes.pool import ChildLost, Processes

# The largest picture takes four bytes per pixel, some three times over; the interpreter 200 MB of address space.
_MEGABYTES = 400
_BYTES_PER_PIXEL = 16
SECONDS = 30
AT_A_TIME = 2
# Of the machine's memory, beside the children that `engine/processes/memory.py` counts.
PICTURES_SHARE = 0.15


def room_for_pictures(machine: int, pixels: int) -> Room:
    """How many pictures of so many pixels are opened at a time. One always: their limit is a setting."""
    megabytes = _MEGABYTES + (pixels * _BYTES_PER_PIXEL >> 20)
    return Room(max(1, min(AT_A_TIME, int(machine * PICTURES_SHARE) // megabytes)), megabytes)


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
        fits = room_for_pictures(machine_megabytes(), pixels)
        self._processes = Processes(fits.children, megabytes=fits.megabytes, once=True)

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
        arguments = (work, str(source), str(target), self._pixels, size)
        try:
            answer = await self._processes.run(reading.main, *arguments, seconds=SECONDS, doing="Opening the picture")
        except TooHeavy:
            raise BadInput("The picture takes too long to open, or too much memory.") from None
        except ChildLost as error:
            raise StorageError(f"The picture could not be opened here: {error}.") from None
        if "unfit" in answer:
            raise BadInput(str(answer["unfit"]))
        return Opened(**answer)
