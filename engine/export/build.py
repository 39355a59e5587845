"""Builds a file of a format from a book whose pictures are in a folder."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.export.book import BookPage, Bound
from engine.export.cbz import build_cbz
from engine.export.epub import build_epub
from engine.export.front import footed, title_page, with_number
from engine.export.ora import build_ora
from engine.export.parallel import over_cores
from engine.export.pdf import build_pdf, build_print
from engine.export.pictures import build_jpeg, build_panels, build_png
from engine.export.scripts import build_script, build_script_text
from engine.export.webtoon import build_webtoon
from models.exports import ExportFormat

BUILDERS: dict[ExportFormat, Callable[[Bound, Path], None]] = {
    ExportFormat.CBZ: build_cbz,
    ExportFormat.PDF: build_pdf,
    ExportFormat.EPUB: build_epub,
    ExportFormat.PRINT: build_print,
    ExportFormat.WEBTOON: build_webtoon,
    ExportFormat.PNG: build_png,
    ExportFormat.JPEG: build_jpeg,
    ExportFormat.PANELS: build_panels,
    ExportFormat.SCRIPT: build_script,
    ExportFormat.SCRIPT_TEXT: build_script_text,
    ExportFormat.ORA: build_ora,
}
# Formats made of pages need their pictures, formats made of panels theirs; layers need both, a script none.
OF_PANELS = frozenset({ExportFormat.PANELS})
OF_BOTH = frozenset({ExportFormat.ORA})
OF_WORDS = frozenset({ExportFormat.SCRIPT, ExportFormat.SCRIPT_TEXT})


def build(format: ExportFormat, bound: Bound, folder: Path, out: Path) -> tuple[str, int]:
    """Write the file; returns its SHA-256 and size. Intermediate files go into `folder`."""
    of_pages = format not in OF_PANELS | OF_WORDS
    BUILDERS[format](finished(bound, folder) if of_pages else bound, out)
    with out.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), out.stat().st_size


def finished(bound: Bound, folder: Path) -> Bound:
    """With the title page and page numbers that were requested. Holds a few pages at a time in memory."""
    options = bound.book.options
    if options.page_numbers and bound.book.format == "page":
        files = zip(bound.pages, bound.book.pages, strict=True)
        numbered = over_cores(lambda one: _numbered(*one[1], one[0], folder), enumerate(files, 1))
        bound = replace(bound, pages=list(numbered))
    if options.title_page:
        data, page = title_page(bound.book)
        front = folder / "title.png"
        front.write_bytes(data)
        bound = replace(bound, book=bound.book.with_front(page), pages=[front, *bound.pages])
    return bound


def _numbered(file: Path, page: BookPage, number: int, folder: Path) -> Path:
    if not footed(page):
        return file
    printed = folder / f"numbered-{number:05}.png"
    printed.write_bytes(with_number(file.read_bytes(), number))
    return printed
