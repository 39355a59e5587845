"""A book as a comic book archive: stored pages in name order and a ComicInfo 2.0 sheet."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from engine.export.book import Book, Bound
from engine.export.clean_text import printable
from engine.export.pictures import labelled
from engine.export.zipped import numbered, zipped
from models.exports import Role

# The ComicInfo element of each role.
_ROLES: dict[Role, str] = {
    "writer": "Writer",
    "artist": "Penciller",
    "inker": "Inker",
    "colorist": "Colorist",
    "letterer": "Letterer",
    "cover": "CoverArtist",
    "editor": "Editor",
    "publisher": "Publisher",
}


def build_cbz(bound: Bound, out: Path) -> None:
    """Writes `out` in one step: it is complete or it is not there. Same book, same bytes."""
    book, sizes = bound.book, []
    with zipped(out) as archive:
        for number, data in enumerate(labelled(bound), 1):
            archive.add(numbered(number, len(bound.pages), ".png"), data)
            sizes.append(len(data))
        archive.add("ComicInfo.xml", _comic_info(book, sizes))


def _comic_info(book: Book, sizes: list[int]) -> bytes:
    root = ElementTree.Element("ComicInfo")
    for name, value in _told(book):
        if value:
            ElementTree.SubElement(root, name).text = value
    listed = ElementTree.SubElement(root, "Pages")
    begins = {chapter.first: printable(chapter.title) for chapter in book.chapters} if len(book.chapters) > 1 else {}
    for number, (page, size) in enumerate(zip(book.pages, sizes, strict=True)):
        attributes = {"Image": str(number), "Type": "FrontCover" if number == 0 else "Story", "ImageSize": str(size)}
        if begins.get(number):
            attributes["Bookmark"] = begins[number]
        attributes |= {"ImageWidth": str(page.width), "ImageHeight": str(page.height)}
        ElementTree.SubElement(listed, "Page", attributes)
    ElementTree.indent(root)
    sheet: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return sheet + b"\n"


def _told(book: Book) -> Iterator[tuple[str, str]]:
    """The schema is a sequence, so this order is fixed."""
    yield "Title", printable(book.title)
    yield "Series", printable(book.series)
    yield "Number", str(book.number) if book.number is not None else ""
    yield "Summary", printable(book.summary)
    yield "Notes", printable(book.notes)
    for role, element in _ROLES.items():
        yield element, _listed(one.name for one in book.options.credits if one.role == role)
    yield "PageCount", str(len(book.pages))
    yield "LanguageISO", book.options.language
    yield "Manga", "YesAndRightToLeft" if book.direction == "rtl" else "No"
    yield "Characters", _listed(book.characters)


def _listed(names: Iterable[str]) -> str:
    """Readers split these at commas, so a name may contain none."""
    return ", ".join(" ".join(printable(name).replace(",", " ").split()) for name in names)
