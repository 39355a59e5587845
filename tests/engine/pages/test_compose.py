"""A page is the same bytes for the same input, of the layout's size, and survives missing or broken pictures."""

import io
import random

import pytest
from PIL import Image, ImageChops, ImageDraw

from engine.pages.balloons import Rect
from engine.pages.compose import LetteredPanel, compose_page
from engine.pages.formats import PAGE, SIZES
from engine.pages.layer import balloons_of
from engine.pages.layout import Cell, LayoutPanel, PageLayout, lay_out
from engine.pages.painting import paint, write
from engine.pages.weights import picture_size
from models.lettering import PanelLettering, Set
from models.options import PageFormat, PageSizeName
from models.story import Box, Direction, Line, LineKind, PanelData, Profile

pytestmark = pytest.mark.unit

PANEL = PanelData(
    description="x",
    characters=[Profile(name="Mara")],
    dialogue=[Line(speaker="Mara", text="The ferry is due at nine.")],
    caption="Later.",
)
HEAD = Box(kind="head", name="Mara", x=0.4, y=0.45, width=0.15, height=0.2)
SKY = (120, 160, 200)
# Composing takes time by the pixel, and most rules hold for pages of every size.
SMALLEST: PageSizeName = "manga-b6"


def png(size: tuple[int, int] = (640, 512), mode: str = "RGB", colour: object = SKY) -> bytes:
    data = io.BytesIO()
    Image.new(mode, size, colour).save(data, "PNG")  # type: ignore[arg-type]
    return data.getvalue()


def page(
    pictures: list[bytes | None], format: PageFormat = "page", direction: Direction = "ltr"
) -> tuple[Image.Image, list[str], bytes]:
    """A page of the smallest size, or a slice of a strip: the picture, the problems, the bytes."""
    width, height = picture_size(PANEL, format, SMALLEST)
    made = [LayoutPanel(str(number), width, height, PANEL) for number in range(len(pictures))]
    layout = lay_out(made, format, direction, SMALLEST)[0]
    panels = {str(number): LetteredPanel(data, [HEAD], PANEL) for number, data in enumerate(pictures)}
    composed = compose_page(layout, panels, direction, (1, 1))
    with Image.open(io.BytesIO(composed.png)) as picture:
        picture.load()
    assert picture.size == (layout.width, layout.height)
    return picture, composed.problems, composed.png


