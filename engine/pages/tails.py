"""Aims tails at the speaker's mouth or out of the picture, across no face and no words."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

from engine.pages.balloons import Balloon, Point, Rect, rooted, tail_shapes
from models.story import LineKind

_BENDS = (1.0, -1.0, 0.0)
_SHORTEST = 0.3
_LONGEST_NECK = 1.8
_STRIDE = 3
# In pixels.
_FINE = 2.0


def speaking(balloon: Balloon, head: Rect, heads: Sequence[Rect], others: Sequence[Balloon]) -> Balloon | None:
    """The balloon with a tail to the speaker's head, leaning to the clear side; None if there is no clear way.

    `heads` are all marked heads, including the speaker's.
    """
    tip = _mouth(balloon, head)
    if math.dist(rooted(balloon, tip), tip) < _SHORTEST * balloon.block.size:
        return None
    near = distance(tip, head)
    if any(distance(tip, other) <= near + 1 for other in heads if other != head):
        return None
    for bend in _BENDS if balloon.kind not in (LineKind.THOUGHT, LineKind.RADIO) else (0.0,):
        tried = replace(balloon, tail=tip, bend=bend)
        if clear(tried, heads, others):
            return tried
    return None


def calling(balloon: Balloon, heads: Sequence[Rect], others: Sequence[Balloon], width: float, height: float) -> Balloon:
    """The balloon with a tail to an edge of the panel, for a speaker outside the picture; without one if none is
    clear.
    """
    rect = balloon.rect
    low = min(rect.bottom + max(0.2 * rect.height, 0.9 * balloon.block.size), height - 2)
    left, right = rect.x, width - rect.right
    nearest = (1.0, width - 1.0) if left < right else (width - 1.0, 1.0)
    tips = [(x, y) for x in nearest for y in (low, rect.centre[1] + 0.3 * rect.height, rect.centre[1])]
    tips += [(rect.centre[0], edge) for edge in (1.0, height - 1.0)]
    for tip in tips:
        tried = replace(balloon, tail=tip, bend=0.0 if balloon.kind is LineKind.THOUGHT else 1.0)
        length = math.dist(rooted(tried, tip), tip)
        # A tail as long as the panel would point at whatever it passes.
        if not 0.2 * balloon.block.size <= length <= 0.6 * max(width, height):
            continue
        if all(distance(tip, head) > 0.4 * head.width for head in heads) and clear(tried, heads, others):
            return tried
    return balloon


def pointing(balloon: Balloon, head: Rect, heads: Sequence[Rect], others: Sequence[Balloon]) -> Balloon:
    """The balloon with a short tail towards a head that no tail reaches; without one if even that is blocked."""
    start, aim, size = rooted(balloon, head.centre), head.centre, balloon.block.size
    share = 1.2 * size / max(math.dist(start, aim), 1.2 * size)
    tip = start[0] + (aim[0] - start[0]) * share, start[1] + (aim[1] - start[1]) * share
    tried = replace(balloon, tail=tip, bend=0.0)
    return tried if clear(tried, heads, others) else replace(balloon, tail=None)


def clear(balloon: Balloon, heads: Sequence[Rect], others: Sequence[Balloon]) -> bool:
    """Whether the tail runs across no face, no other body and no other tail."""
    size = balloon.block.size
    way = balloon.way[1:]
    # Distant obstacles are excluded at once, not point by point.
    tails = [other for other in others if other.tail is not None]
    heads = [head for head in heads if head.overlap(balloon.reach)]
    others = [other for other in others if other.rect.overlap(balloon.reach)]
    if not heads and not others:
        return not any(crosses(balloon, other) for other in tails)
    for number, point in enumerate(way, 1):
        margin = 3 + 0.42 * size * (1 - number / len(way))
        if any(in_face(point, head, min(margin, 0.25 * head.width)) for head in heads):
            return False
        if any(other.covers(*point, margin) for other in others):
            return False
    # Where a tail leaves its body at an angle, its edge is not where its middle is.
    edges = tail_edges(balloon)
    return not (
        any(in_face(point, head) for head in heads for point in edges)
        or any(other.covers(*point, 2.0) for other in others for point in edges)
        or any(crosses(balloon, other) for other in tails)
    )


def crosses(balloon: Balloon, other: Balloon) -> bool:
    """Whether two tails cross. Tails that end at the same mouth may meet there."""
    if balloon.tail is None or other.tail is None:
        return False
    if not balloon.reach.overlap(other.reach):
        return False
    # A tail bends so little that a few straight pieces approximate it.
    one, two = balloon.way[::_STRIDE], other.way[::_STRIDE]
    if math.dist(balloon.tail, other.tail) < balloon.block.size:
        one, two = one[:-1], two[:-1]
    return any(_cross(*first, *second) for first, second in product(pairwise(one), pairwise(two)))


def tangled(balloon: Balloon, other: Balloon) -> bool:
    """The same as `crosses`, by outlines instead of middle lines: exact, and too slow for a search."""
    if balloon.tail is None or other.tail is None or math.dist(balloon.tail, other.tail) < balloon.block.size:
        return crosses(balloon, other)
    return any(
        _cross(*first, *second) and not any(each.covers(*first[0]) for each in (balloon, other))
        for first, second in product(_edges(balloon), _edges(other))
    )


def _edges(balloon: Balloon) -> list[tuple[Point, Point]]:
    closed = ([*shape, shape[0]] for shape in tail_shapes(balloon))
    return [(start, end) for shape in closed for start, end in pairwise(shape) if start != end]


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the straight lines from a to b and from c to d have a point in common."""

    def side(start: Point, end: Point, point: Point) -> float:
        return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])

    return side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0


