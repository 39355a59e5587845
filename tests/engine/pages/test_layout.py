"""Pages are laid out in reading order, inside their margins, without overlaps, whatever comes."""

import time
from collections.abc import Sequence

import pytest

from engine.pages.formats import PAGE, WEBTOON
from engine.pages.layout import Cell, LayoutPanel, PageLayout, lay_out
from engine.pages.weights import picture_size
from models.options import PageFormat
from models.story import Direction, Line, PanelData, Shot

pytestmark = pytest.mark.unit

SHOTS = list(Shot)
SENTENCE = "The lamp went out and nobody on the pier said a word. "


def panels(count: int, format: PageFormat, sentences: int = 1) -> list[LayoutPanel]:
    made = []
    for number in range(count):
        text = SENTENCE * (sentences if number % 3 else 0)
        lines = [Line(speaker="Mara", text=text)] if text else []
        panel = PanelData(shot=SHOTS[number * 5 % len(SHOTS)], description="x", dialogue=lines)
        width, height = picture_size(panel, format)
        made.append(LayoutPanel(f"p{number}", width, height, panel))
    return made


def ids(pages: Sequence[PageLayout]) -> list[str]:
    return [cell.id for page in pages for cell in page.cells]


def overlap(one: Cell, other: Cell) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > 0 and down > 0


COUNTS = [1, 2, 3, 7, 12, 40]


