"""Files in the folder that the user named: those that were built, and layered pages, which are built on the spot."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.export import ora
from engine.export.book import Book, Bound
from engine.export.build import finished
from engine.storage import Storage
from models.exports import SUFFIXES, ExportFormat
from models.tables import Export


async def deliver_built(storage: Storage, exports: Sequence[Export], folder: Path, slug: str) -> dict[str, str]:
    """Write them, each whole; their paths by format."""
    paths = {one.format: folder / f"{slug}.{SUFFIXES[ExportFormat(one.format)]}" for one in exports}
    for one in exports:
        await storage.fetch(one.key, paths[one.format])
    return {format: str(path) for format, path in paths.items()}


async def deliver_layers(storage: Storage, book: Book, folder: Path, slug: str) -> dict[str, str]:
    """Write the book's pages as OpenRaster files, from what is stored of pages and panels. Nothing where a page is
    missing still; raises `BadInput` for a page that is too old for it."""
    if not book.pages or not all(page.key for page in book.pages):
        return {}
    out = folder / f"{slug}.{ora.SUFFIX}"
    with tempfile.TemporaryDirectory(prefix="inkloom-layers-") as name:
        made = Path(name)
        pages = await _fetched(storage, [page.key for page in book.pages], made, "page")
        pictures = await _fetched(storage, [picture.key for picture in book.pictures], made, "panel")
        bound = Bound(book, pages, pictures)
        await asyncio.to_thread(lambda: ora.build_ora(finished(bound, made), out))
    return {ora.NAME: str(out)}


async def _fetched(storage: Storage, keys: list[str], folder: Path, kind: str) -> list[Path]:
    files = [folder / f"{kind}-{number:05}.{key.rsplit('.', 1)[-1]}" for number, key in enumerate(keys)]
    for key, file in zip(keys, files, strict=True):
        await storage.fetch(key, file)
    return files
