"""A book as PDF, for screens and for printers: every page embedded once and unchanged, with searchable words."""

import os
import tempfile
from pathlib import Path

import pikepdf

from engine.export.book import Book, BookPage, Bound
from engine.export.clean_text import printable
from engine.export.pdf_pages import PICTURE, write_pages
from engine.export.pdf_words import HiddenWords
from engine.export.pictures import as_read
from engine.export.provenance import IPTC_EXT
from engine.pages.formats import size_of

_DPI = 300
_POINTS = 72 / _DPI
_POINTS_A_MM = 72 / 25.4
_IPTC = "Iptc4xmpExt"

pikepdf.models.PdfMetadata.register_xml_namespace(IPTC_EXT, _IPTC)


def build_pdf(bound: Bound, out: Path) -> None:
    """Writes `out` in one step, a page at 300 dpi for every picture. Same book, same bytes."""
    _build(bound, out, printed=False)


def build_print(bound: Bound, out: Path) -> None:
    """The same for a printer: the page has the trimmed size, and its edges continue into the bleed."""
    _build(bound, out, printed=True)


def _build(bound: Bound, out: Path, *, printed: bool) -> None:
    book = bound.book
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name[:80]}.") as name:
        bare, finished = Path(name) / "bare.pdf", Path(name) / "finished.pdf"
        write_pages(bound.pages, bare, _POINTS)
        # Read when needed: mapped into memory, the whole book would end up there.
        with pikepdf.open(bare, access_mode=pikepdf.AccessMode.stream) as pdf:
            words = HiddenWords(pdf)
            for page, source in zip(pdf.pages, book.pages, strict=True):
                _set(pdf, page, source, words, _bleed(book, source) if printed else None)
            words.finish()
            _describe(pdf, book)
            pdf.save(finished, deterministic_id=True)
        if bound.signer is not None and book.origin:
            signed, by = Path(name) / "signed.pdf", book.options.credits
            bound.signer.sign_file(
                finished,
                signed,
                "application/pdf",
                title=book.title,
                origin=book.origin,
                credits=by,
                models=book.models,
            )
            finished = signed
        with finished.open("rb+") as file:
            os.fsync(file.fileno())
        finished.replace(out)


def _bleed(book: Book, page: BookPage) -> float:
    """In points: as requested, else the usual bleed for pages of this size."""
    asked = book.options.bleed_mm
    return (size_of(page.width, page.height).bleed_mm if asked is None else asked) * _POINTS_A_MM


def _set(pdf: pikepdf.Pdf, page: pikepdf.Page, source: BookPage, words: HiddenWords, bleed: float | None) -> None:
    """The page's boxes, its picture, and its invisible words."""
    width, height = float(page.mediabox[2]), float(page.mediabox[3])
    edge = bleed or 0.0
    drawing = ""
    if bleed is not None:
        media = [0, 0, round(width + 2 * edge, 4), round(height + 2 * edge, 4)]
        for box in ("/MediaBox", "/CropBox", "/BleedBox"):
            page[box] = pikepdf.Array(media)
        page["/TrimBox"] = pikepdf.Array([round(value, 4) for value in (edge, edge, edge + width, edge + height)])
        # The same picture underneath, slightly larger, so that a cut that is a hair too wide shows no white line.
        drawing = f"q {media[2]:.4f} 0 0 {media[3]:.4f} 0 0 cm {PICTURE} Do Q\n"
    drawing += f"q {width:.4f} 0 0 {height:.4f} {edge:.4f} {edge:.4f} cm {PICTURE} Do Q\n"
    hidden, fonts = words.of(source.panels, _POINTS, (edge, edge + height))
    page["/Contents"] = pdf.make_stream((drawing + hidden).encode("ascii"))
    if fonts:
        page["/Resources"]["/Font"] = pikepdf.Dictionary(fonts)


def _describe(pdf: pikepdf.Pdf, book: Book) -> None:
    title, notes = as_read(book.title), printable(book.notes)
    people = [f"{printable(one.name)} ({one.role})" for one in book.options.credits]
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["dc:title"] = title
        metadata["xmp:CreatorTool"] = "Inkloom"
        if notes:
            metadata["dc:description"] = notes
        if people:
            metadata["dc:creator"] = people
        if book.origin:
            metadata[f"{_IPTC}:DigitalSourceType"] = book.origin
        if book.models:
            metadata[f"{_IPTC}:AISystemUsed"] = printable(", ".join(book.models))
    pdf.docinfo["/Title"] = title
    if notes:
        pdf.docinfo["/Subject"] = notes
    if people:
        pdf.docinfo["/Author"] = "; ".join(people)
    pdf.docinfo["/Creator"] = "Inkloom"
    preferences = pikepdf.Dictionary(DisplayDocTitle=True)
    if book.direction == "rtl":
        preferences["/Direction"] = pikepdf.Name.R2L
    pdf.Root["/ViewerPreferences"] = preferences
    if book.options.language:
        pdf.Root["/Lang"] = book.options.language
    if len(book.chapters) > 1:
        with pdf.open_outline() as outline:
            outline.root.extend(pikepdf.OutlineItem(as_read(one.title), one.first) for one in book.chapters)
