"""The shapes lettering lives in: balloons with their tails, thought clouds, bursts, whispers and caption boxes.

A balloon's body is a superellipse, |x/a|^n + |y/b|^n = 1: between an ellipse and a box, so lines of text waste little
of it. Shapes are drawn larger and scaled down, because Pillow's own edges are not smooth.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from engine.pages.wrapping import Block
from models.story import LineKind

INK = (22, 20, 24)
PAPER = (255, 255, 255)
CAPTION_PAPER = (255, 246, 214)
_OVERSAMPLE = 3

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
    """A text in its shape: `kind` None is a caption box; `rect` is the whole body, spikes and bumps included.

    `tail` is where the tail ends, None for none; `roundness` is the superellipse's exponent.
    """

    kind: LineKind | None
    rect: Rect
    block: Block
    roundness: float
    tail: Point | None = None
    from_right: bool = False

    def text_rects(self) -> list[Rect]:
        """The room that each line of text takes."""
        middle_x, middle_y = self.rect.centre
        top = middle_y - self.block.height / 2
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
        """The body without spikes and bumps: the text keeps inside this superellipse."""
        return self.rect.grown(-rim(self.kind, self.block.size))

    def holds(self, x: float, y: float) -> bool:
        """Whether the point lies inside the part of the body that is meant for text."""
        core = self.core()
        middle_x, middle_y = core.centre
        across, down = abs(x - middle_x) / (core.width / 2), abs(y - middle_y) / (core.height / 2)
        if self.kind is None:
            return across <= 1 and down <= 1
        return math.pow(across, self.roundness) + math.pow(down, self.roundness) <= 1 + 1e-9


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
    pad = 0.34 * block.size
    half_width, half_height = block.width / 2 + pad, block.height / 2 + 0.55 * pad
    reach = 1.0
    for number, width in enumerate(block.widths):
        across = (width / 2 + pad) / half_width
        edge = max(
            abs(number * block.line_height - block.height / 2), abs((number + 1) * block.line_height - block.height / 2)
        )
        reach = max(reach, (across**roundness + (edge / half_height) ** roundness) ** (1 / roundness))
    around = 2 * rim(kind, block.size)
    return 2 * half_width * reach + around, 2 * half_height * reach + around


def outline(balloon: Balloon) -> list[Point]:
    """The body as a closed polygon."""
    core, size = balloon.core(), balloon.block.size
    if balloon.kind is None:
        rect = balloon.rect
        return [(rect.x, rect.y), (rect.right, rect.y), (rect.right, rect.bottom), (rect.x, rect.bottom)]
    if balloon.kind is LineKind.SHOUT:
        return _burst(core, balloon.roundness, size)
    if balloon.kind is LineKind.THOUGHT:
        return _cloud(core, balloon.roundness, size)
    return [_on(core, balloon.roundness, 2 * math.pi * step / 96) for step in range(96)]


def tail_shapes(balloon: Balloon) -> list[list[Point]]:
    """The tail as closed polygons: one curved horn, or a trail of shrinking bubbles for a thought."""
    if balloon.tail is None or balloon.kind is None:
        return []
    core, size = balloon.core(), balloon.block.size
    tip = balloon.tail
    start = _towards(core, balloon.roundness, tip)
    length = math.dist(start, tip)
    if length < 0.2 * size:
        return []
    along = ((tip[0] - start[0]) / length, (tip[1] - start[1]) / length)
    if balloon.kind is LineKind.THOUGHT:
        first = rim(balloon.kind, size)
        count = max(2, min(4, int((length - first) / (0.75 * size))))
        trail = []
        for number in range(count):
            far = first + 0.35 * size + (length - first - 0.5 * size) * number / max(count - 1, 1)
            radius = 0.36 * size - 0.2 * size * number / max(count - 1, 1)
            centre = (start[0] + along[0] * far, start[1] + along[1] * far)
            trail.append(_circle(centre, radius))
        return trail
    half = min(0.42 * size, 0.22 * min(core.width, core.height))
    across = (-along[1], along[0])
    root = (start[0] - along[0] * 0.5 * size, start[1] - along[1] * 0.5 * size)
    # The horn leans a little to one side; straight tails look like arrows.
    bend = min(0.12 * length, 0.8 * size) * (1 if along[0] < 0 else -1)
    middle = ((root[0] + tip[0]) / 2 + across[0] * bend, (root[1] + tip[1]) / 2 + across[1] * bend)
    one = _curve((root[0] + across[0] * half, root[1] + across[1] * half), middle, tip)
    other = _curve((root[0] - across[0] * half, root[1] - across[1] * half), middle, tip)
    return [one + other[::-1]]


def paint(page: Image.Image, balloon: Balloon, corner: tuple[int, int], clip: Rect) -> None:
    """Draws body and tail, not the text. `corner` is the panel's place on the page; `clip` is in panel pixels."""
    body, tails = outline(balloon), tail_shapes(balloon)
    stroke = max(2.0, balloon.block.size * (0.115 if balloon.kind is LineKind.SHOUT else 0.085))
    points = [point for shape in [body, *tails] for point in shape]
    left = max(math.floor(min(x for x, _ in points) - stroke - 1), math.floor(clip.x))
    top = max(math.floor(min(y for _, y in points) - stroke - 1), math.floor(clip.y))
    right = min(math.ceil(max(x for x, _ in points) + stroke + 1), math.ceil(clip.right))
    bottom = min(math.ceil(max(y for _, y in points) + stroke + 1), math.ceil(clip.bottom))
    scale = _OVERSAMPLE
    canvas = ((right - left) * scale, (bottom - top) * scale)
    ink, paper = Image.new("L", canvas), Image.new("L", canvas)
    ink_pen, paper_pen = ImageDraw.Draw(ink), ImageDraw.Draw(paper)
    dashed = balloon.kind is LineKind.WHISPER
    for shape in [body, *tails]:
        placed = [((x - left) * scale, (y - top) * scale) for x, y in shape]
        paper_pen.polygon(placed, fill=255)
        _stroke(ink_pen, placed, stroke * scale * (1.6 if dashed else 2), dashed)
    if dashed:
        # The dashes keep out of the mouth of the tail, where body and tail are one shape.
        for shape in tails:
            ink_pen.polygon([((x - left) * scale, (y - top) * scale) for x, y in shape], fill=0)
            _stroke(ink_pen, [((x - left) * scale, (y - top) * scale) for x, y in shape], stroke * scale * 1.6, True)
    small = (right - left, bottom - top)
    place = (corner[0] + left, corner[1] + top)
    page.paste(INK, place, ink.resize(small, Image.Resampling.BOX))
    page.paste(CAPTION_PAPER if balloon.kind is None else PAPER, place, paper.resize(small, Image.Resampling.BOX))


def _stroke(pen: ImageDraw.ImageDraw, shape: Sequence[Point], width: float, dashed: bool) -> None:
    closed = [*shape, shape[0]]
    thick = max(1, round(width))
    if not dashed:
        pen.line(closed, fill=255, width=thick, joint="curve")
        return
    dash, gone, on = 5.2 * width, 0.0, True
    for start, end in itertools.pairwise(closed):
        length, used = math.dist(start, end), 0.0
        while used < length:
            step = min((dash if on else 0.62 * dash) - gone, length - used)
            a, b = used / length, (used + step) / length
            if on:
                pen.line([_between(start, end, a), _between(start, end, b)], fill=255, width=thick)
            used, gone = used + step, gone + step
            if gone >= (dash if on else 0.62 * dash) - 1e-6:
                gone, on = 0.0, not on


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


def _burst(rect: Rect, roundness: float, size: int) -> list[Point]:
    points: list[Point] = []
    for number, (at, out) in enumerate(_around(rect, roundness, 0.62 * size, 22)):
        # Long and short spikes take turns, in a fixed order, so the same balloon is always the same picture.
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
