"""Where every panel goes on its page: pure geometry, no drawing.

A page is justified rows: the panels of a row share a height and fill the width, the rows fill the page. Which panels
form a row and which rows form a page is one shortest-path search over all possibilities, so no early choice leaves a
later page empty or crowded. A webtoon is one column, cut into slices between panels.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.options import PageFormat
from models.story import Direction, PanelData, Shot


@dataclass(frozen=True)
class PageSize:
    """A page in pixels; `margin` runs around it, `gutter` between panels."""

    width: int
    height: int
    margin: int
    gutter: int


@dataclass(frozen=True)
class TextSize:
    """Lettering in pixels: what to aim for, and what a reader can still read."""

    nominal: int
    minimum: int


@dataclass(frozen=True)
class LayoutPanel:
    """A panel with the pixel size of its rendered picture."""

    id: str
    width: int
    height: int
    panel: PanelData


@dataclass(frozen=True)
class Cell:
    """A panel's place on its page, in pixels from the top left corner."""

    id: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class PageLayout:
    """One page (or webtoon slice), numbered from 1; cells in reading order."""

    number: int
    width: int
    height: int
    cells: tuple[Cell, ...]


PAGE = PageSize(width=1988, height=3075, margin=84, gutter=30)
WEBTOON = PageSize(width=800, height=1280, margin=28, gutter=56)

_ASPECT = {
    Shot.ESTABLISHING: 1.8,
    Shot.WIDE: 1.5,
    Shot.MEDIUM: 1.1,
    Shot.CLOSE_UP: 0.9,
    Shot.INSERT: 1.05,
    Shot.OVER_THE_SHOULDER: 1.25,
}
# How much room a shot deserves beside the others, before its text is counted.
_WEIGHT = {
    Shot.ESTABLISHING: 1.45,
    Shot.WIDE: 1.2,
    Shot.MEDIUM: 1.0,
    Shot.CLOSE_UP: 0.8,
    Shot.INSERT: 0.6,
    Shot.OVER_THE_SHOULDER: 1.0,
}
_MOST_PIXELS = 1_190_000
_LEAST_PIXELS = 620_000
_STEP = 16
_STRETCH = (0.885, 1.13)
_TALLEST_ROW = 1500
_MOST_ON_PAGE = 8
_CROWD = {1: 3.0, 2: 1.0, 3: 0.25, 8: 0.4}
_ROW_SIZES = (1, 2, 3)


def text_size(page_width: int) -> TextSize:
    """The lettering of a page this wide: about 9 points in print, larger in proportion on a phone's strip."""
    return TextSize(27, 21) if page_width <= WEBTOON.width else TextSize(38, 28)


def picture_size(panel: PanelData, format: PageFormat) -> tuple[int, int]:
    """The pixels (width, height) to ask the artist for: multiples of 16, between 1:2 and 2:1, at most 1.2 megapixels.

    Known from the panel alone, before any page is laid out: the shot gives the shape, the text makes it larger and
    taller, because balloons take their room from above the heads.
    """
    size = PAGE if format == "page" else WEBTOON
    wanted = _wanted_area(panel, size)
    crowded = wanted / _shot_area(panel.shot, size)
    aspect = _ASPECT[panel.shot] / math.sqrt(min(crowded, 2.0))
    if format == "webtoon":
        aspect = min(0.85 * aspect, (size.width - 2 * size.margin) ** 2 / wanted)
    elif crowded > 2.0:
        # So much text takes a whole row: the panel is shaped to fill one.
        aspect = (size.width - 2 * size.margin) ** 2 / wanted
    aspect = min(max(aspect, 0.62), 1.95)
    scale = (PAGE.width / size.width) ** 2
    pixels = min(max(wanted * scale, _LEAST_PIXELS), _MOST_PIXELS)
    width = int(math.sqrt(pixels * aspect)) // _STEP * _STEP
    height = int(math.sqrt(pixels / aspect)) // _STEP * _STEP
    return width, height


