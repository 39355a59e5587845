"""Draws lettering over a picture: bodies with tails and necks, then the letters.

Shapes are drawn larger and scaled down, because Pillow's own edges are not smooth.
"""

import itertools
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from engine.pages import columns, fonts
from engine.pages.balloons import Balloon, Point, Rect, neck_shapes, outline, tail_shapes
from models.story import LineKind

INK = (22, 20, 24)
PAPER = (255, 255, 255)
CAPTION_PAPER = (255, 246, 214)
_OVERSAMPLE = 3


def paint(page: Image.Image, balloons: Sequence[Balloon], corner: tuple[int, int], clip: Rect) -> None:
    """Draws bodies and tails, not the texts. `corner` is the panel's place on the page; `clip` is in panel pixels."""
    for group in joined(balloons):
        paint_body(page, balloons, group, corner, clip)


def write(page: Image.Image, balloons: Sequence[Balloon], corner: tuple[int, int]) -> None:
    """Sets the letters of all balloons."""
    pen = ImageDraw.Draw(page)
    for balloon in balloons:
        top = balloon.rect.centre[1] - balloon.block.height / 2
        halo = PAPER if balloon.kind is LineKind.SFX else None
        for number, room in enumerate(balloon.text_rects()):
            line = balloon.block.lines[number]
            if balloon.block.vertical:
                middle = corner[0] + room.centre[0]
                columns.draw(pen, middle, corner[1] + room.y, line, balloon.block.size, INK, balloon.block.language)
                continue
            baseline = corner[1] + top + balloon.block.baseline(number)
            fonts.draw(pen, corner[0] + room.x, baseline, line, balloon.block.size, INK, halo, balloon.block.language)


def joined(balloons: Sequence[Balloon]) -> list[list[Balloon]]:
    """Balloons by what is drawn as one shape."""
    groups: list[list[Balloon]] = []
    of: list[list[Balloon]] = []
    for balloon in balloons:
        group = of[balloon.joined] if balloon.joined is not None else []
        if not group:
            groups.append(group)
        group.append(balloon)
        of.append(group)
    return groups


def paint_body(
    page: Image.Image, balloons: Sequence[Balloon], group: Sequence[Balloon], corner: tuple[int, int], clip: Rect
) -> None:
    """Draws one shape: the bodies of a group of `balloons`, their tails and the necks between them."""
    if group[0].kind is LineKind.SFX:
        return
    kind, size = group[0].kind, group[0].block.size
    bodies = [outline(balloon) for balloon in group]
    tails = [shape for balloon in group for shape in tail_shapes(balloon)]
    for balloon in group:
        if balloon.joined is not None:
            tails += neck_shapes(balloon, balloons[balloon.joined])
    stroke = max(2.0, size * (0.115 if kind is LineKind.SHOUT else 0.085))
    points = [point for shape in [*bodies, *tails] for point in shape]
    left = max(math.floor(min(x for x, _ in points) - stroke - 1), math.floor(clip.x))
    top = max(math.floor(min(y for _, y in points) - stroke - 1), math.floor(clip.y))
    right = min(math.ceil(max(x for x, _ in points) + stroke + 1), math.ceil(clip.right))
    bottom = min(math.ceil(max(y for _, y in points) + stroke + 1), math.ceil(clip.bottom))
    scale = _OVERSAMPLE
    canvas = ((right - left) * scale, (bottom - top) * scale)
    ink, paper = Image.new("L", canvas), Image.new("L", canvas)
    ink_pen, paper_pen = ImageDraw.Draw(ink), ImageDraw.Draw(paper)
    dashed = kind is LineKind.WHISPER
    for shape in [*bodies, *tails]:
        placed = [((x - left) * scale, (y - top) * scale) for x, y in shape]
        paper_pen.polygon(placed, fill=255)
        _stroke(ink_pen, placed, stroke * scale * (1.6 if dashed else 2), dashed)
    if dashed:
        # The dashes leave out the mouth of the tail, where body and tail are one shape.
        for shape in tails:
            placed = [((x - left) * scale, (y - top) * scale) for x, y in shape]
            ink_pen.polygon(placed, fill=0)
            _stroke(ink_pen, placed, stroke * scale * 1.6, True)
    small = (right - left, bottom - top)
    place = (corner[0] + left, corner[1] + top)
    page.paste(INK, place, ink.resize(small, Image.Resampling.BOX))
    page.paste(CAPTION_PAPER if kind is None else PAPER, place, paper.resize(small, Image.Resampling.BOX))


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
