"""Pages and panels as picture files, with their metadata and nothing else."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from engine.export.book import Book, Bound, PanelPicture
from engine.export.clean_text import printable
from engine.export.parallel import over_cores
from engine.export.provenance import with_xmp, xmp
from engine.export.zipped import numbered, zipped
from engine.images.png_text import PARAMETERS, without

_JPEG_QUALITY = 92
# Suffixes of panel pictures by media type.
_KINDS = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


def packet_of(book: Book) -> str:
    """The XMP packet that all pages of the book share."""
    return xmp(
        title=book.title,
        credits=book.options.credits,
        notes=book.notes,
        origin=book.origin,
        models=book.models,
    )


def packet_of_panel(book: Book, picture: PanelPicture) -> str:
    """The same for a panel's own picture."""
    made_by = [picture.model] if picture.model else []
    return xmp(title=book.title, credits=book.options.credits, origin=picture.origin, models=made_by)


def labelled(bound: Bound) -> Iterator[bytes]:
    """The pages one after another, as PNG, each with its packet."""
    packet = packet_of(bound.book)
    for page in bound.pages:
        yield with_xmp(page.read_bytes(), packet)


def build_png(bound: Bound, out: Path) -> None:
    """The pages as a zip of PNGs, in name order."""
    with zipped(out) as archive:
        for number, data in enumerate(labelled(bound), 1):
            archive.add(numbered(number, len(bound.pages), ".png"), bound.signed(data, "image/png"))


def build_jpeg(bound: Bound, out: Path) -> None:
    """The pages as a zip of JPEGs, in name order, at 300 dots an inch."""
    packet = packet_of(bound.book)
    with zipped(out) as archive:
        coded = over_cores(lambda page: as_jpeg(page, _JPEG_QUALITY, packet, bound.book.notes), bound.pages)
        for number, data in enumerate(coded, 1):
            archive.add(numbered(number, len(bound.pages), ".jpg"), bound.signed(data, "image/jpeg"))


def as_jpeg(picture: Path | Image.Image, quality: int, packet: str, notes: str = "") -> bytes:
    """The picture as a JPEG with its packet."""
    if isinstance(picture, Path):
        with Image.open(picture) as opened:
            return as_jpeg(opened.convert("RGB"), quality, packet, notes)
    more: dict[str, Any] = {"comment": notes} if notes else {}
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=quality, dpi=(300, 300), xmp=packet.encode(), **more)
    return data.getvalue()


def build_panels(bound: Bound, out: Path) -> None:
    """The panels' pictures as drawn, without lettering; with prompts only if requested."""
    book = bound.book
    with zipped(out) as archive:
        for picture, file in zip(book.pictures, bound.pictures, strict=True):
            data = file.read_bytes()
            if not book.options.prompts:
                data = without(data, PARAMETERS)
            made_by = [picture.model] if picture.model else []
            data = with_xmp(data, packet_of_panel(book, picture))
            kind = _KINDS.get(picture.name.rsplit(".", 1)[-1])
            if bound.signer is not None and kind is not None and picture.origin:
                data = bound.signer.sign(
                    data, kind, title=book.title, origin=picture.origin, credits=book.options.credits, models=made_by
                )
            archive.add(picture.name, data)


def as_read(title: str) -> str:
    """A title for files that must have one."""
    return printable(title) or "Untitled"
