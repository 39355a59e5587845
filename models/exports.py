"""The formats in which a chapter or a project is exported, and the options that a request may set."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from models.numbers import Whole
from models.story import Frozen
from models.texts import Language, Name, NameIfAny


class ExportFormat(StrEnum):
    """A file format: for readers, publishing sites, printers, or further work."""

    CBZ = "cbz"
    PDF = "pdf"
    EPUB = "epub"
    PRINT = "print"
    WEBTOON = "webtoon"
    PNG = "png"
    JPEG = "jpeg"
    PANELS = "panels"
    SCRIPT = "script"
    SCRIPT_TEXT = "script-text"
    ORA = "ora"


# What a chapter is built as by default: the formats that readers open. All others are built on request.
READING = (ExportFormat.CBZ, ExportFormat.PDF, ExportFormat.EPUB)

MEDIA_TYPES = {
    ExportFormat.CBZ: "application/vnd.comicbook+zip",
    ExportFormat.PDF: "application/pdf",
    ExportFormat.EPUB: "application/epub+zip",
    ExportFormat.PRINT: "application/pdf",
    ExportFormat.WEBTOON: "application/zip",
    ExportFormat.PNG: "application/zip",
    ExportFormat.JPEG: "application/zip",
    ExportFormat.PANELS: "application/zip",
    ExportFormat.SCRIPT: "application/vnd.inkloom.script+json",
    ExportFormat.SCRIPT_TEXT: "text/markdown",
    ExportFormat.ORA: "application/zip",
}

# The suffix of a file's name: two formats of one chapter lie side by side in a folder.
SUFFIXES = {
    ExportFormat.CBZ: "cbz",
    ExportFormat.PDF: "pdf",
    ExportFormat.EPUB: "epub",
    ExportFormat.PRINT: "print.pdf",
    ExportFormat.WEBTOON: "webtoon.zip",
    ExportFormat.PNG: "png.zip",
    ExportFormat.JPEG: "jpeg.zip",
    ExportFormat.PANELS: "panels.zip",
    ExportFormat.SCRIPT: "script.json",
    ExportFormat.SCRIPT_TEXT: "script.md",
    ExportFormat.ORA: "ora.zip",
}

Role = Literal["writer", "artist", "inker", "colorist", "letterer", "cover", "editor", "translator", "publisher"]


class Credit(Frozen):
    """Who did what."""

    role: Role
    name: Name


class SliceLimits(Frozen):
    """The limits of a publishing site for slices of a strip. Default: those of WEBTOON Canvas."""

    width: Whole = Field(default=800, ge=200, le=2000, description="pixels; the exact width of every slice")
    height: Whole = Field(default=1280, ge=200, le=10_000, description="pixels at most")
    bytes: Whole = Field(default=2_000_000, ge=50_000, le=50_000_000, description="of one slice, at most")


class ExportOptions(Frozen):
    """How files are made. Nothing here changes what is on a page."""

    formats: list[ExportFormat] = Field(
        default_factory=list, max_length=len(ExportFormat), description="empty: cbz, pdf and epub"
    )
    title: NameIfAny = Field(default="", description="empty: the chapter's, or the project's")
    language: Language = Field(
        default="", description="a language that the chapter is translated into; empty: the story's own language"
    )
    credits: list[Credit] = Field(default_factory=list, max_length=50)
    title_page: bool = Field(default=False, strict=True, description="a page with title and credits comes first")
    page_numbers: bool = Field(default=False, strict=True, description="printed in the lower margin of pages")
    prompts: bool = Field(default=True, strict=True, description="include prompts and seeds in panels and script")
    bleed_mm: float | None = Field(
        default=None,
        strict=True,
        ge=0,
        le=20,
        description="around each side of a printed page; null: the page size's own",
    )
    slices: SliceLimits = Field(default_factory=SliceLimits)

    @property
    def wanted(self) -> list[ExportFormat]:
        """The formats to build, each once, in the order of the request."""
        return list(dict.fromkeys(self.formats)) or list(READING)

    @property
    def manner(self) -> "ExportOptions":
        """The options that decide how a file is made, without the formats."""
        return self.model_copy(update={"formats": []})
