"""A PDF embeds every page as it is and once, at 300 dpi, and its words are found."""

import re
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageChops
from pypdf import PdfReader

from engine.errors import BadInput
from engine.export.book import BookPage, Chapter, PlacedPanel
from engine.export.pdf import build_pdf, build_print
from engine.pages import fonts
from engine.pages.formats import SIZES
from engine.pages.layer import balloons_of
from models.lettering import PanelLettering
from models.story import Direction, Line
from tests.engine.export.conftest import Bind
from tests.engine.export.lettered import TALK, lettered

pytestmark = pytest.mark.unit

BUILDERS = pytest.mark.parametrize("build", [build_pdf, build_print])


def boxes(page: pikepdf.Page) -> dict[str, list[float]]:
    return {
        name: [float(value) for value in page[f"/{name}"]]
        for name in ("MediaBox", "BleedBox", "TrimBox")
        if f"/{name}" in page
    }


@BUILDERS
def test_qpdf_finds_nothing_wrong(bind: Bind, tmp_path: Path, build: object) -> None:
    out = tmp_path / "a.pdf"
    build(bind(30, chapters=(Chapter("One", 0), Chapter("Two <2>", 14))), out)  # type: ignore[operator]  # either of two functions
    with pikepdf.open(out) as pdf:
        assert pdf.check_pdf_syntax() == []
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root] == ["One", "Two <2>"]
    assert len(PdfReader(out, strict=True).pages) == 30


def test_every_page_has_its_size_at_300_dpi(bind: Bind, tmp_path: Path) -> None:
    out = tmp_path / "a.pdf"
    build_pdf(bind(2, size=(600, 900)), out)
    with pikepdf.open(out) as pdf:
        assert [boxes(page) for page in pdf.pages] == [{"MediaBox": [0, 0, 144, 216]}] * 2


def test_a_printed_page_is_trimmed_to_300_dpi_and_bleeds_around(bind: Bind, tmp_path: Path) -> None:
    """3.175 mm, an eighth of an inch, are 9 points on every side."""
    out = tmp_path / "a.pdf"
    build_print(bind(1, size=(600, 900)), out)
    with pikepdf.open(out) as pdf:
        whole = [0, 0, 162, 234]
        assert boxes(pdf.pages[0]) == {"MediaBox": whole, "BleedBox": whole, "TrimBox": [9, 9, 153, 225]}


def test_a_manga_page_bleeds_as_manga_is_printed(bind: Bind, tmp_path: Path) -> None:
    """3 mm around the trimmed size; what is ordered wins over that."""
    size, out = SIZES["manga-b6"], tmp_path / "a.pdf"
    for asked, bleed in ((None, 3.0), (5.0, 5.0)):
        build_print(bind(1, size=(size.width, size.height), options={"bleed_mm": asked}), out)
        with pikepdf.open(out) as pdf:
            trim = [float(value) for value in pdf.pages[0]["/TrimBox"]]
        assert trim[0] == pytest.approx(bleed * 72 / 25.4, abs=0.01)
        assert trim[2] - trim[0] == pytest.approx(128 * 72 / 25.4, abs=0.2)


@BUILDERS
def test_pixels_are_untouched_and_embedded_once(bind: Bind, tmp_path: Path, build: object) -> None:
    bound, out = bind(2), tmp_path / "a.pdf"
    build(bound, out)  # type: ignore[operator]  # either of two functions
    with pikepdf.open(out) as pdf:
        pictures = [one for one in pdf.objects if isinstance(one, pikepdf.Stream) and one.get("/Subtype") == "/Image"]
        assert len(pictures) == 2
        assert pictures[0].read_raw_bytes() in bound.pages[0].read_bytes(), "it is compressed again"
        drawn = pikepdf.PdfImage(pictures[0]).as_pil_image()
    with Image.open(bound.pages[0]) as page:
        assert ImageChops.difference(drawn.convert("RGB"), page.convert("RGB")).getbbox() is None


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(Image.new("P", (20, 30), 3), id="palette"),
        pytest.param(Image.new("RGBA", (20, 30), (255, 0, 0, 128)), id="clear"),
        pytest.param(Image.linear_gradient("L").resize((20, 30)), id="grey"),
        pytest.param(Image.linear_gradient("L").resize((20, 30)).convert("I;16"), id="16 bits"),
        pytest.param(Image.linear_gradient("L").resize((20, 30)).convert("1"), id="1 bit"),
    ],
)
def test_a_picture_of_another_kind_looks_the_same(bind: Bind, tmp_path: Path, picture: Image.Image) -> None:
    bound, out = bind(1), tmp_path / "a.pdf"
    picture.save(Path(bound.pages[0]), "PNG")
    build_pdf(bound, out)
    with pikepdf.open(out) as pdf:
        assert pdf.check_pdf_syntax() == []
    [drawn] = PdfReader(out).pages[0].images
    assert drawn.image is not None
    paper = Image.new("RGBA", picture.size, "white")
    seen = Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")
    assert ImageChops.difference(drawn.image.convert("RGB"), seen).getbbox() is None


