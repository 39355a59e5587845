"""What holds for files of every format."""

import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from engine.export.book import Book, Bound, Chapter, PlacedPanel
from engine.export.build import BUILDERS, build, finished
from engine.pages.formats import PAGE, SIZES
from models.exports import MEDIA_TYPES, SUFFIXES, ExportFormat
from models.lettering import PanelLettering
from models.script import Script
from tests.engine.export.conftest import Bind

pytestmark = pytest.mark.unit

every_format = pytest.mark.parametrize("format", list(ExportFormat))


def test_every_format_can_be_built_and_served() -> None:
    assert set(BUILDERS) == set(MEDIA_TYPES) == set(SUFFIXES) == set(ExportFormat)
    assert len(set(SUFFIXES.values())) == len(SUFFIXES), "two files of one chapter would have one name"


def composed(bound: Bound) -> Bound:
    """With the lettering that was kept when its pages were composed."""
    pages = (
        replace(page, panels=tuple(replace(panel, lettering=PanelLettering()) for panel in page.panels))
        for page in bound.book.pages
    )
    return replace(bound, book=replace(bound.book, pages=tuple(pages)))


@every_format
def test_the_same_book_is_the_same_bytes(bind: Bind, tmp_path: Path, format: ExportFormat) -> None:
    """Built twice, at different times and places."""
    bound = composed(bind(3, size=(800, 1400), options={"title_page": True, "page_numbers": True}))
    built = []
    for place in ("one", "other"):
        began = int(time.time())
        (tmp_path / place).mkdir()
        out = tmp_path / place / f"{place}.{SUFFIXES[format]}"
        built.append(build(format, bound, tmp_path / place, out))
        assert out.stat().st_size == built[-1][1]
        while not built[1:] and int(time.time()) == began:
            time.sleep(0.05)  # what is made from the clock differs in the next second
    assert built[0] == built[1]


@every_format
def test_names_in_archives_are_ours(bind: Bind, tmp_path: Path, format: ExportFormat) -> None:
    """Whatever users write, it is no path in an archive, and a title that is no title stops nothing."""
    out = tmp_path / "out"
    chapters = (Chapter("../../one", 0), Chapter("\x00", 1))
    build(format, composed(bind(2, title="../<x>\n🎉", series="a/../b", chapters=chapters)), tmp_path, out)
    assert out.stat().st_size
    if zipfile.is_zipfile(out):
        with zipfile.ZipFile(out) as archive:
            assert archive.testzip() is None
            assert not [name for name in archive.namelist() if ".." in name or "<" in name or name.startswith("/")]


def book_of(bind: Bind, **facts: object) -> Book:
    return bind(2, **facts).book


@pytest.mark.parametrize(
    ("changed", "formats"),
    [
        pytest.param({"title": "Other"}, set(ExportFormat), id="title"),
        pytest.param({"direction": "rtl"}, set(ExportFormat), id="direction"),
        pytest.param({"options": {"title_page": True}}, set(ExportFormat), id="how it is ordered"),
        pytest.param({"pictures": ()}, {"panels"}, id="pictures of panels"),
        pytest.param({"chapters": (Chapter("Lamp", 0),)}, {"script", "script-text"}, id="script"),
        pytest.param({"options": {"formats": ["pdf"]}}, set(), id="what else is ordered"),
    ],
)
def test_a_file_is_made_from_what_it_shows(bind: Bind, changed: dict[str, object], formats: set[str]) -> None:
    """What changes nothing in a file does not have it built again."""
    before, after = book_of(bind), book_of(bind, **changed)
    assert {format for format in ExportFormat if before.made_from(format) != after.made_from(format)} == formats


def test_the_title_page_comes_first_and_chapters_move(bind: Bind, tmp_path: Path) -> None:
    bound = bind(2, title="x" * 300, options={"title_page": True})
    done = finished(bound, tmp_path)
    assert [one.first for one in done.book.chapters] == [1]
    assert len(done.pages) == len(done.book.pages) == 3
    assert done.book.pages[0].alt_text == "x" * 300 + ". Written by Ada <b> & Co, Ltd. Letters Grüße 灯"
    with Image.open(done.pages[0]) as page:
        assert page.size == (PAGE.width, PAGE.height)
        margin = [page.crop(box).getextrema() for box in ((0, 0, 80, page.height), (page.width - 80, 0, *page.size))]
        assert margin == [((255, 255),) * 3] * 2, "however long the title is, it stays on the page"
        assert page.convert("L").point(lambda value: 255 * (value < 60)).getbbox(), "there is something to read"


def test_page_numbers_are_printed_in_the_margin(bind: Bind, tmp_path: Path) -> None:
    bound = bind(1, size=(PAGE.width, PAGE.height), options={"page_numbers": True})
    framed = PlacedPanel(PAGE.margin, PAGE.margin, *PAGE.content)
    bound = replace(bound, book=replace(bound.book, pages=(replace(bound.book.pages[0], panels=(framed,)),)))
    Image.new("RGB", (PAGE.width, PAGE.height), "white").save(Path(bound.pages[0]))
    [numbered] = finished(bound, tmp_path).pages
    with Image.open(numbered) as page:
        box = page.convert("L").point(lambda value: 255 - value).getbbox()
        assert box is not None
        assert box[1] > PAGE.height - PAGE.margin
        assert page.size == (PAGE.width, PAGE.height)


def test_a_page_whose_panels_bleed_has_no_number(bind: Bind, tmp_path: Path) -> None:
    bound = bind(1, size=(PAGE.width, PAGE.height), options={"page_numbers": True})
    splash = PlacedPanel(0, 0, PAGE.width, PAGE.height)
    bound = replace(bound, book=replace(bound.book, pages=(replace(bound.book.pages[0], panels=(splash,)),)))
    assert list(finished(bound, tmp_path).pages) == list(bound.pages)


def test_a_title_page_is_as_large_as_the_others(bind: Bind, tmp_path: Path) -> None:
    size = SIZES["manga-b6"]
    done = finished(bind(1, size=(size.width, size.height), options={"title_page": True}), tmp_path)
    with Image.open(done.pages[0]) as page:
        assert page.size == (size.width, size.height)


def test_a_script_runs_again_and_a_printed_one_reads_as_text(bind: Bind, tmp_path: Path) -> None:
    bound = bind(1)
    build(ExportFormat.SCRIPT, bound, tmp_path, tmp_path / "script.json")
    assert Script.model_validate_json((tmp_path / "script.json").read_text()) == bound.book.chapters[0].script
    build(ExportFormat.SCRIPT_TEXT, bound, tmp_path, tmp_path / "script.md")
    assert (tmp_path / "script.md").read_text().splitlines() == [
        "# Lamp",
        "",
        "writer: Ada \\<b\\> & Co, Ltd  ",
        "letterer: Grüße 灯  ",
        "",
        "## Scene 1: The \\<kitchen\\>",
        "",
        "*kitchen*",
        "",
        "**Panel 1** (medium). Mara lights a lamp.",
        "",
        "> CAPTION: Night.",
        "",
        "> MARA: Take the \\*small\\* one",
        "",
        "> JOSS (whisper): No",
    ]


def test_scripts_of_several_chapters_are_listed(bind: Bind, tmp_path: Path) -> None:
    bound = bind(2)
    [chapter] = bound.book.chapters
    both = replace(bound, book=replace(bound.book, chapters=(chapter, replace(chapter, title="Two", first=1))))
    build(ExportFormat.SCRIPT, both, tmp_path, tmp_path / "script.json")
    assert len(json.loads((tmp_path / "script.json").read_text())["chapters"]) == 2
