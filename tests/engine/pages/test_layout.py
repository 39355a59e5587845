"""Pages are laid out in reading order, inside their margins, without overlaps, whatever comes."""

import itertools
import time
from collections.abc import Sequence

import pytest

from engine.pages.formats import PAGE, SIZES, WEBTOON, size_of, text_size
from engine.pages.layout import Cell, LayoutPanel, PageLayout, lay_out
from engine.pages.weights import needed, picture_size
from models.options import PageFormat, PageSizeName
from models.story import Direction, Line, LineKind, PanelData, Shot

pytestmark = pytest.mark.unit

SHOTS = list(Shot)
SENTENCE = "The lamp went out and nobody on the pier said a word. "


def panels(
    count: int, format: PageFormat, sentences: int = 1, page_size: PageSizeName = "us-comic"
) -> list[LayoutPanel]:
    made = []
    for number in range(count):
        text = SENTENCE * (sentences if number % 3 else 0)
        lines = [Line(speaker="Mara", text=text)] if text else []
        panel = PanelData(shot=SHOTS[number * 5 % len(SHOTS)], description="x", dialogue=lines)
        width, height = picture_size(panel, format, page_size)
        made.append(LayoutPanel(f"p{number}", width, height, panel))
    return made


def shots(*told: Shot, opens: Sequence[int] = (), page_size: PageSizeName = "us-comic") -> list[LayoutPanel]:
    """Silent panels; scenes begin with the first and with those named in `opens`."""
    made = []
    for number, shot in enumerate(told):
        panel = PanelData(shot=shot, description="x")
        size = picture_size(panel, "page", page_size, opener=number == 0)
        made.append(LayoutPanel(f"p{number}", *size, panel, opens=number in (0, *opens)))
    return made


def ids(pages: Sequence[PageLayout]) -> list[str]:
    return [cell.id for page in pages for cell in page.cells]


def overlap(one: Cell, other: Cell) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > 0 and down > 0


COUNTS = [1, 2, 3, 7, 12, 40]


@pytest.mark.parametrize(("format", "page_size"), [*(("page", one) for one in SIZES), ("webtoon", "us-comic")])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("count", COUNTS)
def test_every_panel_is_placed_once_in_order_and_inside_its_page(
    count: int, direction: Direction, format: PageFormat, page_size: PageSizeName
) -> None:
    made = panels(count, format, page_size=page_size)
    pages = lay_out(made, format, direction, page_size)
    assert ids(pages) == [panel.id for panel in made]
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        margin = SIZES[page_size].margin if format == "page" else 0
        if format == "page":
            assert size_of(page.width, page.height) is SIZES[page_size]
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
            if cell.y == before.y and cell.height == before.height:
                rows += 1
                assert sign * (cell.x - before.x) > 0
                gap = cell.x - before.x - before.width if sign == 1 else before.x - cell.x - cell.width
                assert gap == PAGE.gutter
            elif cell.x == before.x and cell.width == before.width:
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
    assert time.process_time() - start < 60
    assert ids(pages) == [panel.id for panel in made]


def test_no_panels_no_pages() -> None:
    assert lay_out([], "page", "ltr") == []
    assert lay_out([], "webtoon", "ltr") == []


@pytest.mark.parametrize("page_size", list(SIZES))
def test_full_pages_of_every_size_are_full_and_keep_pictures(page_size: PageSizeName) -> None:
    size = SIZES[page_size]
    made = panels(60, "page", page_size=page_size)
    by_id = {one.id: one for one in made}
    for page in lay_out(made, "page", "ltr", page_size)[:-1]:
        assert size.height - size.margin - max(cell.y + cell.height for cell in page.cells) < 0.1 * size.height
        for cell in page.cells:
            one = by_id[cell.id]
            ratio = (cell.width / cell.height) / (one.width / one.height)
            lone = sum(other.y == cell.y for other in page.cells) == 1
            assert 0.85 <= ratio <= (1.55 if lone else 1.17), f"{cell.id} loses too much of its picture"


