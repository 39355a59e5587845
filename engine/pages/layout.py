"""Where every panel goes on its page: pure geometry, no drawing.

A page is tiers of panels (`templates.py`) that fill it together. Which panels form a tier and which tiers a page is one
shortest-path search over all possibilities, so no early choice leaves a later page empty or crowded; what makes a page
worth reading (a reveal at its top, no scene's last panel alone on the next, no plan twice in a row, a splash now and
then) is what the ways through it cost. A webtoon is one column whose gaps are its pace, cut into slices between panels.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.pages.formats import SIZES, WEBTOON, PageSize, size_of, text_size
from engine.pages.templates import BEATS, STACKS, TIERS, Tier, natural_height, places
from engine.pages.weights import beat, needed, splash, wanted
from models.options import PageFormat, PageSizeName
from models.story import Direction, PanelData, Shot


@dataclass(frozen=True)
class LayoutPanel:
    """A panel with the pixel size of its picture; `opens` says that a scene begins with it."""

    id: str
    width: int
    height: int
    panel: PanelData
    opens: bool = False

    @property
    def aspect(self) -> float:
        # A picture of unusual proportions, such as added art, is cropped rather than given a sliver of a row.
        return min(max(self.width / max(self.height, 1), 0.5), 2.2)

    @property
    def reveals(self) -> bool:
        """Whether it establishes the location."""
        return self.opens and self.panel.shot in (Shot.ESTABLISHING, Shot.WIDE)


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

    @property
    def footed(self) -> bool:
        """Whether there is paper below the panels, for a page number."""
        margin = size_of(self.width, self.height).margin
        return all(cell.y + cell.height <= self.height - margin // 2 for cell in self.cells)


# A page's plan from top to bottom; an empty plan is a splash.
_Plan = tuple[Tier, ...]
_SPLASH: _Plan = ()
_STRETCH = (0.885, 1.13)
# On a short last page, and alone in a tier, a picture is cropped rather than enlarged.
_LOOSE = 1.3
# A panel alone that is almost as wide as the page gets the full width: an edge just off the margin looks like a
# mistake.
_SNUG = 0.85
_TALLEST = 0.49
# Letters side by side that a balloon with its tail and rim needs.
_LINE = 13
_LOWEST = 0.14
_MOST_ON_PAGE = 8
# A splash needs a picture of a page's shape, a long enough chapter, and enough panels since the last one.
_SHAPE, _LONG, _APART = 1.25, 9, 12
_SPLASH_COST = -1.2
_AGAIN, _MIXED = 0.3, 0.16
# A beat as tall as both panels beside it.
_LOOMING = 0.4
_REVEAL, _TURN, _OPENS, _ORPHAN, _FOOT = -0.6, -0.1, -0.35, 0.8, 0.2
# A scene that begins beside the end of the previous one.
_BESIDE = 0.3
# Gaps of a strip, as multiples of its gutter.
_QUICK, _SCENE, _LONG_PAUSE = 0.5, 2.25, 3.5


def lay_out(
    panels: Sequence[LayoutPanel], format: PageFormat, direction: Direction, page_size: PageSizeName = "us-comic"
) -> list[PageLayout]:
    """The pages of these panels, in order. Time grows with their number, never faster."""
    if format == "webtoon":
        return _strip(panels)
    size = SIZES[page_size]
    pages: list[PageLayout] = []
    first = 0
    for end, plan in _paginate(panels, size):
        page = _page(len(pages) + 1, panels[first:end], plan, size, last=end == len(panels))
        pages.append(_mirrored(page) if direction == "rtl" else page)
        first = end
    return pages


@dataclass(frozen=True)
class _Set:
    """A tier of certain panels: the next panel after it, its height on the page, and its cost."""

    tier: Tier
    end: int
    height: float
    cost: float


@dataclass(frozen=True)
class _Way:
    """The cheapest way to a page break: what it costs, where its last page began, and that page's plan."""

    cost: float = math.inf
    first: int = 0
    plan: _Plan = ((-1,),)


