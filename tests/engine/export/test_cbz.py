"""A CBZ is readable by others, keeps to ComicInfo 2.0, and is written whole or not at all."""

import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageChops

from engine.export.book import Chapter
from engine.export.cbz import build_cbz
from models.exports import Credit
from models.story import Direction
from tests.engine.export.comic_info import broken_rules
from tests.engine.export.conftest import Bind

pytestmark = pytest.mark.unit


def sheet(out: Path) -> bytes:
    with zipfile.ZipFile(out) as archive:
        return archive.read("ComicInfo.xml")


def told(out: Path) -> ElementTree.Element:
    return ElementTree.fromstring(sheet(out))  # noqa: S314  # our own file


def test_pages_are_stored_in_name_order_with_their_pixels(bind: Bind, tmp_path: Path) -> None:
    bound, out = bind(12), tmp_path / "a.cbz"
    build_cbz(bound, out)
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        entries = [entry for entry in archive.infolist() if entry.filename != "ComicInfo.xml"]
        assert [entry.filename for entry in entries] == [f"{number:03}.png" for number in range(1, 13)]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        for entry, page in zip(entries, bound.pages, strict=True):
            with archive.open(entry) as file, Image.open(file) as stored, Image.open(page) as given:
                assert ImageChops.difference(stored, given).getbbox() is None


@pytest.mark.parametrize(("direction", "manga"), [("ltr", "No"), ("rtl", "YesAndRightToLeft")])
def test_the_sheet_keeps_to_the_schema(bind: Bind, tmp_path: Path, direction: Direction, manga: str) -> None:
    """Every element that we know of is in it, in the schema's order, with what the schema allows."""
    out = tmp_path / "a.cbz"
    roles = ("writer", "artist", "inker", "colorist", "letterer", "cover", "editor", "translator", "publisher")
    people = {"credits": [Credit(role=role, name=f"A {role}") for role in roles]}
    chapters = (Chapter("One", 0), Chapter("Two", 2))
    build_cbz(
        bind(3, direction=direction, notes="Storyboard", summary="A lamp.", options=people, chapters=chapters), out
    )
    assert broken_rules(sheet(out)) == []
    root = told(out)
    assert root.findtext("Manga") == manga
    assert (root.findtext("PageCount"), root.findtext("Number"), root.findtext("LanguageISO")) == ("3", "2", "en")
    assert root.findtext("Characters") == "Mara the elder, Joss", "a comma in a name would make two of them"
    with zipfile.ZipFile(out) as archive:
        sizes = [str(archive.getinfo(f"{number:03}.png").file_size) for number in (1, 2, 3)]
    pages = root.findall("Pages/Page")
    assert [page.get("ImageSize") for page in pages] == sizes
    assert [page.get("Image") for page in pages] == ["0", "1", "2"]
    assert [page.get("Bookmark") for page in pages] == ["One", None, "Two"]
    assert [page.get("Type") for page in pages] == ["FrontCover", "Story", "Story"]
    assert {(page.get("ImageWidth"), page.get("ImageHeight")) for page in pages} == {("200", "300")}


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param(b"<ComicInfo><Series>A</Series><Title>B</Title></ComicInfo>", id="order"),
        pytest.param(b"<ComicInfo><Titel>B</Titel></ComicInfo>", id="unknown element"),
        pytest.param(b"<ComicInfo><Manga>RightToLeft</Manga></ComicInfo>", id="unknown value"),
        pytest.param(b'<ComicInfo><Pages><Page Type="Story"/></Pages></ComicInfo>', id="page without picture"),
        pytest.param(b'<ComicInfo><Pages><Page Image="0" Type="Cover"/></Pages></ComicInfo>', id="kind of page"),
    ],
)
def test_the_rules_find_what_is_wrong(sheet: bytes) -> None:
    """The control: rules that take anything would prove nothing."""
    assert broken_rules(sheet)


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        pytest.param('A <b> & "c"', 'A <b> & "c"', id="markup"),
        pytest.param("../../etc/passwd", "../../etc/passwd", id="path"),
        pytest.param("no\x00\x1b[31m\ttabs\n", "no[31m tabs", id="controls"),
        pytest.param("\ud800x\ufffe", "x", id="surrogate"),
        pytest.param("灯台 🎉", "灯台 🎉", id="emoji"),
        pytest.param("x" * 300, "x" * 300, id="300 characters"),
    ],
)
def test_titles_of_users_break_neither_sheet_nor_names(bind: Bind, tmp_path: Path, title: str, kept: str) -> None:
    out = tmp_path / "a.cbz"
    build_cbz(bind(1, title=title), out)
    assert broken_rules(sheet(out)) == []
    assert told(out).findtext("Title") == kept
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["001.png", "ComicInfo.xml"]


def test_a_failed_build_leaves_what_was_there(bind: Bind, tmp_path: Path) -> None:
    """A page whose picture is gone ends the build; no file with a hole in it appears."""
    bound, out = bind(), tmp_path / "made" / "a.cbz"
    build_cbz(bound, out)
    before = out.read_bytes()
    with pytest.raises(FileNotFoundError):
        build_cbz(replace(bound, pages=[*bound.pages[:2], tmp_path / "gone.png"]), out)
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]