@pytest.mark.parametrize("page_size", list(SIZES))
def test_a_panel_alone_in_its_tier_reaches_both_margins_or_stays_well_off_them(page_size: PageSizeName) -> None:
    """An edge a little beside the margin would look like a slip."""
    size = SIZES[page_size]
    # Talk with big faces on every third panel, which pictures of a small page are too tall for.
    made = [*panels(60, "page", page_size=page_size), *panels(60, "page", 3, page_size=page_size)]
    made = [LayoutPanel(f"p{number}", one.width, one.height, one.panel) for number, one in enumerate(made)]
    for page in lay_out(made, "page", "ltr", page_size):
        lone = [cell for cell in page.cells if sum(other.y == cell.y for other in page.cells) == 1]
        for cell in lone:
            beside = any(other.x + other.width <= cell.x or other.x >= cell.x + cell.width for other in page.cells)
            across = cell.width / size.content[0]
            assert beside or across >= 1 - 1 / size.content[0] or across <= 0.86, f"{cell.id} is {across:.2f} across"


def test_letters_are_as_large_on_every_printed_page() -> None:
    """9 points aimed at, 6.7 at least."""
    assert {text_size(size.width) for size in SIZES.values()} == {text_size(PAGE.width)}


def test_sizes_are_what_printers_call_them() -> None:
    """Millimetres at 300 dots an inch; pages that were made before there were others are US comic pages."""
    inches = {name: (round(size.width / 300 * 25.4), round(size.height / 300 * 25.4)) for name, size in SIZES.items()}
    assert inches == {
        "us-comic": (168, 260), "manga-b5": (182, 257), "manga-b6": (128, 182), "a4": (210, 297), "square": (210, 210)
    }  # fmt: skip
    assert (PAGE.width, PAGE.height) == (1988, 3075)
    assert size_of(1600, 2400) is PAGE


def long(first: Shot = Shot.ESTABLISHING) -> list[Shot]:
    return [first, *[Shot.MEDIUM, Shot.WIDE, Shot.MEDIUM, Shot.OVER_THE_SHOULDER] * 4]


def test_a_chapter_opens_with_a_splash_that_bleeds() -> None:
    first, second, *_ = lay_out(shots(*long()), "page", "ltr")
    [cell] = first.cells
    assert (cell.x, cell.y, cell.width, cell.height) == (0, 0, PAGE.width, PAGE.height)
    assert not first.footed
    assert second.footed


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (shots(*long(Shot.MEDIUM)), "it is no place to look at"),
        (shots(*long()[:5]), "the chapter is short"),
        ([LayoutPanel(one.id, 1440, 800, one.panel) for one in shots(*long())], "its picture is wide"),
    ],
)
def test_no_splash_where_none_is_deserved(made: Sequence[LayoutPanel], why: str) -> None:
    assert len(lay_out(made, "page", "ltr")[0].cells) > 1, why


def test_splashes_are_rare() -> None:
    """However loud it gets, there are a dozen panels between two of them."""
    boom = PanelData(shot=Shot.WIDE, description="x", dialogue=[Line(speaker="", kind=LineKind.SFX, text="BOOM")])
    talk = PanelData(shot=Shot.MEDIUM, description="x")
    told = [boom if number % 3 == 0 else talk for number in range(60)]
    made = [LayoutPanel(str(number), *picture_size(one, "page"), one) for number, one in enumerate(told)]
    pages = lay_out(made, "page", "ltr")
    splashes = [int(page.cells[0].id) for page in pages if not page.footed]
    assert splashes
    assert all(later - earlier >= 12 for earlier, later in itertools.pairwise(splashes))


