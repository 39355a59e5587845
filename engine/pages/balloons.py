"""The shapes of lettering: balloons with their tails, thought clouds, bursts, whispers and caption boxes.

A balloon's body is a superellipse, |x/a|^n + |y/b|^n = 1: between an ellipse and a box, so lines of text waste little
of it.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from engine.pages.wrapping import Block
from models.story import LineKind

_CHAMFER = 0.2
_STEPS = 9
# Kinds with corners: no curve approximates their bodies.
_BOXES = (None, LineKind.SFX, LineKind.RADIO)

Point = tuple[float, float]


@dataclass(frozen=True)
class Rect:
    """An area in pixels from the panel's top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    def overlap(self, other: "Rect") -> float:
        """The common area in square pixels."""
        across = min(self.right, other.right) - max(self.x, other.x)
        down = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(across, 0.0) * max(down, 0.0)

    def grown(self, by: float) -> "Rect":
        return Rect(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)


@dataclass(frozen=True)
class Balloon:
    """A text in its shape: `kind` None is a caption box; `rect` is the whole body, with spikes and bumps.

    `line` is the index of its line, -1 for the caption: the pieces of a long line share it. `tail` is where the tail
    ends, None for none; `bend` how far it leans; `joined` is the index of the earlier balloon that a neck leads to;
    `roundness` is the superellipse's exponent; `manual` says that a person placed it.
    """

    kind: LineKind | None
    rect: Rect
    block: Block
    roundness: float
    tail: Point | None = None
    from_right: bool = False
    line: int = 0
    bend: float = 1.0
    joined: int | None = None
    manual: bool = False

    def at(self, x: float, y: float) -> "Balloon":
        """The same balloon at another place, without tail or neck."""
        rect = Rect(x, y, self.rect.width, self.rect.height)
        return Balloon(self.kind, rect, self.block, self.roundness, from_right=self.from_right, line=self.line)

    @cached_property
    def way(self) -> tuple[Point, ...]:
        """Points along the middle of the tail, from the body to the tip."""
        if self.tail is None:
            return ()
        start, tip = rooted(self, self.tail), self.tail
        bend = 0.0 if self.kind in (LineKind.THOUGHT, LineKind.RADIO) else self.bend
        middle = bent(start, tip, self.block.size, bend)
        points = [start]
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
            points.append((a * start[0] + b * middle[0] + c * tip[0], a * start[1] + b * middle[1] + c * tip[1]))
        return tuple(points)

    @cached_property
    def reach(self) -> Rect:
        """The area within a letter's size of the tail; empty without a tail."""
        if not self.way:
            return Rect(0, 0, 0, 0)
        across, down = [x for x, _ in self.way], [y for _, y in self.way]
        left, top = min(across), min(down)
        return Rect(left, top, max(across) - left, max(down) - top).grown(self.block.size)

    @property
    def boxed(self) -> bool:
        """Whether the text stands in a plain box, drawn or not."""
        return self.kind is None or self.kind is LineKind.SFX

    def text_rects(self) -> list[Rect]:
        """The rectangle of each line of text."""
        middle_x, middle_y = self.rect.centre
        top = middle_y - self.block.height / 2
        if self.block.vertical:
            right, wide = middle_x + self.block.width / 2, self.block.line_height
            # Columns start at one height, as in a book; they are not centred.
            return [Rect(right - (number + 1) * wide, top, wide, long) for number, long in enumerate(self.block.widths)]
        rects = []
        for number, width in enumerate(self.block.widths):
            x = middle_x - width / 2
            if self.kind is None:
                pad = caption_pad(self.block.size)
                x = self.rect.right - pad - width if self.from_right else self.rect.x + pad
            y = top + number * self.block.line_height
            rects.append(Rect(x, y, width, self.block.line_height))
        return rects

    def core(self) -> Rect:
        """The body without spikes and bumps: the text stays inside this superellipse."""
        return self.rect.grown(-rim(self.kind, self.block.size))

    def holds(self, x: float, y: float) -> bool:
        """Whether the point lies in the part of the body that may hold text."""
        core = self.core()
        middle_x, middle_y = core.centre
        across, down = abs(x - middle_x) / (core.width / 2), abs(y - middle_y) / (core.height / 2)
        if self.boxed:
            return across <= 1 + 1e-9 and down <= 1 + 1e-9
        return math.pow(across, self.roundness) + math.pow(down, self.roundness) <= 1 + 1e-9

    def covers(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether the point lies under the body, spikes and bumps included, or within `margin` pixels of it."""
        # The search calls this more often than anything else: most points are far away.
        rect = self.rect
        half_width, half_height = rect.width / 2 + margin, rect.height / 2 + margin
        across, down = abs(x - rect.x - rect.width / 2), abs(y - rect.y - rect.height / 2)
        if across > half_width or down > half_height:
            return False
        if self.kind in _BOXES:
            return True
        return math.pow(across / half_width, self.roundness) + math.pow(down / half_height, self.roundness) <= 1

    def meets(self, area: Rect, margin: float = 0.0) -> bool:
        """Whether the body, grown by `margin`, overlaps an area."""
        # The point of the area nearest to the body's centre.
        x, y = self.rect.centre
        return self.covers(min(max(x, area.x), area.right), min(max(y, area.y), area.bottom), margin)


def caption_pad(size: int) -> float:
    """Pixels between a caption's text and its box."""
    return 0.42 * size


def rim(kind: LineKind | None, size: int) -> float:
    """How far spikes or bumps reach beyond the part of the body that holds text, in pixels."""
    return {LineKind.SHOUT: 0.62, LineKind.THOUGHT: 0.42}.get(kind, 0.0) * size if kind else 0.0


def body_size(block: Block, kind: LineKind | None, roundness: float) -> Point:
    """The smallest body (width, height) whose superellipse holds every corner of every line."""
    if kind is None:
        pad = caption_pad(block.size)
        return block.width + 2 * pad, block.height + 1.4 * pad
    if kind is LineKind.SFX:
        return block.width + 0.3 * block.size, block.height + 0.1 * block.size
    pad = 0.34 * block.size
    around = 2 * rim(kind, block.size)
    if block.vertical:
        # The rightmost column may be the longest: what holds all is as good as a box.
        reach = 2 ** (1 / roundness)
        return (block.width + 1.1 * pad) * reach + around, (block.height + 1.1 * pad) * reach + around
    half_width, half_height = block.width / 2 + pad, block.height / 2 + 0.55 * pad
    reach = 1.0
    for number, width in enumerate(block.widths):
        across = (width / 2 + pad) / half_width
        edge = max(
            abs(number * block.line_height - block.height / 2), abs((number + 1) * block.line_height - block.height / 2)
        )
        reach = max(reach, (across**roundness + (edge / half_height) ** roundness) ** (1 / roundness))
    return 2 * half_width * reach + around, 2 * half_height * reach + around


def outline(balloon: Balloon) -> list[Point]:
    """The body as a closed polygon."""
    core, size = balloon.core(), balloon.block.size
    if balloon.boxed:
        rect = balloon.rect
        return [(rect.x, rect.y), (rect.right, rect.y), (rect.right, rect.bottom), (rect.x, rect.bottom)]
    if balloon.kind is LineKind.RADIO:
        return _chamfered(core)
    if balloon.kind is LineKind.SHOUT:
        return _burst(core, balloon.roundness, size)
    if balloon.kind is LineKind.THOUGHT:
        return _cloud(core, balloon.roundness, size)
    return [_on(core, balloon.roundness, 2 * math.pi * step / 96) for step in range(96)]


def tail_shapes(balloon: Balloon) -> list[list[Point]]:
    """The tail as closed polygons: a curved horn, a bolt for voices from devices, bubbles for a thought."""
    if balloon.tail is None or balloon.boxed:
        return []
    core, size = balloon.core(), balloon.block.size
    tip = balloon.tail
    start = rooted(balloon, tip)
    length = math.dist(start, tip)
    if length < 0.2 * size:
        return []
    along = ((tip[0] - start[0]) / length, (tip[1] - start[1]) / length)
    if balloon.kind is LineKind.THOUGHT:
        return _bubbles(start, tip, size, rim(balloon.kind, size))
    half = min(0.42 * size, 0.22 * min(core.width, core.height))
    across = (-along[1], along[0])
    root = (start[0] - along[0] * 0.5 * size, start[1] - along[1] * 0.5 * size)
    if balloon.kind is LineKind.RADIO:
        return [_bolt(root, tip, across, half)]
    middle = bent(root, tip, size, balloon.bend)
    one = _curve((root[0] + across[0] * half, root[1] + across[1] * half), middle, tip)
    other = _curve((root[0] - across[0] * half, root[1] - across[1] * half), middle, tip)
    return [one + other[::-1]]


def neck_shapes(balloon: Balloon, earlier: Balloon) -> list[list[Point]]:
    """The neck to an earlier balloon of the same voice, as closed polygons."""
    one, other = rooted(balloon, earlier.rect.centre), rooted(earlier, balloon.rect.centre)
    size = balloon.block.size
    length = math.dist(one, other)
    if balloon.kind is LineKind.THOUGHT:
        share = rim(balloon.kind, size) / max(length, 1.0)
        return [_circle(_between(one, other, at), 0.26 * size) for at in (0.5 - 0.5 * share, 0.5 + 0.5 * share)]
    along = ((other[0] - one[0]) / max(length, 1e-6), (other[1] - one[1]) / max(length, 1e-6))
    half, deep = 0.34 * size, 0.6 * size
    across = (-along[1] * half, along[0] * half)
    start = (one[0] - along[0] * deep, one[1] - along[1] * deep)
    end = (other[0] + along[0] * deep, other[1] + along[1] * deep)
    return [
        [
            (start[0] + across[0], start[1] + across[1]),
            (end[0] + across[0], end[1] + across[1]),
            (end[0] - across[0], end[1] - across[1]),
            (start[0] - across[0], start[1] - across[1]),
        ]
    ]


def rooted(balloon: Balloon, target: Point) -> Point:
    """Where the straight line from the middle to the target leaves the body."""
    return _towards(balloon.core(), balloon.roundness, target)


def bent(start: Point, tip: Point, size: int, bend: float) -> Point:
    """The point that a tail leans towards; straight tails look like arrows."""
    length = math.dist(start, tip) or 1.0
    along = ((tip[0] - start[0]) / length, (tip[1] - start[1]) / length)
    lean = bend * min(0.12 * length, 0.8 * size) * (1 if along[0] < 0 else -1)
    return (start[0] + tip[0]) / 2 - along[1] * lean, (start[1] + tip[1]) / 2 + along[0] * lean


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _on(rect: Rect, roundness: float, angle: float) -> Point:
    middle_x, middle_y = rect.centre
    cos, sin = math.cos(angle), math.sin(angle)
    return (
        middle_x + rect.width / 2 * math.copysign(abs(cos) ** (2 / roundness), cos),
        middle_y + rect.height / 2 * math.copysign(abs(sin) ** (2 / roundness), sin),
    )


def _towards(rect: Rect, roundness: float, target: Point) -> Point:
    """Where the straight line from the middle to the target leaves the body."""
    middle_x, middle_y = rect.centre
    across, down = (target[0] - middle_x) / (rect.width / 2), (target[1] - middle_y) / (rect.height / 2)
    reach = (abs(across) ** roundness + abs(down) ** roundness) ** (1 / roundness)
    if reach <= 1:
        return target
    return middle_x + (target[0] - middle_x) / reach, middle_y + (target[1] - middle_y) / reach


def _around(rect: Rect, roundness: float, step: float, least: int) -> list[tuple[Point, Point]]:
    """Points about `step` pixels apart around the body, each with its outward direction."""
    fine = [_on(rect, roundness, 2 * math.pi * number / 720) for number in range(720)]
    total = sum(math.dist(a, b) for a, b in zip(fine, [*fine[1:], fine[0]], strict=True))
    count = max(least, round(total / step))
    found: list[tuple[Point, Point]] = []
    gone, due = 0.0, 0.0
    for a, b in zip(fine, [*fine[1:], fine[0]], strict=True):
        if gone >= due - 1e-9 and len(found) < count:
            along = (b[0] - a[0], b[1] - a[1])
            length = math.hypot(*along) or 1.0
            found.append((a, (along[1] / length, -along[0] / length)))
            due += total / count
        gone += math.dist(a, b)
    return found


def _chamfered(rect: Rect) -> list[Point]:
    """A box with cut corners, so small that the superellipse of any text stays inside."""
    x, y = _CHAMFER * rect.width / 2, _CHAMFER * rect.height / 2
    return [
        (rect.x + x, rect.y),
        (rect.right - x, rect.y),
        (rect.right, rect.y + y),
        (rect.right, rect.bottom - y),
        (rect.right - x, rect.bottom),
        (rect.x + x, rect.bottom),
        (rect.x, rect.bottom - y),
        (rect.x, rect.y + y),
    ]


def _bubbles(start: Point, tip: Point, size: int, first: float) -> list[list[Point]]:
    length = math.dist(start, tip)
    count = max(2, min(4, int((length - first) / (0.75 * size))))
    trail = []
    for number in range(count):
        far = first + 0.35 * size + (length - first - 0.5 * size) * number / max(count - 1, 1)
        radius = 0.36 * size - 0.2 * size * number / max(count - 1, 1)
        trail.append(_circle(_between(start, tip, far / length), radius))
    return trail


def _bolt(root: Point, tip: Point, across: Point, half: float) -> list[Point]:
    """A tail with one sharp kink, like lightning."""
    near, far = _between(root, tip, 0.62), _between(root, tip, 0.48)
    return [
        (root[0] + across[0] * half, root[1] + across[1] * half),
        (near[0] + across[0] * 0.2 * half, near[1] + across[1] * 0.2 * half),
        (far[0] + across[0] * 1.1 * half, far[1] + across[1] * 1.1 * half),
        tip,
        (far[0] - across[0] * 0.5 * half, far[1] - across[1] * 0.5 * half),
        (near[0] - across[0] * 0.9 * half, near[1] - across[1] * 0.9 * half),
        (root[0] - across[0] * half, root[1] - across[1] * half),
    ]


def _burst(rect: Rect, roundness: float, size: int) -> list[Point]:
    points: list[Point] = []
    for number, (at, out) in enumerate(_around(rect, roundness, 0.62 * size, 22)):
        # Long and short spikes alternate in a fixed order, so the same balloon is always the same picture.
        reach = 0.0 if number % 2 == 0 else (0.6, 0.36, 0.5, 0.28)[number // 2 % 4] * size
        points.append((at[0] + out[0] * reach, at[1] + out[1] * reach))
    return points


def _cloud(rect: Rect, roundness: float, size: int) -> list[Point]:
    spots = _around(rect, roundness, 1.5 * size, 7)
    points: list[Point] = []
    for (a, out_a), (b, out_b) in zip(spots, [*spots[1:], spots[0]], strict=True):
        out = (out_a[0] + out_b[0], out_a[1] + out_b[1])
        length = math.hypot(*out) or 1.0
        for step in range(8):
            share = step / 8
            lift = 0.4 * size * math.sin(math.pi * share) ** 0.7
            x, y = _between(a, b, share)
            points.append((x + out[0] / length * lift, y + out[1] / length * lift))
    return points


def _circle(centre: Point, radius: float) -> list[Point]:
    angles = [2 * math.pi * step / 28 for step in range(28)]
    return [(centre[0] + radius * 1.15 * math.cos(angle), centre[1] + radius * math.sin(angle)) for angle in angles]


def _curve(start: Point, control: Point, end: Point) -> list[Point]:
    points = []
    for step in range(15):
        t = step / 14
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        points.append((a * start[0] + b * control[0] + c * end[0], a * start[1] + b * control[1] + c * end[1]))
    return points
