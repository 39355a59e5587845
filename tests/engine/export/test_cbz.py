"""A CBZ is reproducible, readable by others, and written whole or not at all."""

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from engine.export.cbz import build_cbz
from models.story import Direction

pytestmark = pytest.mark.unit

# The order of the elements that we use, from the schema's sequence (ComicInfo 2.0).
ORDER = ["Title", "Notes", "PageCount", "LanguageISO", "Manga", "Pages"]


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    made = []
    for number in range(12):
        made.append(tmp_path / f"in{number}.png")
        Image.new("RGB", (40, 60), (number * 20, 90, 120)).save(made[-1])
    return made


def sheet(out: Path) -> ElementTree.Element:
    with zipfile.ZipFile(out) as archive:
        return ElementTree.fromstring(archive.read("ComicInfo.xml"))  # noqa: S314


def test_the_same_pages_make_the_same_bytes(pages: list[Path], tmp_path: Path) -> None:
    outs = [tmp_path / "a.cbz", tmp_path / "b.cbz"]
    for out in outs:
        build_cbz(pages, out, title="Lamp", direction="ltr")
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_pages_are_stored_in_name_order(pages: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "a.cbz"
    build_cbz(pages, out, title="Lamp", direction="ltr")
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        entries = [entry for entry in archive.infolist() if entry.filename != "ComicInfo.xml"]
        assert [entry.filename for entry in entries] == [f"{number:03}.png" for number in range(1, 13)]
        assert [archive.read(entry) for entry in entries] == [page.read_bytes() for page in pages]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize(("direction", "manga"), [("ltr", "No"), ("rtl", "YesAndRightToLeft")])
def test_comic_info_follows_the_schema(pages: list[Path], tmp_path: Path, direction: Direction, manga: str) -> None:
    out = tmp_path / "a.cbz"
    build_cbz(pages, out, title="Lamp", direction=direction, language="en", notes="Storyboard")
    root = sheet(out)
    assert root.tag == "ComicInfo"
    assert [child.tag for child in root] == ORDER
    assert root.findtext("Manga") == manga
    assert root.findtext("PageCount") == "12"
    listed = root.findall("Pages/Page")
    assert [page.get("Image") for page in listed] == [str(number) for number in range(12)]
    assert listed[0].get("Type") == "FrontCover"
    assert (listed[3].get("ImageWidth"), listed[3].get("ImageHeight")) == ("40", "60")


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ('A <b> & "c"', 'A <b> & "c"'),
        ("no\x00\x1b[31m\ttabs\n", "no[31m tabs"),
        ("\ud800x\ufffe", "x"),
        ("灯台", "灯台"),
    ],
)
def test_titles_of_users_cannot_break_the_sheet(pages: list[Path], tmp_path: Path, title: str, kept: str) -> None:
    out = tmp_path / "a.cbz"
    build_cbz(pages[:1], out, title=title, direction="ltr")
    assert sheet(out).findtext("Title") == kept


def test_a_failed_build_leaves_what_was_there(pages: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "made" / "a.cbz"
    build_cbz(pages, out, title="Lamp", direction="ltr")
    before = out.read_bytes()
    with pytest.raises(FileNotFoundError):
        build_cbz([*pages, tmp_path / "gone.png"], out, title="Lamp", direction="ltr")
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]
