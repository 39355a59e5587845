"""A strip as slices for publishing sites: of one width, with a maximum height and file size.

A slice ends between panels only, so no balloon or face is cut. A panel taller than the maximum is scaled down, with
white beside it.
"""

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from engine.export.book import BookPage, Bound
from engine.export.parallel import over_cores
from engine.export.pictures import as_jpeg, packet_of
from engine.export.provenance import with_xmp
from engine.export.zipped import zipped
from models.exports import SliceLimits

_QUALITIES = (92, 85, 75, 60, 40)
_DIGITS = 4


def build_webtoon(bound: Bound, out: Path) -> None:
    """The slices as a zip, in name order. Same book, same bytes."""
    with zipped(out) as archive:
        for number, (data, suffix) in enumerate(slices(bound), 1):
            archive.add(f"{number:0{_DIGITS}}{suffix}", data)


def build_slices(bound: Bound, folder: Path) -> list[Path]:
    """Fills `folder` with 0001.png … and returns the paths. The folder appears whole, replacing what was there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        names = []
        for number, (data, suffix) in enumerate(slices(bound), start=1):
            name = f"{number:0{_DIGITS}}{suffix}"
            with (fresh / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            names.append(name)
        fresh.chmod(0o755)
        _swap(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return [folder / name for name in names]


def slices(bound: Bound) -> Iterator[tuple[bytes, str]]:
    """Every slice with its suffix: the page's PNG if it fits, else a JPEG."""
    packet = packet_of(bound.book)
    pages = zip(bound.book.pages, bound.pages, strict=True)
    for cut in over_cores(lambda page: _slices(bound, *page, packet), pages):
        yield from cut


def _slices(bound: Bound, page: BookPage, file: Path, packet: str) -> list[tuple[bytes, str]]:
    limits = bound.book.options.slices
    data = bound.signed(with_xmp(file.read_bytes(), packet), "image/png")
    with Image.open(io.BytesIO(data)) as opened:
        fits = opened.width == limits.width and opened.height <= limits.height
        if fits and len(data) <= limits.bytes and opened.format == "PNG":
            return [(data, ".png")]
        opened.load()
        # A page takes 24 MB, so there is one copy of it; the slices cut from it are small.
        whole = opened if opened.mode == "RGB" else opened.convert("RGB")
        bands = [(0, whole.height)] if fits else _bands(page, whole.height, limits.height * whole.width / limits.width)
        fitted = [_fitted(_cut(whole, top, bottom), limits) for top, bottom in bands]
    return [_encoded(bound, piece, limits.bytes, packet) for piece in fitted]


def _cut(whole: Image.Image, top: int, bottom: int) -> Image.Image:
    return whole if (top, bottom) == (0, whole.height) else whole.crop((0, top, whole.width, bottom))


def _bands(page: BookPage, height: int, tallest: float) -> list[tuple[int, int]]:
    """The page from top to bottom, cut in the middle of gaps into parts as tall as allowed."""
    spans = sorted((panel.y, panel.y + panel.height) for panel in page.panels)
    cuts, low = [], 0
    for top, bottom in spans:
        if low and top > low:
            cuts.append((low + top) // 2)
        low = max(low, bottom)
    bands: list[tuple[int, int]] = []
    start = last = 0
    for cut in [*cuts, height]:
        if cut - start > tallest and last > start:
            bands.append((start, last))
            start = last
        last = cut
    return [*bands, (start, height)]


def _fitted(picture: Image.Image, limits: SliceLimits) -> Image.Image:
    scale = min(limits.width / picture.width, limits.height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
    if small.width == limits.width:
        return small
    paper = Image.new("RGB", (limits.width, small.height), "white")
    paper.paste(small, ((limits.width - small.width) // 2, 0))
    return paper


def _encoded(bound: Bound, picture: Image.Image, largest: int, packet: str) -> tuple[bytes, str]:
    data = io.BytesIO()
    picture.save(data, "PNG")
    png = bound.signed(with_xmp(data.getvalue(), packet), "image/png")
    if len(png) <= largest:
        return png, ".png"
    jpeg = b""
    for quality in _QUALITIES:
        jpeg = bound.signed(as_jpeg(picture, quality, packet, bound.book.notes), "image/jpeg")
        if len(jpeg) <= largest:
            break
    return jpeg, ".jpg"


def _swap(fresh: Path, folder: Path) -> None:
    """Two renames: a folder can replace another one only if that one is empty."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    folder.rename(old / "slices")
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