def _paginate(panels: Sequence[LayoutPanel], size: PageSize) -> list[tuple[int, _Plan]]:
    """The cheapest pages, each as where it ends and its plan."""
    count = len(panels)
    tiers = [list(_tiers(panels, first, size)) for first in range(count)]
    splashes = _splashes(panels, size)
    # Breaks are known by the side of the page that follows: 0 is a right-hand page, where a book begins.
    best = [[_Way(), _Way()] for _ in range(count + 1)]
    best[0][0] = _Way(0.0)
    for first in range(count):
        breaks = [_break(panels, end) for end in range(first, min(first + _MOST_ON_PAGE, count) + 1)]
        crowd = [_crowd(on_page, size) for on_page in range(_MOST_ON_PAGE + 1)]
        pages = [(first + 1, _SPLASH, _SPLASH_COST)] if first in splashes else []
        for end, plan, height, cost in _plans(tiers, first, size):
            on_page = end - first
            fill = _fill(height, len(plan), on_page, size, last=end == count)
            alone = (0.6 if on_page == 1 and first else 0.0) if end == count else crowd[on_page]
            pages.append((end, plan, cost + fill + alone))
        for side in (0, 1):
            before = best[first][side]
            if before.cost == math.inf:
                continue
            for end, plan, cost in pages:
                turned = breaks[end - first] + (_TURN if side == 0 and end < count and panels[end].reveals else 0.0)
                total = before.cost + cost + turned + (_AGAIN if plan == before.plan else 0.0)
                if total < best[end][1 - side].cost - 1e-9:
                    best[end][1 - side] = _Way(total, first, plan)
    return _back(best)


def _back(best: Sequence[Sequence[_Way]]) -> list[tuple[int, _Plan]]:
    """The pages of the cheapest way, from its end."""
    end = len(best) - 1
    side = 0 if best[end][0].cost <= best[end][1].cost else 1
    pages = []
    while end:
        way = best[end][side]
        pages.append((end, way.plan))
        end, side = way.first, 1 - side
    return pages[::-1]


def _splashes(panels: Sequence[LayoutPanel], size: PageSize) -> set[int]:
    """Which panels may carry a page alone."""
    found: set[int] = set()
    last = -_APART
    for number, one in enumerate(panels):
        shaped = abs(math.log(one.aspect * size.height / size.width)) <= math.log(_SHAPE)
        worth = shaped and splash(one.panel, opener=number == 0)
        if worth and len(panels) >= _LONG and number - last >= _APART and number < len(panels) - 1:
            found.add(number)
            last = number
    return found


def _tiers(panels: Sequence[LayoutPanel], first: int, size: PageSize) -> Iterator[_Set]:
    """Every tier that may begin with a panel."""
    for tier in TIERS:
        end = first + sum(tier)
        of = panels[first:end]
        if end > len(panels) or (tier == BEATS and not all(beat(one.panel) for one in of)):
            continue
        height = _height(tier, of, size)
        if tier in STACKS and height > 0.75 * size.content[1]:
            continue
        cells = places(tier, [one.aspect for one in of], size.content[0], height, size.gutter)
        natural = natural_height(tier, [one.aspect for one in of], size.content[0], size.gutter)
        # A limited tier keeps its pictures' shapes as far as possible, and leaves the page empty beside it.
        share = min(1.0, (_LOOSE if len(of) == 1 else _STRETCH[1]) * height / natural)
        cost = STACKS.get(tier, 0.0) + 5 * (1 - share)
        for one, cell in zip(of, cells, strict=True):
            area = cell.width * share * cell.height
            # A beat as large as the rest is none.
            weight = 1.0 if beat(one.panel) and area > wanted(one.panel, size) else 0.5
            cost += weight * math.log(area / wanted(one.panel, size)) ** 2
            cost += 6 * max(needed(one.panel, size) / area - 1, 0.0)
            cost += max(_LOWEST * size.height - min(cell.width, cell.height), 0.0) / 40
            if needed(one.panel, size):
                cost += max(_LINE - cell.width * share / text_size(size.width).nominal, 0.0) * 0.7
        if tier not in STACKS and len({beat(one.panel) for one in of}) == 2:
            # Beats stand together, or above each other beside what they interrupt.
            cost += _MIXED
        if tier in STACKS and beat(of[-1 if tier[0] > 1 else 0].panel):
            cost += _LOOMING
        cost += _BESIDE * sum(one.opens for one in of[1:])
        yield _Set(tier, end, height, cost)