def test_beats_are_small_and_as_wide_as_each_other() -> None:
    beats = [Shot.INSERT, Shot.CLOSE_UP, Shot.INSERT]
    made = shots(Shot.OVER_THE_SHOULDER, Shot.WIDE, *beats, Shot.ESTABLISHING)[1:]
    cells = {cell.id: cell for page in lay_out(made, "page", "ltr") for cell in page.cells}
    small = [cells[f"p{number}"] for number in (2, 3, 4)]
    assert len({cell.y for cell in small}) == 1
    assert max(cell.width for cell in small) - min(cell.width for cell in small) <= 1
    for cell in small:
        assert cell.width * cell.height < 0.5 * cells["p1"].width * cells["p1"].height


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_beats_stand_above_each_other_beside_a_tall_panel(direction: Direction) -> None:
    """The tall one comes first, on the side where reading begins."""
    tall = PanelData(shot=Shot.MEDIUM, description="x")
    made = shots(Shot.MEDIUM, Shot.INSERT, Shot.CLOSE_UP, Shot.WIDE)
    made[0] = LayoutPanel("p0", 960, 1200, tall, opens=True)
    cells = {cell.id: cell for page in lay_out(made, "page", direction) for cell in page.cells}
    first, above, below = cells["p0"], cells["p1"], cells["p2"]
    assert above.x == below.x
    assert below.y > above.y
    assert first.y == above.y
    assert first.y + first.height == below.y + below.height
    assert (first.x < above.x) == (direction == "ltr")


def test_a_place_that_is_new_opens_a_page_where_that_can_be() -> None:
    """Wherever the scene begins, it mostly begins a page, and never after a page with the last panel of another."""
    opening = 0
    for start in range(5, 14):
        told = [Shot.MEDIUM] * 18
        told[start] = Shot.ESTABLISHING
        pages = lay_out(shots(*told, opens=[start]), "page", "ltr")
        firsts = {page.cells[0].id for page in pages}
        opening += f"p{start}" in firsts
        assert f"p{start - 1}" not in firsts, "the scene before ends with one panel alone"
    assert opening >= 7


def test_pages_that_might_look_alike_do_not() -> None:
    """The same panels over and over: two pages that follow each other have different plans."""
    wide = PanelData(shot=Shot.WIDE, description="x")
    made = [LayoutPanel(str(number), *picture_size(wide, "page"), wide) for number in range(40)]
    looks = [
        [(cell.x, cell.y, cell.width, cell.height) for cell in page.cells] for page in lay_out(made, "page", "ltr")
    ]
    assert len(looks) > 5
    assert not any(one == other for one, other in itertools.pairwise(looks))


@pytest.mark.parametrize("second", list(Shot))
def test_a_page_of_two_panels_is_not_a_third_empty(second: Shot) -> None:
    [page] = lay_out(shots(Shot.MEDIUM, second), "page", "ltr")
    covered = sum(cell.width * cell.height for cell in page.cells)
    across, down = PAGE.content
    assert covered > 0.68 * across * down


def test_words_beside_a_big_face_get_more_room_than_beside_a_small_one() -> None:
    """A close-up is full of face: its balloons need a larger panel."""
    said = [Line(speaker="A", text=SENTENCE * 3)]
    near, far = (PanelData(shot=shot, description="x", dialogue=said) for shot in (Shot.CLOSE_UP, Shot.WIDE))
    assert needed(near, PAGE) > 1.4 * needed(far, PAGE)


def test_a_strip_breathes_with_the_story() -> None:
    """Beats follow quickly, a new scene comes after a pause, a new place after the longest; a cut halves the pause."""
    beat = PanelData(shot=Shot.INSERT, description="x")
    plain = PanelData(shot=Shot.MEDIUM, description="x")
    place = PanelData(shot=Shot.WIDE, description="x")
    made = [
        LayoutPanel("a", 744, 300, beat), LayoutPanel("b", 744, 300, beat), LayoutPanel("c", 744, 300, plain),
        LayoutPanel("d", 744, 300, plain, opens=True), LayoutPanel("e", 744, 300, place, opens=True),
    ]  # fmt: skip
    y, ends, gaps = 0, None, []
    for page in lay_out(made, "webtoon", "ltr"):
        for cell in page.cells:
            if ends is not None:
                gaps.append(y + cell.y - ends)
            ends = y + cell.y + cell.height
        y += page.height
    assert gaps == [28, 56, 126, 196]