def tail_edges(balloon: Balloon) -> tuple[Point, ...]:
    """Points around the tail."""
    return tuple(point for shape in tail_shapes(balloon) for point in shape)


def tail_line(balloon: Balloon) -> list[Point]:
    """The same without gaps wider than a few pixels, so none passes over a corner; too many points for a search."""
    found: list[Point] = []
    for start, end in _edges(balloon):
        steps = max(1, math.ceil(math.dist(start, end) / _FINE))
        found += [
            (start[0] + (end[0] - start[0]) * step / steps, start[1] + (end[1] - start[1]) * step / steps)
            for step in range(steps)
        ]
    return found


def neck_way(balloon: Balloon, earlier: Balloon) -> tuple[Point, ...]:
    """Points along the neck between two balloons, from body to body."""
    one, other = rooted(balloon, earlier.rect.centre), rooted(earlier, balloon.rect.centre)
    return tuple(
        (one[0] + (other[0] - one[0]) * at, one[1] + (other[1] - one[1]) * at) for at in (0.0, 0.25, 0.5, 0.75)
    )


def can_join(balloon: Balloon, earlier: Balloon, heads: Sequence[Rect], others: Sequence[Balloon]) -> bool:
    """Whether a neck between the two is short and unobstructed."""
    size = balloon.block.size
    if earlier.kind != balloon.kind or earlier.block.size != size:
        return False
    way = neck_way(balloon, earlier)
    if math.dist(way[0], way[-1]) > 0.75 * _LONGEST_NECK * size:
        return False
    return not any(in_face(point, head, 0.36 * size) for head in heads for point in way) and not any(
        other.covers(*point, 0.36 * size) for other in others for point in way
    )


def in_face(point: Point, head: Rect, margin: float = 0.0) -> bool:
    """Whether a point lies on a face, an ellipse in the head's box, or within `margin` pixels of it."""
    x, y = head.centre
    across, down = head.width / 2 + margin, head.height / 2 + margin
    return ((point[0] - x) / across) ** 2 + ((point[1] - y) / down) ** 2 < 1


def distance(point: Point, area: Rect) -> float:
    """Pixels from a point to the nearest of an area."""
    return math.hypot(
        max(area.x - point[0], point[0] - area.right, 0.0), max(area.y - point[1], point[1] - area.bottom, 0.0)
    )


def _mouth(balloon: Balloon, head: Rect) -> Point:
    """Just short of the face, on the line to the mouth."""
    aim_x, aim_y = head.centre[0], head.y + 0.62 * head.height
    middle_x, middle_y = balloon.rect.centre
    across, down = middle_x - aim_x, middle_y - aim_y
    # From the mouth outwards until the line has left the face, and a little further.
    reach = 0.0
    length = math.hypot(across, down) or 1.0
    low, high = 0.0, 1.0
    if not in_face((middle_x, middle_y), head, 1.0):
        for _ in range(12):
            reach = (low + high) / 2
            if in_face((aim_x + across * reach, aim_y + down * reach), head):
                low = reach
            else:
                high = reach
        reach = min(high + (0.06 * head.width + 3) / length, 1.0)
    return aim_x + across * reach, aim_y + down * reach