def _plans(tiers: Sequence[Sequence[_Set]], first: int, size: PageSize) -> Iterator[tuple[int, _Plan, float, float]]:
    """Every page that may begin with a panel: its end, plan, the height of its tiers, and what they cost."""
    most = size.content[1] / _STRETCH[0]
    open_pages: list[tuple[int, _Plan, float, float]] = [(first, (), 0.0, 0.0)]
    while open_pages:
        at, plan, height, cost = open_pages.pop()
        for one in tiers[at] if at < len(tiers) else ():
            grown = height + one.height
            if one.end - first > _MOST_ON_PAGE or (plan and grown + len(plan) * size.gutter > most):
                continue
            page = (one.end, (*plan, one.tier), grown, cost + one.cost)
            yield page
            open_pages.append(page)


def _height(tier: Tier, panels: Sequence[LayoutPanel], size: PageSize) -> float:
    """How tall a tier is: a tall picture alone would fill the page, but text may ask for that."""
    natural = natural_height(tier, [one.aspect for one in panels], size.content[0], size.gutter)
    if tier in STACKS:
        return natural
    asked = sum(needed(one.panel, size) for one in panels) / size.content[0]
    return min(natural, max(_TALLEST * size.height, asked), size.content[1])


def _fill(height: float, tiers: int, on_page: int, size: PageSize, *, last: bool) -> float:
    """The cost of stretching tiers of this height to fill the page."""
    room = size.content[1] - size.gutter * (tiers - 1)
    stretch = room / height
    if last and stretch > 1:
        used = min(stretch, _loosest(on_page))
        return 1.5 * math.log(used) ** 2 + 5 * (1 - used / stretch)
    beyond = max(_STRETCH[0] / stretch, stretch / _STRETCH[1], 1.0) - 1
    return 6 * math.log(stretch) ** 2 + 40 * beyond + (200 if beyond and stretch < 1 else 0)


def _loosest(on_page: int) -> float:
    """How far the tiers of a last page may be stretched."""
    return _LOOSE if 2 <= on_page <= 4 else _STRETCH[1]


def _crowd(on_page: int, size: PageSize) -> float:
    """The cost of a page with very few or very many panels."""
    if on_page <= 1:
        return 3.0
    if on_page == _MOST_ON_PAGE:
        return 0.4
    return 0.33 * max(size.panels - 1.5 - on_page, 0.0) ** 2


def _break(panels: Sequence[LayoutPanel], end: int) -> float:
    """The cost of turning the page before a panel."""
    if not 0 < end < len(panels):
        return 0.0
    if panels[end].opens:
        return _REVEAL if panels[end].reveals else _OPENS
    orphan = end + 1 == len(panels) or panels[end + 1].opens
    return (_ORPHAN if orphan else 0.0) + (_FOOT if panels[end - 1].opens else 0.0)


def _page(number: int, panels: Sequence[LayoutPanel], plan: _Plan, size: PageSize, *, last: bool) -> PageLayout:
    if plan == _SPLASH:
        return PageLayout(number, size.width, size.height, (Cell(panels[0].id, 0, 0, size.width, size.height),))
    tiers = []
    first = 0
    for tier in plan:
        tiers.append((tier, panels[first : first + sum(tier)]))
        first += sum(tier)
    room = size.content[1] - size.gutter * (len(tiers) - 1)
    heights = _grown([_height(tier, of, size) for tier, of in tiers], tiers, room, size)
    # Below the lower limit nothing may be kept: a page that runs over its edge would be worse than a deeper crop.
    stretch = min(room / sum(heights), _loosest(len(panels)) if last else _STRETCH[1])
    y = float(size.margin)
    cells: list[Cell] = []
    for (tier, of), height in zip(tiers, heights, strict=True):
        cells += _cells(tier, of, y, y + height * stretch, size, _loosest(len(panels)) if last else _STRETCH[1])
        y += height * stretch + size.gutter
    return PageLayout(number, size.width, size.height, tuple(cells))


