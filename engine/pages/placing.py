"""Places texts in a panel: a beam search over all of them together.

The rule of order: of two balloons, the later one lies entirely below the earlier, or entirely beside it on the reading
side and not higher. A `Rule` says what a search must not do; everything else has a cost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import pairwise

from engine.pages import fonts
from engine.pages.balloons import Balloon, Point, Rect, body_size
from engine.pages.detail import Detail
from engine.pages.languages import is_vertical
from engine.pages.tails import can_join, distance, neck_way, pointing, speaking, tail_edges
from engine.pages.wrapping import block
from models.story import LineKind

_ROOMS = (0.3, 0.4, 0.52, 0.66, 0.82, 1.0)
_CALM, _FULL = 2.6, 6.0
_LOUD = (2.6, 2.0, 1.5, 1.0)
# A balloon this many times as tall as wide is a needle: lines of a word or two, and hyphenated words.
_NEEDLE = 1.4


@dataclass(frozen=True)
class Effort:
    """How much of a search is kept: arrangements after each text, places that follow from each, places examined."""

    beam: int
    finalists: int
    tried: int


USUAL = Effort(beam=8, finalists=8, tried=40)
HURRIED = Effort(beam=2, finalists=8, tried=40)
THOROUGH = Effort(beam=24, finalists=16, tried=150)


class Rule(IntEnum):
    """What an arrangement must not do, each including the previous ones: nothing; cover a face; lack a speaker's
    tail.
    """

    PLACED = 0
    FACES_FREE = 1
    TAILS_REACH = 2


@dataclass(frozen=True)
class Text:
    """A text to set: the caption (`line` -1, `kind` None), a line of dialogue, or a piece of one.

    `head` is the speaker's, if known; `continues` says that the same voice continues the previous text.
    """

    line: int
    kind: LineKind | None
    text: str
    speaker: str = ""
    head: Rect | None = None
    continues: bool = False


@dataclass(frozen=True)
class Stage:
    """A panel of `width` × `height` pixels: bodies stay in `room`, off `heads`, and preferably off `figures`."""

    width: float
    height: float
    room: Rect
    heads: tuple[Rect, ...]
    figures: tuple[Rect, ...]
    rtl: bool
    gap: float
    detail: Detail | None
    language: str = ""


@dataclass(frozen=True)
class Arrangement:
    """Texts with their places; `faults` counts what the strictest rule forbids."""

    cost: float = 0.0
    placed: tuple[Balloon, ...] = ()
    tails: tuple[tuple[Point, ...], ...] = ()
    necks: tuple[tuple[Point, ...], ...] = ()
    faults: float = 0.0


@dataclass
class _Options:
    """A text's shapes, and the part of each place's cost that does not depend on the search."""

    text: Text
    shapes: list[Balloon]
    costs: dict[tuple[int, float, float], tuple[float, float] | None] = field(default_factory=dict)


def arrange(texts: Sequence[Text], stage: Stage, size: int, rule: Rule, effort: Effort) -> Arrangement | None:
    """The best arrangement found with letters of this size; None if there is none."""
    options = [_Options(text, _shapes(text, stage, size)) for text in texts]
    room = stage.room.width * stage.room.height
    if not all(each.shapes for each in options):
        return None
    least = [min(s.rect.width * s.rect.height for s in each.shapes) for each in options]
    if sum(least) > 0.95 * room:
        return None
    states = [Arrangement()]
    for number, each in enumerate(options):
        rest = sum(least[number + 1 :])
        grown = [state for before in states for state in _place(before, each, stage, rule, rest, effort)]
        states = sorted(grown, key=lambda state: state.cost)[: effort.beam]
        if not states:
            return None
    return states[0]


def shelve(texts: Sequence[Text], stage: Stage, size: int) -> Arrangement | None:
    """Row by row in reading order, ignoring faces: what fits where a search finds nothing, or None."""
    x, y, low = stage.room.x, stage.room.y, stage.room.y
    state = Arrangement()
    for text in texts:
        shapes = sorted(_shapes(text, stage, size), key=lambda shape: shape.rect.width * shape.rect.height)
        shape = next((each for each in shapes if x + each.rect.width <= stage.room.right), None)
        if shape is None and shapes:
            x, y, shape = stage.room.x, low, shapes[0]
        if shape is None or y + shape.rect.height > stage.room.bottom:
            return None
        width = shape.rect.width
        left = stage.room.x + stage.room.right - x - width if stage.rtl else x
        settled = _settle(state, shape.at(left, y), text, stage)
        state = replace(settled, faults=state.faults + settled.faults)
        low = max(low, y + shape.rect.height + stage.gap)
        x += width + stage.gap
    return state


def follows(later: Rect, earlier: Rect, rtl: bool, gap: float) -> bool:
    """Whether a reader comes to `later` after `earlier`, and the two keep `gap` pixels apart."""
    if later.y >= earlier.bottom + gap - 1e-6:
        return True
    beside = later.right <= earlier.x - gap + 1e-6 if rtl else later.x >= earlier.right + gap - 1e-6
    return beside and later.y >= earlier.y - 1e-6


def _shapes(text: Text, stage: Stage, size: int) -> list[Balloon]:
    """The text wrapped a few ways, still at the origin; short and wide first."""
    vertical = text.kind is not LineKind.SFX and fonts.SHAPED
    vertical = vertical and is_vertical(text.text, stage.language, "rtl" if stage.rtl else "ltr")
    most = stage.room.height if vertical else stage.room.width
    rtl = vertical or fonts.is_rtl(text.text)
    found: dict[int, tuple[float, Balloon]] = {}
    if text.kind is LineKind.SFX:
        tries = [(1.0, round(size * loud), _FULL) for loud in _LOUD]
    else:
        tries = [(share, size, roundness) for share in _ROOMS for roundness in (_CALM, _FULL)]
    for share, letters, roundness in tries:
        if share * most < 3.2 * letters:
            continue
        room = share * most - (1.0 if text.kind is None else 1.5) * letters
        lines = block(text.text, letters, room, stage.language, vertical=vertical)
        width, height = body_size(lines, text.kind, roundness)
        if width <= stage.room.width and height <= stage.room.height:
            long, wide = (lines.height, lines.width) if vertical else (lines.width, lines.height)
            slim = abs(long / wide - (3.0 if text.kind is None else 1.9))
            cost = 0.16 * slim + (0.35 if roundness == _FULL and len(lines.lines) < 7 else 0.0)
            cost += 2.2 * width * height / (stage.width * stage.height)
            cost += 0.5 * sum(line.endswith("-") for line in lines.lines)
            key = len(lines.lines)
            if text.kind is LineKind.SFX:
                # As loud as there is room for.
                key, cost = -letters, -float(letters)
            if key not in found or cost < found[key][0]:
                rect = Rect(0, 0, width, height)
                found[key] = (cost, Balloon(text.kind, rect, lines, roundness, from_right=rtl, line=text.line))
    ranked = [balloon for _, balloon in sorted(found.values(), key=lambda pair: pair[0])]
    if text.kind is LineKind.SFX:
        return ranked
    # The lowest and the narrowest fit where better ones do not.
    chosen = ranked[:4]
    for spare in (min, max):
        extreme = spare(ranked, key=lambda balloon: balloon.rect.height, default=None)
        if extreme is not None and extreme not in chosen:
            chosen.append(extreme)
    return chosen


def _place(
    state: Arrangement, options: _Options, stage: Stage, rule: Rule, rest: float, effort: Effort
) -> list[Arrangement]:
    text, placed = options.text, state.placed
    found: list[tuple[float, float, float, float, Balloon]] = []
    for rank, shape in enumerate(options.shapes):
        width, height = shape.rect.width, shape.rect.height
        slim = 0.0 if shape.block.vertical else 1.2 * max(height / width - _NEEDLE, 0.0)
        for y in _downs(placed, height, stage):
            first, last = _open_span(placed, y, stage)
            for x in _acrosses(placed, width, text, stage):
                if not (first - 1e-6 <= x and x + width <= last + 1e-6):
                    continue
                key = (rank, x, y)
                if key not in options.costs:
                    options.costs[key] = _cost(shape.at(x, y), text, stage, rule)
                priced = options.costs[key]
                if priced is not None:
                    cost = state.cost + priced[0] + 0.22 * rank + slim
                    if text.continues and placed:
                        cost += 0.5 * _apart(x, y, width, height, placed[-1].rect) / shape.block.size
                    found.append((cost, priced[1], x, y, shape))
    found.sort(key=lambda each: each[0])
    grown: list[Arrangement] = []
    tried = 0
    for cost, covered, x, y, shape in found:
        balloon = shape.at(x, y)
        left = _left_over([*placed, balloon], stage) if rest else 1.0
        if left < 1.02 * rest:
            continue
        tried += 1
        if tried > effort.tried:
            break
        # An early balloon leaves room for later ones.
        cost += 1.2 * max(2.2 * rest / left - 1, 0.0)
        settled = _settle(state, balloon, text, stage)
        faults = settled.faults + covered
        if rule is Rule.TAILS_REACH and faults:
            continue
        cost += 3.0 * settled.faults
        grown.append(replace(settled, cost=cost, faults=state.faults + faults))
        if len(grown) == effort.finalists:
            break
    return grown


def _settle(state: Arrangement, balloon: Balloon, text: Text, stage: Stage) -> Arrangement:
    """The balloon in its place with its tail; `faults` are those that it adds."""
    placed, tails, necks = list(state.placed), list(state.tails), list(state.necks)
    crossed = [number for number, edge in enumerate(tails) if any(balloon.covers(*point, 4) for point in edge)]
    faults = sum(any(balloon.covers(*point, 4) for point in way) for way in necks)
    neck: tuple[Point, ...] = ()
    if text.continues and placed and can_join(balloon, placed[-1], stage.heads, placed[:-1]):
        balloon = replace(balloon, joined=len(placed) - 1)
        neck = neck_way(balloon, placed[-1])
        if text.head is not None:
            # One tail serves all joined balloons: the shorter one, or the one that is still free.
            holder = _holder(placed)
            spoken = speaking(balloon, text.head, stage.heads, placed)
            if holder is None or holder in crossed or (spoken is not None and _shorter(spoken, placed[holder])):
                if spoken is not None:
                    balloon = spoken
                    if holder is not None:
                        placed[holder], tails[holder] = replace(placed[holder], tail=None), ()
                        crossed = [number for number in crossed if number != holder]
                elif holder is None:
                    faults += 1
    elif text.head is not None and not balloon.boxed:
        spoken = speaking(balloon, text.head, stage.heads, placed)
        faults += spoken is None
        balloon = spoken or pointing(balloon, text.head, stage.heads, placed)
    faults += len(crossed)
    return Arrangement(0.0, (*placed, balloon), (*tails, tail_edges(balloon)), (*necks, neck), float(faults))


def _holder(placed: Sequence[Balloon]) -> int | None:
    """Which of the balloons that are joined to the last one, itself included, has the tail."""
    number: int | None = len(placed) - 1
    while number is not None:
        if placed[number].tail is not None:
            return number
        number = placed[number].joined
    return None


def _shorter(one: Balloon, other: Balloon) -> bool:
    def length(balloon: Balloon) -> float:
        return math.dist(balloon.way[0], balloon.way[-1]) if balloon.way else math.inf

    return length(one) < length(other)


def _open_span(placed: Sequence[Balloon], y: float, stage: Stage) -> tuple[float, float]:
    """Between which x the next balloon may lie with its top at `y`: the rule of order for all earlier ones at once."""
    first, last = 0.0, stage.width
    for balloon in placed:
        if y < balloon.rect.bottom + stage.gap - 1e-6:
            if y < balloon.rect.y - 1e-6:
                return stage.width, 0.0
            first = first if stage.rtl else max(first, balloon.rect.right + stage.gap)
            last = min(last, balloon.rect.x - stage.gap) if stage.rtl else last
    return first, last


def _left_over(placed: Sequence[Balloon], stage: Stage) -> float:
    """The square pixels where a later balloon could still lie, as far as the rule of order goes."""
    room, top = stage.room, placed[-1].rect.y
    marks = sorted({top, room.bottom, *(each.rect.bottom + stage.gap for each in placed if each.rect.bottom > top)})
    area = 0.0
    for y, below in pairwise(marks):
        first, last = _open_span(placed, y, stage)
        across = min(last, room.right) - max(first, room.x)
        area += max(across, 0.0) * max(min(below, room.bottom) - y, 0.0)
    return area


def _downs(placed: Sequence[Balloon], height: float, stage: Stage) -> list[float]:
    highest, lowest = stage.room.y, stage.room.bottom - height
    wanted = [highest + (lowest - highest) * step / 6 for step in range(7)]
    for head in stage.heads:
        wanted += [head.y - height - stage.gap, head.bottom + stage.gap]
    for balloon in placed[-3:]:
        wanted += [balloon.rect.bottom + stage.gap, balloon.rect.y, balloon.rect.y + 0.35 * balloon.rect.height]
    return _steps(wanted, highest, lowest)


def _acrosses(placed: Sequence[Balloon], width: float, text: Text, stage: Stage) -> list[float]:
    first, last = stage.room.x, stage.room.right - width
    if text.kind is None:
        wanted = [last if stage.rtl else first]
        if stage.heads or placed:
            wanted += [first, last]
    else:
        wanted = [first + (last - first) * step / 6 for step in range(7)]
        if text.head:
            wanted.append(min(max(text.head.centre[0] - width / 2, first), last))
        for head in stage.heads:
            wanted += [head.x - width - 0.7 * stage.gap, head.right + 0.7 * stage.gap]
    for balloon in placed[-3:]:
        wanted.append(balloon.rect.x - stage.gap - width if stage.rtl else balloon.rect.right + stage.gap)
    return _steps(wanted, first, last)


def _steps(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Rounded to a tenth of a pixel, so that almost equal places count as one."""
    return sorted({min(max(round(at, 1), low), high) for at in wanted if low - 1e-6 <= at <= high + 1e-6})


