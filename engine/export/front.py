"""Adds to the composed pages of an export: a title page, and page numbers."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.export.book import Book, BookPage
from engine.export.clean_text import printable
from engine.export.pictures import as_read
from engine.pages import fonts
from engine.pages.formats import PAGE, WEBTOON, size_of

_INK, _GREY = (24, 24, 28), (90, 90, 96)
_NUMBER_SIZE = 30
_DPI = (300, 300)
_PNG_LEVEL = 1
_ROLES = {
    "writer": "Written by",
    "artist": "Drawn by",
    "inker": "Inks",
    "colorist": "Colours",
    "letterer": "Letters",
    "cover": "Cover",
    "editor": "Edited by",
    "translator": "Translated by",
    "publisher": "Published by",
}


def title_page(book: Book) -> tuple[bytes, BookPage]:
    """A page with the title and who made it, as PNG, of the size of the book's pages."""
    # Slices of a strip have different heights.
    of = WEBTOON if book.format == "webtoon" else size_of(*_first(book))
    width, height = of.width, of.height
    paper = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(paper)
    title = as_read(book.title)
    size, lines = _sized(title, round(0.8 * width), round(0.4 * height), width // 11)
    y = 0.2 * height + size
    for line in lines:
        _centred(pen, line, width, y, size, _INK)
        y += 1.25 * size
    said = _credits(book)
    small, credits = _sized("\n".join(said), round(0.8 * width), round(0.35 * height), width // 40)
    y = max(y + size, 0.62 * height)
    for line in credits:
        _centred(pen, line, width, y, small, _GREY)
        y += 1.5 * small
    data = io.BytesIO()
    paper.save(data, "PNG", compress_level=_PNG_LEVEL, dpi=_DPI)
    return data.getvalue(), BookPage(width=width, height=height, about=". ".join([title, *said]))


def footed(page: BookPage) -> bool:
    """Whether a page has paper below its panels, for a number."""
    margin = size_of(page.width, page.height).margin
    return all(panel.y + panel.height <= page.height - margin // 2 for panel in page.panels)


def with_number(png: bytes, number: int) -> bytes:
    """The page with its number in the lower margin. A slice of a strip has no margin and stays as it is."""
    with Image.open(io.BytesIO(png)) as opened:
        if opened.width <= WEBTOON.width:
            return png
        page = opened.convert("RGB")
    print_number(page, number)
    data = io.BytesIO()
    page.save(data, "PNG", compress_level=_PNG_LEVEL, dpi=_DPI)
    return data.getvalue()


def print_number(page: Image.Image, number: int) -> None:
    """Prints a page's number, and nothing else, on a picture of its size."""
    text = str(number)
    x = (page.width - fonts.width(text, _NUMBER_SIZE)) / 2
    fonts.draw(ImageDraw.Draw(page), x, page.height - 0.42 * size_of(*page.size).margin, text, _NUMBER_SIZE, _GREY)


def _first(book: Book) -> tuple[int, int]:
    return (book.pages[0].width, book.pages[0].height) if book.pages else (PAGE.width, PAGE.height)


def _credits(book: Book) -> list[str]:
    by_role: dict[str, list[str]] = {}
    for credit in book.options.credits:
        by_role.setdefault(credit.role, []).append(printable(credit.name))
    return [f"{_ROLES[role]} {', '.join(names)}" for role, names in by_role.items()]


def _sized(text: str, width: int, height: int, size: int) -> tuple[int, list[str]]:
    """The largest size up to `size` at which the text fits, and its lines at that size."""
    while True:
        lines = [line for part in text.split("\n") for line in _wrapped(part, width, size)]
        if size <= 12 or len(lines) * 1.5 * size <= height:
            return size, lines
        size = max(12, round(0.85 * size))


def _wrapped(text: str, width: int, size: int) -> Sequence[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and fonts.width(longer, size) <= width:
            lines[-1] = longer
            continue
        # Words wider than the page, and scripts without spaces, break where the line is full.
        line = ""
        for sign in word:
            if line and fonts.width(line + sign, size) > width:
                lines.append(line)
                line = ""
            line += sign
        lines.append(line)
    return lines


def _centred(
    pen: ImageDraw.ImageDraw, text: str, width: int, baseline: float, size: int, ink: tuple[int, int, int]
) -> None:
    fonts.draw(pen, (width - fonts.width(text, size)) / 2, baseline, text, size, ink)
