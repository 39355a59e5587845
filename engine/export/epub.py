"""A book as EPUB 3 with fixed layout: each page is a picture as large as its viewport, with a description."""

from collections.abc import Iterator
from datetime import UTC
from html import escape
from pathlib import Path

from engine.export.book import Book, Bound
from engine.export.clean_text import printable
from engine.export.pictures import as_read, labelled
from engine.export.provenance import IPTC_EXT
from engine.export.zipped import numbered, zipped
from models.exports import Role

# MARC relators; roles without one are contributors.
_RELATORS: dict[Role, str] = {
    "writer": "aut",
    "artist": "art",
    "colorist": "clr",
    "cover": "cov",
    "editor": "edt",
    "translator": "trl",
}
_MAKERS = ("writer", "artist")

_CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""
_STYLE = "html, body { margin: 0; padding: 0; }\nimg { display: block; width: 100%; height: 100%; }\n"


def build_epub(bound: Bound, out: Path) -> None:
    """Writes `out` in one step. Same book, same bytes."""
    book, count = bound.book, len(bound.pages)
    with zipped(out) as archive:
        # The media type comes first and uncompressed, so that the first bytes identify the file.
        archive.add("mimetype", "application/epub+zip")
        archive.add("META-INF/container.xml", _CONTAINER, deflated=True)
        archive.add("book/package.opf", _package(book), deflated=True)
        archive.add("book/nav.xhtml", _navigation(book), deflated=True)
        archive.add("book/style.css", _STYLE, deflated=True)
        for index in range(count):
            archive.add(f"book/{numbered(index + 1, count, '.xhtml')}", _page(book, index), deflated=True)
        for index, data in enumerate(labelled(bound)):
            archive.add(f"book/{numbered(index + 1, count, '.png')}", data)


def _package(book: Book) -> str:
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"{_lang(book)}
    prefix="Iptc4xmpExt: {IPTC_EXT}">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
{_lines(_metadata(book))}
  </metadata>
  <manifest>
{_lines(_manifest(book))}
  </manifest>
  <spine{' page-progression-direction="rtl"' if book.direction == "rtl" else ""}>
{_lines(_spine(book))}
  </spine>
</package>
"""


def _metadata(book: Book) -> Iterator[str]:
    yield f'<dc:identifier id="id">urn:uuid:{book.id}</dc:identifier>'
    yield f'<dc:title id="title">{escape(as_read(book.title))}</dc:title>'
    # The file must name a language; `und` stands for an unknown one.
    yield f"<dc:language>{book.options.language or 'und'}</dc:language>"
    yield f'<meta property="dcterms:modified">{book.made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</meta>'
    for number, credit in enumerate(book.options.credits, 1):
        name = escape(printable(credit.name))
        if credit.role == "publisher":
            yield f"<dc:publisher>{name}</dc:publisher>"
            continue
        kind = "creator" if credit.role in _MAKERS else "contributor"
        yield f'<dc:{kind} id="person{number}">{name}</dc:{kind}>'
        relator = _RELATORS.get(credit.role, "ctb")
        yield f'<meta refines="#person{number}" property="role" scheme="marc:relators">{relator}</meta>'
    described = " ".join(part for part in (printable(book.summary), printable(book.notes)) if part)
    if described:
        yield f"<dc:description>{escape(described)}</dc:description>"
    if book.series:
        yield f'<meta property="belongs-to-collection" id="series">{escape(printable(book.series))}</meta>'
        yield '<meta refines="#series" property="collection-type">series</meta>'
        if book.number is not None:
            yield f'<meta refines="#series" property="group-position">{book.number}</meta>'
    yield '<meta property="rendition:layout">pre-paginated</meta>'
    yield '<meta property="rendition:orientation">auto</meta>'
    yield f'<meta property="rendition:spread">{"none" if book.format == "webtoon" else "auto"}</meta>'
    yield '<meta property="schema:accessMode">visual</meta>'
    yield '<meta property="schema:accessMode">textual</meta>'
    yield '<meta property="schema:accessModeSufficient">textual</meta>'
    yield '<meta property="schema:accessibilityFeature">alternativeText</meta>'
    yield '<meta property="schema:accessibilityHazard">none</meta>'
    yield '<meta property="schema:accessibilitySummary">Every page\'s picture and words are described in text.</meta>'
    if book.origin:
        yield f'<meta property="Iptc4xmpExt:DigitalSourceType">{book.origin}</meta>'
    for model in book.models:
        yield f'<meta property="Iptc4xmpExt:AISystemUsed">{escape(printable(model))}</meta>'


def _manifest(book: Book) -> Iterator[str]:
    count = len(book.pages)
    yield '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    yield '<item id="style" href="style.css" media-type="text/css"/>'
    for number in range(1, count + 1):
        cover = ' properties="cover-image"' if number == 1 else ""
        text, picture = numbered(number, count, ".xhtml"), numbered(number, count, ".png")
        yield f'<item id="page{number}" href="{text}" media-type="application/xhtml+xml"/>'
        yield f'<item id="picture{number}" href="{picture}" media-type="image/png"{cover}/>'


def _spine(book: Book) -> Iterator[str]:
    """The first page lies on the right in books that are read from the left, and on the left in others."""
    sides = ("left", "right") if book.direction == "rtl" else ("right", "left")
    for index in range(len(book.pages)):
        side = "" if book.format == "webtoon" else f' properties="page-spread-{sides[index % 2]}"'
        yield f'<itemref idref="page{index + 1}"{side}/>'


def _page(book: Book, index: int) -> str:
    page, count = book.pages[index], len(book.pages)
    described = printable(page.alt_text) or f"Page {index + 1}"
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml"{_lang(book)}>
<head>
  <title>{escape(as_read(book.title))}, {index + 1}</title>
  <meta name="viewport" content="width={page.width}, height={page.height}"/>
  <link rel="stylesheet" type="text/css" href="style.css"/>
</head>
<body><img src="{numbered(index + 1, count, ".png")}" alt="{escape(described)}"/></body>
</html>
"""


def _navigation(book: Book) -> str:
    count = len(book.pages)
    begins = [(printable(one.title), one.first) for one in book.chapters] or [("", 0)]
    chapters = [
        f'<li><a href="{numbered(first + 1, count, ".xhtml")}">{escape(title or as_read(book.title))}</a></li>'
        for title, first in begins
    ]
    pages = [f'<li><a href="{numbered(n, count, ".xhtml")}">{n}</a></li>' for n in range(1, count + 1)]
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"{_lang(book)}>
<head><title>{escape(as_read(book.title))}</title></head>
<body>
  <nav epub:type="toc"><ol>
{_lines(chapters)}
  </ol></nav>
  <nav epub:type="page-list" hidden="hidden"><ol>
{_lines(pages)}
  </ol></nav>
</body>
</html>
"""


def _lang(book: Book) -> str:
    language = book.options.language
    return f' xml:lang="{language}"' if language else ""


def _lines(lines: Iterator[str] | list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