@pytest.mark.parametrize("cut", [40, 200, -6])
def test_a_damaged_picture_ends_the_build(bind: Bind, tmp_path: Path, cut: int) -> None:
    bound = bind(1)
    Path(bound.pages[0]).write_bytes(bound.pages[0].read_bytes()[:cut])
    with pytest.raises(BadInput, match="damaged"):
        build_pdf(bound, tmp_path / "a.pdf")
    assert not (tmp_path / "a.pdf").exists()


@BUILDERS
def test_words_are_found_on_their_page_in_order(bind: Bind, tmp_path: Path, build: object) -> None:
    """Whatever their script, and though nobody sees them."""
    out = tmp_path / "a.pdf"
    build(bind(3), out)  # type: ignore[operator]  # either of two functions
    assert [page.extract_text().split("\n") for page in PdfReader(out).pages] == [
        ["Night.", f"Key № {number} 灯台 🎉"] for number in range(3)
    ]
    with pikepdf.open(out) as pdf:
        assert b"3 Tr" in pdf.pages[0].Contents.read_bytes()


@pytest.mark.parametrize(("build", "bleed"), [(build_pdf, 0.0), (build_print, 9.0)])
def test_a_word_that_is_found_is_marked_where_it_is_set(tmp_path: Path, build: object, bleed: float) -> None:
    """Line by line, as wide as it is drawn, and in reading order: a search leads to the balloon."""
    bound, out = lettered(tmp_path, page_size="us-comic"), tmp_path / "a.pdf"
    build(bound, out)  # type: ignore[operator]  # either of two functions
    [page] = bound.book.pages
    expected = []
    for panel in page.panels:
        assert panel.lettering is not None
        for text, balloon in zip(panel.lettering.texts, balloons_of(panel.lettering), strict=True):
            for line, room in zip(balloon.block.lines, balloon.text_rects(), strict=True):
                assert room.x >= text.text_box.x - 0.01
                expected.append((fonts.plain(line), panel.x + room.x, panel.y + room.y, room))
    found = set_lines(out)
    assert [text for text, *_ in found] == [text for text, *_ in expected]
    read = PdfReader(out).pages[0].extract_text()
    assert read.split() == " ".join(text for text, *_ in expected).split()
    height = page.height * 0.24 + bleed
    for (_, x, y, width), (_, left, top, room) in zip(found, expected, strict=True):
        assert x == pytest.approx(bleed + left * 0.24, abs=0.02)
        assert width == pytest.approx(room.width * 0.24, rel=0.01)
        below = height - y
        assert top * 0.24 < below < (top + room.height) * 0.24, "its baseline is not within its line"


def set_lines(out: Path) -> list[tuple[str, float, float, float]]:
    """Every line of the first page: its characters by the font's map, where it begins, and how wide it is stretched."""
    found: list[tuple[str, float, float, float]] = []
    stretch = size = 0.0
    with pikepdf.open(out) as pdf:
        page = pdf.pages[0]
        [font] = page["/Resources"]["/Font"].values()
        told = re.findall(rb"<(..)> <(\w{4,})>\n", font["/ToUnicode"].read_bytes())
        signs = {int(code, 16): bytes.fromhex(sign.decode()).decode("utf-16-be") for code, sign in told}
        for one in pikepdf.parse_content_stream(page):
            operands = list(one.operands)
            match str(one.operator):
                case "Tz":
                    stretch = float(operands[0]) / 100
                case "Tm":
                    found.append(("", float(operands[4]), float(operands[5]), 0.0))
                case "Tf":
                    size = float(operands[1])
                case "Tj":
                    codes, (text, x, y, width) = bytes(operands[0]), found[-1]
                    text += "".join(signs[code] for code in codes)
                    found[-1] = (text, x, y, width + len(codes) * size * 0.5 * stretch)
    return found