@pytest.mark.parametrize("format", ["page", "webtoon"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("count", COUNTS)
def test_every_panel_is_placed_once_in_order_and_inside_its_page(
    count: int, direction: Direction, format: PageFormat
) -> None:
    made = panels(count, format)
    pages = lay_out(made, format, direction)
    assert ids(pages) == [panel.id for panel in made]
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        margin = PAGE.margin if format == "page" else 0
        for at, cell in enumerate(page.cells):
            assert cell.width > 0
            assert cell.height > 0
            assert cell.x >= margin
            assert cell.y >= margin
            assert cell.x + cell.width <= page.width - margin
            assert cell.y + cell.height <= page.height - margin
            assert not any(overlap(cell, other) for other in page.cells[at + 1 :])


@pytest.mark.parametrize(("direction", "sign"), [("ltr", 1), ("rtl", -1)])
def test_within_a_row_panels_run_the_reading_way_and_rows_run_down(direction: Direction, sign: int) -> None:
    rows = 0
    for page in lay_out(panels(30, "page"), "page", direction):
        for before, cell in zip(page.cells, page.cells[1:], strict=False):
            if cell.y == before.y:
                rows += 1
                assert sign * (cell.x - before.x) > 0
                gap = cell.x - before.x - before.width if sign == 1 else before.x - cell.x - cell.width
                assert gap == PAGE.gutter
                assert cell.height == before.height
            else:
                assert abs(cell.y - before.y - before.height - PAGE.gutter) <= 1
    assert rows > 5


def test_right_to_left_mirrors_left_to_right() -> None:
    made = panels(20, "page")
    for left, right in zip(lay_out(made, "page", "ltr"), lay_out(made, "page", "rtl"), strict=True):
        mirrored = [Cell(c.id, PAGE.width - c.x - c.width, c.y, c.width, c.height) for c in right.cells]
        assert mirrored == list(left.cells)


def test_full_pages_are_filled_and_pictures_hardly_cropped() -> None:
    made = panels(60, "page")
    by_id = {panel.id: panel for panel in made}
    pages = lay_out(made, "page", "ltr")
    for page in pages[:-1]:
        assert 3 <= len(page.cells) <= 8
        bottom = max(cell.y + cell.height for cell in page.cells)
        assert PAGE.height - PAGE.margin - bottom < 0.1 * PAGE.height
    for page in pages:
        for cell in page.cells:
            panel = by_id[cell.id]
            ratio = (cell.width / cell.height) / (panel.width / panel.height)
            assert 0.87 <= ratio <= 1.15, f"{cell.id} loses too much of its picture"


def test_a_lone_panel_is_not_blown_up_to_a_page() -> None:
    for shot in Shot:
        panel = PanelData(shot=shot, description="x")
        [page] = lay_out([LayoutPanel("a", *picture_size(panel, "page"), panel)], "page", "ltr")
        [cell] = page.cells
        assert cell.height < 0.6 * PAGE.height


@pytest.mark.parametrize("sentences", [1, 8, 20])
def test_webtoon_slices_keep_to_the_size_that_sites_take(sentences: int) -> None:
    pages = lay_out(panels(40, "webtoon", sentences), "webtoon", "ltr")
    assert all(page.width == 800 and 0 < page.height <= 1280 for page in pages)
    # Stacked, the gap across a cut is as wide as the gap inside a slice.
    for page in pages:
        assert page.cells[0].y == WEBTOON.gutter // 2
        assert page.height - page.cells[-1].y - page.cells[-1].height == WEBTOON.gutter // 2


@pytest.mark.parametrize("height", range(150, 700, 25))
def test_webtoon_panels_share_a_slice_only_where_they_fit(height: int) -> None:
    made = [LayoutPanel(str(number), 744, height, PanelData(description="x")) for number in range(12)]
    pages = lay_out(made, "webtoon", "ltr")
    fitting = WEBTOON.height // (max(height, 744 / 2.2) + WEBTOON.gutter)
    assert all(page.height <= 1280 for page in pages)
    assert max(len(page.cells) for page in pages) == fitting


@pytest.mark.parametrize("format", ["page", "webtoon"])
@pytest.mark.parametrize("shot", list(Shot))
@pytest.mark.parametrize("sentences", [0, 1, 5, 40])
def test_picture_sizes_are_what_vendors_take(shot: Shot, sentences: int, format: PageFormat) -> None:
    panel = PanelData(shot=shot, description="x", caption=SENTENCE * sentences)
    width, height = picture_size(panel, format)
    assert width % 16 == height % 16 == 0
    assert 0.5 <= width / height <= 2
    assert width * height <= 1_200_000
    assert (width, height) == picture_size(panel, format)


def test_more_text_gets_a_larger_panel() -> None:
    def area(words: str) -> int:
        talk = PanelData(description="x", dialogue=[Line(speaker="A", text=words)])
        others = panels(5, "page", 0)
        made = [*others[:2], LayoutPanel("talk", *picture_size(talk, "page"), talk), *others[2:]]
        cells = [cell for page in lay_out(made, "page", "ltr") for cell in page.cells]
        [cell] = [cell for cell in cells if cell.id == "talk"]
        return cell.width * cell.height

    assert area(SENTENCE * 25) > 1.5 * area("Yes.")


def test_text_makes_a_picture_taller_for_its_width() -> None:
    def aspect(words: str) -> float:
        panel = PanelData(description="x", dialogue=[Line(speaker="A", text=words)])
        width, height = picture_size(panel, "page")
        return width / height

    assert aspect(SENTENCE * 8) < 0.9 * aspect("Yes.")


@pytest.mark.parametrize(("width", "height"), [(3000, 200), (200, 3000), (1, 1)])
def test_pictures_of_any_proportions_find_a_place(width: int, height: int) -> None:
    panel = PanelData(description="x")
    for format in ("page", "webtoon"):
        made = [LayoutPanel(str(number), width, height, panel) for number in range(5)]
        pages = lay_out(made, format, "ltr")
        assert ids(pages) == ["0", "1", "2", "3", "4"]
        for page in pages:
            assert all(c.x >= 0 and c.x + c.width <= page.width and c.width > 50 for c in page.cells)
            assert all(c.y >= 0 and c.y + c.height <= page.height and c.height > 50 for c in page.cells)


def test_a_long_chapter_takes_seconds_not_minutes() -> None:
    made = panels(3000, "page")
    start = time.process_time()
    pages = lay_out(made, "page", "ltr")
    assert time.process_time() - start < 10
    assert ids(pages) == [panel.id for panel in made]


def test_no_panels_no_pages() -> None:
    assert lay_out([], "page", "ltr") == []
    assert lay_out([], "webtoon", "ltr") == []