def _cost(balloon: Balloon, text: Text, stage: Stage, rule: Rule) -> tuple[float, float] | None:
    """What this place costs, and how much of the faces it covers (1.0 is one whole face); None if it may not be."""
    rect = balloon.rect
    # Spikes and bumps extend beyond the curve that stands for them.
    margin = 0.12 * balloon.block.size
    covered = 0.0
    for head in stage.heads:
        if balloon.meets(head, margin):
            if rule >= Rule.FACES_FREE:
                return None
            covered += max(rect.overlap(head) / (head.width * head.height + 1), 0.02)
    cost = 14 * covered + 1.3 * rect.y / stage.height
    for figure in stage.figures:
        cost += 0.6 * rect.overlap(figure) / (rect.width * rect.height)
    if stage.detail is not None:
        cost += 0.45 * min(stage.detail.under(rect), 4.0)
    middle = rect.centre
    if text.kind is None:
        away = stage.room.right - rect.right if stage.rtl else rect.x - stage.room.x
        return cost + 2.5 * rect.y / stage.height + 1.2 * away / stage.width, covered
    if text.head is None:
        edge = min(rect.x, stage.width - rect.right) / stage.width
        return cost + 0.8 * edge, covered
    head = text.head
    cost += 1.5 * abs(middle[0] - head.centre[0]) / stage.width
    cost += 0.5 * distance(middle, head) / stage.height
    if rect.bottom > head.y + 0.3 * head.height:
        cost += 0.7
    return cost, covered


def _apart(x: float, y: float, width: float, height: float, other: Rect) -> float:
    across = max(x - other.right, other.x - x - width, 0.0)
    down = max(y - other.bottom, other.y - y - height, 0.0)
    return math.hypot(across, down)