def lay_out(panels: Sequence[LayoutPanel], format: PageFormat, direction: Direction) -> list[PageLayout]:
    """The pages of these panels, in order. Time grows with their number, never faster."""
    if format == "webtoon":
        return _strip(panels)
    pages: list[PageLayout] = []
    for first, rows in _paginate(panels):
        last = first + sum(rows) == len(panels)
        pages.append(_page(len(pages) + 1, panels[first : first + sum(rows)], rows, direction, last))
    return pages


def holds(width: int, height: int, panel: PanelData, format: PageFormat) -> bool:
    """Whether a panel's words have room in a cell of so many pixels."""
    return _needed_area(panel, PAGE if format == "page" else WEBTOON) <= 1.02 * width * height


def _shot_area(shot: Shot, size: PageSize) -> float:
    content = (size.width - 2 * size.margin) * (size.height - 2 * size.margin)
    return _WEIGHT[shot] * content / (5.5 if size is PAGE else 1.9)


def _text_area(panel: PanelData, size: PageSize) -> float:
    """Square pixels that the lettering covers at its nominal size, balloons included."""
    letter = text_size(size.width).nominal
    area = 0.0
    for text in [panel.caption, *(line.text for line in panel.dialogue)]:
        if text.strip():
            ems = sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.5 for sign in text)
            area += ems * letter * letter * 1.22 * 1.6 + 5 * letter * letter
    return area


def _wanted_area(panel: PanelData, size: PageSize) -> float:
    return max(_shot_area(panel.shot, size), 2.4 * _text_area(panel, size))


def _needed_area(panel: PanelData, size: PageSize) -> float:
    return 1.5 * _text_area(panel, size)


def _tallest(needed: Sequence[float], room: float) -> float:
    """How tall a row may be: a tall picture alone would fill the page, but text may ask for that."""
    page = PAGE.height - 2 * PAGE.margin
    return min(max(_TALLEST_ROW, sum(needed) / room), page)


@dataclass(frozen=True)
class _Row:
    height: float
    cost: float


@lru_cache(maxsize=16)
def _row_plans(count: int) -> tuple[tuple[int, ...], ...]:
    """Every way to break this many panels into rows, e.g. 3 → (1,1,1), (1,2), (2,1), (3)."""
    if count == 0:
        return ((),)
    return tuple((size, *rest) for size in _ROW_SIZES if size <= count for rest in _row_plans(count - size))


def _aspect(panel: LayoutPanel) -> float:
    # A picture of unusual proportions (somebody's own art) is cropped rather than given a sliver of a row.
    return min(max(panel.width / max(panel.height, 1), 0.5), 2.2)


def _paginate(panels: Sequence[LayoutPanel]) -> list[tuple[int, tuple[int, ...]]]:
    """The cheapest pages as (first panel, panels in each row)."""
    count = len(panels)
    aspects = [_aspect(panel) for panel in panels]
    wanted = [_wanted_area(panel.panel, PAGE) for panel in panels]
    needed = [_needed_area(panel.panel, PAGE) for panel in panels]
    rows: dict[tuple[int, int], _Row] = {
        (first, size): _row(aspects[first : first + size], wanted[first : first + size], needed[first : first + size])
        for first in range(count)
        for size in _ROW_SIZES
        if first + size <= count
    }
    best = [0.0] + [math.inf] * count
    came: list[tuple[int, tuple[int, ...]]] = [(0, ())] * (count + 1)
    for first in range(count):
        for on_page in range(1, min(_MOST_ON_PAGE, count - first) + 1):
            end = first + on_page
            crowd = _CROWD.get(on_page, 0.0) if end < count else (0.6 if on_page == 1 and first else 0.0)
            for plan in _row_plans(on_page):
                cost = best[first] + crowd + _page_cost(rows, first, plan, end == count)
                if cost < best[end] - 1e-9:
                    best[end], came[end] = cost, (first, plan)
    pages = []
    end = count
    while end:
        pages.append(came[end])
        end = came[end][0]
    return pages[::-1]


def _row(aspects: Sequence[float], wanted: Sequence[float], needed: Sequence[float]) -> _Row:
    room = PAGE.width - 2 * PAGE.margin - PAGE.gutter * (len(aspects) - 1)
    height = min(room / sum(aspects), _tallest(needed, room))
    cost = 0.0
    for aspect, want, need in zip(aspects, wanted, needed, strict=True):
        area = aspect * height * height
        cost += 0.5 * math.log(area / want) ** 2
        if area < need:
            cost += 6 * (need / area - 1)
    if height < 430:
        cost += (430 - height) / 40
    return _Row(height, cost)