def test_a_word_in_a_column_is_marked_down_the_column(tmp_path: Path) -> None:
    panel = TALK.model_copy(
        update={"caption": "その夜。", "dialogue": [Line(speaker="Mara", text="そんなはずはない。百年は動く。")]}
    )
    bound, out = lettered(tmp_path, (panel,), direction="rtl", language="ja"), tmp_path / "a.pdf"
    build_pdf(bound, out)
    [page] = bound.book.pages
    assert page.panels[0].lettering is not None
    texts = page.panels[0].lettering.texts
    columns = [line for text in texts for line in text.lines]
    assert len(columns) > 1
    rooms = [room for balloon in balloons_of(page.panels[0].lettering) for room in balloon.text_rects()]
    found = set_lines(out)
    assert [text for text, *_ in found] == columns
    with pikepdf.open(out) as pdf:
        ways = [
            [float(number) for number in list(one.operands)[:4]]
            for one in pikepdf.parse_content_stream(pdf.pages[0])
            if str(one.operator) == "Tm"
        ]
    assert ways == [[0, -1, 1, 0]] * len(columns)
    for (_, x, y, long), room in zip(found, rooms, strict=True):
        assert room.x < x / 0.24 - page.panels[0].x < room.right
        assert page.height - y / 0.24 == pytest.approx(page.panels[0].y + room.y, abs=0.1)
        assert long == pytest.approx(room.height * 0.24, rel=0.01)


def test_what_found_no_room_is_not_found(tmp_path: Path) -> None:
    """A search that led to a panel without the word would be a riddle."""
    bound, out = lettered(tmp_path, (TALK,)), tmp_path / "a.pdf"
    [page] = bound.book.pages
    bare = replace(page.panels[0], words=(("Mara", "Gone."),), lettering=PanelLettering(unplaced=["Gone."]))
    build_pdf(replace(bound, book=replace(bound.book, pages=(replace(page, panels=(bare,)),))), out)
    assert PdfReader(out).pages[0].extract_text() == ""


def test_more_characters_than_a_font_has_codes(bind: Bind, tmp_path: Path) -> None:
    signs = "".join(chr(0x4E00 + number) for number in range(700))
    page = BookPage(200, 300, panels=(PlacedPanel(0, 0, 200, 300, words=(("", signs),)),))
    bound, out = bind(1), tmp_path / "a.pdf"
    build_pdf(replace(bound, book=replace(bound.book, pages=(page,))), out)
    assert PdfReader(out).pages[0].extract_text() == signs


@pytest.mark.parametrize(("direction", "reads"), [("ltr", None), ("rtl", "/R2L")])
def test_title_people_and_reading_direction_are_told(
    bind: Bind, tmp_path: Path, direction: Direction, reads: str | None
) -> None:
    out = tmp_path / "a.pdf"
    build_pdf(bind(title="Die <Lampe>\x00 / 🎉" + "x" * 300, direction=direction), out)
    with pikepdf.open(out) as pdf:
        preferences = pdf.Root["/ViewerPreferences"]
        assert (str(preferences["/Direction"]) if "/Direction" in preferences else None) == reads
        assert str(pdf.docinfo["/Title"]) == "Die <Lampe> / 🎉" + "x" * 300
        assert str(pdf.docinfo["/Author"]) == "Ada <b> & Co, Ltd (writer); Grüße 灯 (letterer)"
        assert str(pdf.Root["/Lang"]) == "en"
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"] == "Die <Lampe> / 🎉" + "x" * 300


def test_a_failed_build_leaves_what_was_there(bind: Bind, tmp_path: Path) -> None:
    bound, out = bind(2), tmp_path / "made" / "a.pdf"
    build_pdf(bound, out)
    before = out.read_bytes()
    with pytest.raises(FileNotFoundError):
        build_pdf(replace(bound, pages=[bound.pages[0], tmp_path / "gone.png"]), out)
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]
