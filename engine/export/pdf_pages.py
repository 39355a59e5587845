"""A bare PDF with a picture on every page, whose compressed pixels are copied as they are.

PNG and PDF use the same compression, so a page's picture is copied without being decoded, which takes a twentieth of
the time. It goes straight to the file: libraries that build PDFs hold all pictures of a book in memory until they
save.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image

from engine.errors import BadInput

# The name of a page's picture.
PICTURE = "/Page"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Channels of a pixel by PNG colour type: grey and RGB.
_COLOURS = {0: 1, 2: 3}
_SPACES = {1: "/DeviceGray", 3: "/DeviceRGB"}


@dataclass(frozen=True)
class _Pixels:
    """Compressed rows as in PNG and PDF, 8 bits per channel."""

    width: int
    height: int
    colours: int
    data: bytes

    @property
    def described(self) -> str:
        return (
            f"/Type /XObject /Subtype /Image /Width {self.width} /Height {self.height} /BitsPerComponent 8"
            f" /ColorSpace {_SPACES[self.colours]} /Filter /FlateDecode /DecodeParms << /Predictor 15"
            f" /Colors {self.colours} /BitsPerComponent 8 /Columns {self.width} >>"
        )


class _Objects:
    """Writes objects one after another and records their offsets."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[int, int] = {}
        # Bytes above 127 mark the file as binary.
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def write(self, number: int, entries: str, stream: bytes | None = None) -> None:
        self._places[number] = self._file.tell()
        length = "" if stream is None else f" /Length {len(stream)}"
        self._file.write(f"{number} 0 obj\n<< {entries}{length} >>\n".encode("ascii"))
        if stream is not None:
            self._file.writelines((b"stream\n", stream, b"\nendstream\n"))
        self._file.write(b"endobj\n")

    def finish(self, root: int) -> None:
        start, count = self._file.tell(), len(self._places) + 1
        rows = "".join(f"{self._places[number]:010} 00000 n \n" for number in range(1, count))
        self._file.write(f"xref\n0 {count}\n0000000000 65535 f \n{rows}".encode("ascii"))
        self._file.write(f"trailer\n<< /Size {count} /Root {root} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode("ascii"))


def write_pages(files: Sequence[Path], out: Path, points: float) -> None:
    """Write a page for each picture, `points` per pixel large. The caller writes the contents of the pages."""
    with out.open("wb") as file:
        objects = _Objects(file)
        # Objects 1 and 2 are the catalogue and the list of pages, then every page comes after its picture.
        for number, source in enumerate(files):
            pixels = _pixels(source.read_bytes())
            picture = 3 + 2 * number
            objects.write(picture, pixels.described, pixels.data)
            size = f"{pixels.width * points:.4f} {pixels.height * points:.4f}"
            shown = f"/Resources << /XObject << {PICTURE} {picture} 0 R >> >>"
            objects.write(picture + 1, f"/Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] {shown}")
        listed = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(files)))
        objects.write(2, f"/Type /Pages /Count {len(files)} /Kids [{listed}]")
        objects.write(1, "/Type /Catalog /Pages 2 0 R")
        objects.finish(root=1)


def _pixels(data: bytes) -> _Pixels:
    found = _taken_over(data) or _taken_over(_plain(data))
    if found is None:
        raise BadInput("The picture of a page cannot be put into a PDF.")
    return found


def _taken_over(png: bytes) -> _Pixels | None:
    """The picture's data unchanged; None unless it is 8-bit grey or RGB, without interlacing and transparency."""
    if not png.startswith(_SIGNATURE):
        return None
    parts: list[bytes] = []
    width = height = colours = 0
    for kind, body in _chunks(png):
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if depth != 8 or colour not in _COLOURS or interlaced:
                return None
            colours = _COLOURS[colour]
        elif kind == b"tRNS":
            return None
        elif kind == b"IDAT":
            parts.append(body)
    return _Pixels(width, height, colours, b"".join(parts))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every chunk, with its checksum verified: a damaged picture must not become an empty page."""
    at = len(_SIGNATURE)
    while True:
        header = png[at : at + 8]
        length, kind = struct.unpack(">I4s", header) if len(header) == 8 else (0, b"")
        body = png[at + 8 : at + 8 + length]
        checksum = png[at + 8 + length : at + 12 + length]
        if len(checksum) < 4 or zlib.crc32(kind + body) != int.from_bytes(checksum, "big"):
            raise BadInput("The picture of a page is damaged.")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + length


def _plain(data: bytes) -> bytes:
    """Any other picture, on white where it is transparent."""
    with Image.open(io.BytesIO(data)) as opened:
        clear = opened.convert("RGBA")
    paper = Image.new("RGBA", clear.size, "white")
    plain = io.BytesIO()
    Image.alpha_composite(paper, clear).convert("RGB").save(plain, "PNG", compress_level=1)
    return plain.getvalue()