def _grown(
    heights: Sequence[float], tiers: Sequence[tuple[Tier, Sequence[LayoutPanel]]], room: float, size: PageSize
) -> list[float]:
    """Limited tiers get the room that the page has left, before anything is stretched."""
    spare = room - sum(heights)
    grown = []
    for height, (tier, of) in zip(heights, tiers, strict=True):
        natural = natural_height(tier, [one.aspect for one in of], size.content[0], size.gutter)
        more = max(min(natural - height, spare), 0.0) if len(tiers) > 1 else 0.0
        spare -= more
        grown.append(height + more)
    return grown


def _cells(
    tier: Tier, panels: Sequence[LayoutPanel], top: float, bottom: float, size: PageSize, loss: float
) -> list[Cell]:
    width = float(size.content[0])
    aspects = [one.aspect for one in panels]
    natural = natural_height(tier, aspects, width, size.gutter)
    # A tall panel in a limited tier keeps its shape, centred, instead of losing half the picture.
    share = min(1.0, max(loss, _LOOSE if len(panels) == 1 else 0.0) * (bottom - top) / natural)
    share = 1.0 if len(panels) == 1 and share > _SNUG else share
    left = size.margin + (1 - share) * width / 2
    cells = []
    for one, place in zip(panels, places(tier, aspects, width * share, bottom - top, size.gutter), strict=True):
        x, y = round(left + place.x), round(top + place.y)
        right, low = round(left + place.x + place.width), round(top + place.y + place.height)
        cells.append(Cell(one.id, x, y, right - x, low - y))
    return cells


def _mirrored(page: PageLayout) -> PageLayout:
    """The same page, read from right to left."""
    cells = [Cell(one.id, page.width - one.x - one.width, one.y, one.width, one.height) for one in page.cells]
    return PageLayout(page.number, page.width, page.height, tuple(cells))


def _gap(before: LayoutPanel, panel: LayoutPanel) -> int:
    """The gap between two panels of a strip, which sets the pace of reading."""
    if panel.reveals:
        return round(_LONG_PAUSE * WEBTOON.gutter)
    if panel.opens or splash(panel.panel, opener=False):
        return round(_SCENE * WEBTOON.gutter)
    return round(_QUICK * WEBTOON.gutter) if beat(before.panel) and beat(panel.panel) else WEBTOON.gutter


def _strip(panels: Sequence[LayoutPanel]) -> list[PageLayout]:
    """One column; a slice ends in the middle of a gap, so stacked slices show the gaps unbroken."""
    slices: list[PageLayout] = []
    cells: list[Cell] = []
    half = WEBTOON.gutter // 2
    y = half
    for number, panel in enumerate(panels):
        after = _gap(panel, panels[number + 1]) if number + 1 < len(panels) else WEBTOON.gutter
        full = panel.panel.shot is Shot.ESTABLISHING
        width = WEBTOON.width if full else WEBTOON.width - 2 * WEBTOON.margin
        height = round(width / panel.aspect)
        height = max(height, min(round(needed(panel.panel, WEBTOON) / width), round(height * 1.13)))
        gap = _gap(panels[number - 1], panel) if number else WEBTOON.gutter
        if cells and y + height + after // 2 > WEBTOON.height:
            # The previous slice ends with the first half of the gap, this one begins with the other.
            slices.append(PageLayout(len(slices) + 1, WEBTOON.width, y - (gap - gap // 2), tuple(cells)))
            cells, y = [], gap - gap // 2
        tallest = WEBTOON.height - y - after // 2
        if height > tallest:
            width, height = max(round(width * tallest / height), WEBTOON.width // 2), tallest
        cells.append(Cell(panel.id, (WEBTOON.width - width) // 2, y, width, height))
        y += height + after
    if cells:
        slices.append(PageLayout(len(slices) + 1, WEBTOON.width, y - half, tuple(cells)))
    return slices
