"""A book: what every file of a chapter or a whole project is built from. Data only; its pictures are files."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engine.digest import digest
from models.exports import ExportFormat, ExportOptions
from models.lettering import PanelLettering
from models.options import PageFormat
from models.script import Script
from models.story import Box, Direction

if TYPE_CHECKING:
    from engine.export.signing import Signer

# Increase it with every change that makes files of the same book differ in their bytes.
FILES = 2
# The formats that are signed if a certificate is given: pictures that are passed on one by one, and PDFs.
SIGNED = frozenset({"png", "jpeg", "panels", "webtoon", "pdf", "print"})
# The earliest time that a zip can store.
LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PlacedPanel:
    """A panel on a page: its place in pixels, what it shows, and its words as (speaker, text), in reading order.

    `picture` is the key of its art, with the marked regions in `boxes`; empty if there is none. `lettering` is what
    was set over it, None if the page does not say.
    """

    x: int
    y: int
    width: int
    height: int
    description: str = ""
    words: tuple[tuple[str, str], ...] = ()
    picture: str = ""
    boxes: tuple[Box, ...] = ()
    lettering: PanelLettering | None = None

    @property
    def alt_text(self) -> str:
        """A description of the panel for readers who cannot see it."""
        said = [f"{who}: “{what}”" if who else what for who, what in self.words]
        return " ".join(part.strip() for part in (self.description, *said) if part.strip())


@dataclass(frozen=True)
class BookPage:
    """A page, or a slice of a strip. `key` is its picture's in storage; empty if it has none."""

    width: int
    height: int
    key: str = ""
    sha256: str = ""
    panels: tuple[PlacedPanel, ...] = ()
    # The text of a generated page, such as the title page.
    about: str = ""

    @property
    def alt_text(self) -> str:
        """A description of the page for readers who cannot see it."""
        return self.about or " ".join(panel.alt_text for panel in self.panels if panel.alt_text)


@dataclass(frozen=True)
class PanelPicture:
    """A panel's own picture: its key, its name in archives, and what made it."""

    name: str
    key: str
    origin: str
    model: str


@dataclass(frozen=True)
class Chapter:
    """Where a chapter begins, counted in pages from 0, and its data."""

    title: str
    first: int
    script: Script | None = None


@dataclass(frozen=True)
class Book:
    """`id` is the chapter's or the project's. `origin` is an IPTC digital source type, empty if nothing is known."""

    id: UUID
    title: str
    direction: Direction = "ltr"
    format: PageFormat = "page"
    pages: tuple[BookPage, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    pictures: tuple[PanelPicture, ...] = ()
    series: str = ""
    number: int | None = None
    summary: str = ""
    characters: tuple[str, ...] = ()
    notes: str = ""
    origin: str = ""
    models: tuple[str, ...] = ()
    # When its newest picture was made, so that the same book always has the same time.
    made_at: datetime = LONG_AGO
    options: ExportOptions = field(default_factory=ExportOptions)

    @property
    def name(self) -> str:
        return self.title or "Untitled"

    def made_from(self, format: str, signer: "Signer | None" = None) -> str:
        """The content key of the book's file in a format, signed or not."""
        signed = [signer.mark] if signer is not None and format in SIGNED else []
        return digest(FILES, format, _as_json(self._for(format)), *signed)

    def _for(self, format: str) -> "Book":
        """What a file of the format depends on: a changed prompt changes no page."""
        book = replace(self, options=self.options.manner)
        if format in (ExportFormat.SCRIPT, ExportFormat.SCRIPT_TEXT):
            return replace(book, pages=(), pictures=())
        chapters = tuple(replace(one, script=None) for one in self.chapters)
        if format == ExportFormat.PANELS:
            return replace(book, pages=(), chapters=chapters)
        return replace(book, pictures=(), chapters=chapters)

    def with_front(self, page: BookPage) -> "Book":
        """The same book with a page before all others."""
        chapters = tuple(replace(one, first=one.first + 1) for one in self.chapters)
        return replace(self, pages=(page, *self.pages), chapters=chapters)


@dataclass(frozen=True)
class Bound:
    """A book with its pages and panel pictures as files, and its signer: ready to be built."""

    book: Book
    pages: Sequence[Path] = ()
    pictures: Sequence[Path] = ()
    signer: "Signer | None" = None

    def signed(self, data: bytes, kind: str) -> bytes:
        """A page, or a part of one, with its signed manifest if there is a signer. If nothing is known of it, nothing
        is claimed.
        """
        book = self.book
        if self.signer is None or not book.origin:
            return data
        credits, models = book.options.credits, book.models
        return self.signer.sign(data, kind, title=book.title, origin=book.origin, credits=credits, models=models)


def _as_json(book: Book) -> dict[str, Any]:
    """Every field as it is. Objects in storage count by their key, which is derived from their content."""
    fields = dict(vars(book))
    fields["pages"] = [vars(page) | {"panels": [vars(panel) for panel in page.panels]} for page in book.pages]
    fields["chapters"] = [vars(one) for one in book.chapters]
    fields["pictures"] = [vars(one) for one in book.pictures]
    return fields