def _page_cost(rows: dict[tuple[int, int], _Row], first: int, plan: tuple[int, ...], last: bool) -> float:
    room = PAGE.height - 2 * PAGE.margin - PAGE.gutter * (len(plan) - 1)
    height = cost = 0.0
    for size in plan:
        row = rows[first, size]
        height += row.height
        cost += row.cost
        first += size
    stretch = room / height
    if last and stretch > 1:
        return cost + 0.1 * (stretch - 1)
    cost += 6 * math.log(stretch) ** 2
    beyond = max(_STRETCH[0] / stretch, stretch / _STRETCH[1], 1.0) - 1
    return cost + 40 * beyond + (200 if beyond and stretch < 1 else 0)


def _page(
    number: int, panels: Sequence[LayoutPanel], plan: tuple[int, ...], direction: Direction, last: bool
) -> PageLayout:
    rows = []
    first = 0
    for size in plan:
        rows.append(panels[first : first + size])
        first += size
    width = PAGE.width - 2 * PAGE.margin
    natural = []
    for row in rows:
        room = width - PAGE.gutter * (len(row) - 1)
        needed = [_needed_area(panel.panel, PAGE) for panel in row]
        natural.append(min(room / sum(_aspect(panel) for panel in row), _tallest(needed, room)))
    room = PAGE.height - 2 * PAGE.margin - PAGE.gutter * (len(rows) - 1)
    stretch = room / sum(natural)
    if stretch > _STRETCH[1]:
        stretch = 1.0 if last else _STRETCH[1]
    # Below the lower limit nothing may be kept: a page that runs over its edge would be worse than a deeper crop.
    y = float(PAGE.margin)
    cells: list[Cell] = []
    for row, height in zip(rows, natural, strict=True):
        bottom = y + height * stretch
        cells += _cells(row, round(y), round(bottom), direction)
        y = bottom + PAGE.gutter
    return PageLayout(number, PAGE.width, PAGE.height, tuple(cells))


def _cells(row: Sequence[LayoutPanel], top: int, bottom: int, direction: Direction) -> list[Cell]:
    room = PAGE.width - 2 * PAGE.margin - PAGE.gutter * (len(row) - 1)
    total = sum(_aspect(panel) for panel in row)
    # A lone tall panel whose row was held back keeps its shape instead of losing half the picture.
    share = min(1.0, 1.13 * total * (bottom - top) / room)
    cells = []
    x = float(PAGE.margin)
    for panel in row:
        right = x + room * share * _aspect(panel) / total
        left, width = round(x), round(right) - round(x)
        if direction == "rtl":
            left = PAGE.width - left - width
        cells.append(Cell(panel.id, left, top, width, bottom - top))
        x = right + PAGE.gutter
    return cells


def _strip(panels: Sequence[LayoutPanel]) -> list[PageLayout]:
    """One column; a slice ends in the middle of a gap, so stacked slices show the gaps unbroken."""
    half = WEBTOON.gutter // 2
    slices: list[PageLayout] = []
    cells: list[Cell] = []
    y = half
    for panel in panels:
        full = panel.panel.shot is Shot.ESTABLISHING
        width = WEBTOON.width if full else WEBTOON.width - 2 * WEBTOON.margin
        height = round(width / _aspect(panel))
        height = max(height, min(round(_needed_area(panel.panel, WEBTOON) / width), round(height * 1.13)))
        tallest = WEBTOON.height - 2 * half
        if height > tallest:
            width, height = max(round(width * tallest / height), WEBTOON.width // 2), tallest
        if cells and y + height + half > WEBTOON.height:
            slices.append(PageLayout(len(slices) + 1, WEBTOON.width, y - half, tuple(cells)))
            cells, y = [], half
        cells.append(Cell(panel.id, (WEBTOON.width - width) // 2, y, width, height))
        y += height + 2 * half
    if cells:
        slices.append(PageLayout(len(slices) + 1, WEBTOON.width, y - half, tuple(cells)))
    return slices