@pytest.mark.parametrize("format", ["page", "webtoon"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_same_input_same_bytes(format: PageFormat, direction: Direction) -> None:
    first, problems, data = page([png(), png()], format, direction)
    assert problems == []
    assert page([png(), png()], format, direction)[2] == data
    assert first.mode == "RGB"
    assert round(first.info["dpi"][0]) == 300


def test_a_missing_picture_is_a_calm_placeholder_with_its_lettering() -> None:
    drawn, _, _ = page([png(colour=(255, 0, 0))])
    blank, problems, _ = page([None])
    assert problems == []
    assert (255, 0, 0) in {colour for _, colour in drawn.getcolors(1 << 24) or []}
    paper = sum(count for count, colour in blank.getcolors(1 << 24) or [] if colour == (255, 246, 214))
    assert paper > 1000, "the caption is still set"


@pytest.mark.parametrize("data", [b"", b"not a picture", png()[:200]])
def test_a_broken_picture_is_reported_not_raised(data: bytes) -> None:
    _, problems, _ = page([data])
    assert problems == ["panel 0: the picture cannot be read"]


@pytest.mark.parametrize(
    ("mode", "colour"), [("RGBA", (10, 200, 30, 255)), ("L", 128), ("P", 3), ("1", 1), ("LA", (9, 255)), ("CMYK", 0)]
)
def test_pictures_of_any_mode_can_be_set(mode: str, colour: object) -> None:
    data = io.BytesIO()
    Image.new(mode, (300, 300), colour).save(data, "TIFF" if mode == "CMYK" else "PNG")  # type: ignore[arg-type]
    assert page([data.getvalue()])[1] == []


@pytest.mark.parametrize("width", range(901, 940))
def test_a_picture_fits_its_cell_whatever_the_fractions(width: int) -> None:
    """Scaling leaves sums that end a hair beyond the edge; they must not cost the page."""
    cell = Cell("one", 84, 84, 1213, 1213 * 640 // width)
    # No larger than the cell and its margin.
    layout = PageLayout(1, 1400, 1050, (cell,))
    heads = [Box(kind="head", name="Ada", x=0.0, y=0.0, width=1.0, height=1.0)]
    picture = io.BytesIO()
    Image.new("RGB", (width, 640), "teal").save(picture, "PNG", compress_level=1)
    panel = LetteredPanel(picture.getvalue(), heads, PanelData(description="x"))
    assert compose_page(layout, {"one": panel}, "ltr").problems == []


def test_what_is_drawn_is_what_is_stored() -> None:
    """The layer, stored and read again, puts the same letters on a textless page."""
    width, height = picture_size(PANEL, "page", SMALLEST)
    layout = lay_out([LayoutPanel("one", width, height, PANEL)], "page", "ltr", SMALLEST)[0]
    panels = {"one": LetteredPanel(png(), [HEAD], PANEL)}
    whole, bare = compose_page(layout, panels, "ltr"), compose_page(layout, panels, "ltr", textless=True)
    assert bare.lettering == whole.lettering
    assert bare.png != whole.png
    [layer] = [PanelLettering.model_validate_json(each.model_dump_json()) for each in bare.lettering]
    cell = layout.cells[0]
    with Image.open(io.BytesIO(bare.png)) as page, Image.open(io.BytesIO(whole.png)) as expected:
        paint(page, balloons_of(layer), (cell.x, cell.y), Rect(0, 0, cell.width, cell.height))
        write(page, balloons_of(layer), (cell.x, cell.y))
        assert ImageChops.difference(page, expected).getbbox() is None


def test_the_layer_says_who_says_what_where() -> None:
    width, height = picture_size(PANEL, "page", SMALLEST)
    layout = lay_out([LayoutPanel("one", width, height, PANEL)], "page", "ltr", SMALLEST)[0]
    [layer] = compose_page(layout, {"one": LetteredPanel(png(), [HEAD], PANEL)}, "ltr").lettering
    caption, line = layer.texts
    assert (caption.kind, caption.line, caption.text, caption.tail) == (Set.CAPTION, -1, "Later.", None)
    assert (line.kind, line.line, line.speaker, line.text) == (Set.SPEECH, 0, "Mara", PANEL.dialogue[0].text)
    assert " ".join(line.lines) == line.text
    assert line.tail is not None
    assert line.body.x < line.text_box.x < line.text_box.x + line.text_box.width < line.body.x + line.body.width


def test_every_kind_of_line_can_be_set() -> None:
    """A caption and each kind of line are named in the layer as the script names them."""
    assert {*Set} == {*LineKind, "caption"}


def test_100_panels_are_all_lettered() -> None:
    """However many panels a scene has, each finds its words on some page."""
    shape = picture_size(PANEL, "page", SMALLEST)
    layouts = lay_out([LayoutPanel(str(number), *shape, PANEL) for number in range(100)], "page", "ltr", SMALLEST)
    panels = {str(number): LetteredPanel(None, [], PANEL) for number in range(100)}
    found = [layer for layout in layouts for layer in compose_page(layout, panels, "ltr").lettering]
    assert [layer.panel_id for layer in found] == [str(number) for number in range(100)]
    assert all(len(layer.texts) == 2 and not layer.problems for layer in found)


def heads_apart(dice: random.Random) -> list[tuple[int, int]]:
    """One to four heads, as first and last pixel of a picture that is 1000 wide."""
    found = []
    for _ in range(dice.randint(1, 4)):
        wide = dice.randint(40, 260)
        left = dice.randint(0, 1000 - wide)
        found.append((left, left + wide))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_no_head_is_cut_where_a_window_without_cutting_exists(seed: int) -> None:
    """Each head is painted in a colour of its own: in the cell there is all of it or nothing."""
    heads = heads_apart(random.Random(seed))  # heads, not secrets
    seen = 500
    uncut = [
        start
        for start in range(1000 - seen + 1)
        if not any(low < edge < high for low, high in heads for edge in (start, start + seen))
    ]
    boxes = [
        Box(kind="head", name=str(number), x=low / 1000, y=0.3, width=(high - low) / 1000, height=0.2)
        for number, (low, high) in enumerate(heads)
    ]
    cell = Cell("one", 10, 10, 500, 500)
    picture = Image.new("RGB", (1000, 500), "white")
    for number, (low, high) in enumerate(heads):
        ImageDraw.Draw(picture).rectangle((low, 20 + 40 * number, high - 1, 40 + 40 * number), fill=(200, 0, 0))
    data = io.BytesIO()
    picture.save(data, "PNG")
    panel = LetteredPanel(data.getvalue(), boxes, PanelData(description="x"))
    with Image.open(io.BytesIO(compose_page(PageLayout(1, 820, 520, (cell,)), {"one": panel}, "ltr").png)) as page:
        lengths = [
            sum(page.getpixel((10 + x, 10 + 30 + 40 * number)) == (200, 0, 0) for x in range(6, 494))
            for number in range(len(heads))
        ]
    if uncut:
        for length, (low, high) in zip(lengths, heads, strict=True):
            # The border and the blur of scaling take a few pixels at either side.
            assert length == 0 or length >= high - low - 14


def test_everybody_is_seen_where_all_have_room() -> None:
    heads = [Box(kind="head", name="a", x=0.02, y=0.3, width=0.1, height=0.2),
             Box(kind="head", name="b", x=0.38, y=0.3, width=0.1, height=0.2)]  # fmt: skip
    data = io.BytesIO()
    Image.new("RGB", (1000, 500), "white").save(data, "PNG")
    said = PanelData(
        description="x",
        characters=[Profile(name="a"), Profile(name="b")],
        dialogue=[Line(speaker=name, text="Here.") for name in "ab"],
    )
    cell = Cell("one", 10, 10, 500, 500)
    [layer] = compose_page(
        PageLayout(1, 820, 520, (cell,)), {"one": LetteredPanel(data.getvalue(), heads, said)}, "ltr"
    ).lettering
    assert all(text.tail for text in layer.texts)


def test_a_splash_goes_to_the_edges_and_its_words_keep_off_them() -> None:
    """No border, no number, and the letters are inside of what is left when the page is trimmed."""
    cell = Cell("one", 0, 0, PAGE.width, PAGE.height)
    layout = PageLayout(1, PAGE.width, PAGE.height, (cell,))
    composed = compose_page(layout, {"one": LetteredPanel(png(), [HEAD], PANEL)}, "ltr", (1, 1))
    with Image.open(io.BytesIO(composed.png)) as page:
        assert page.getpixel((0, 0)) == page.getpixel((PAGE.width - 1, PAGE.height - 1)) == SKY
        assert {colour for _, colour in page.crop((800, 2990, 1200, 3075)).getcolors(1 << 24) or []} == {SKY}
    for text in composed.lettering[0].texts:
        assert min(text.body.x, text.body.y) >= PAGE.margin - 1


@pytest.mark.parametrize("page_size", list(SIZES))
def test_pages_of_every_size_are_composed_with_letters_of_one_size(page_size: PageSizeName) -> None:
    shape = picture_size(PANEL, "page", page_size)
    made = [LayoutPanel(str(number), *shape, PANEL) for number in range(3)]
    layout = lay_out(made, "page", "ltr", page_size)[0]
    panels = {str(number): LetteredPanel(png(), [HEAD], PANEL) for number in range(3)}
    composed = compose_page(layout, panels, "ltr")
    with Image.open(io.BytesIO(composed.png)) as page:
        assert page.size == (SIZES[page_size].width, SIZES[page_size].height)
    assert composed.problems == []
    assert {text.size for layer in composed.lettering for text in layer.texts} == {38}
