"""Drawing with smooth edges: everything is drawn at twice the size and scaled down once at the end."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw

from engine.offline.drawing.colours import INK, Colour, brightness

Point = tuple[float, float]
# x, y, width, height in pixels.
Area = tuple[float, float, float, float]
SCALE = 2
# How far a second stroke is shifted, in widths of the line.
_NIB = 0.3
# A stroke is a line while it is dark and at most so many times as wide as the pen's own line; else it is a patch.
_DARK = 0.62
_BROAD = 2.8
# Less than this share of something in sight, and it counts as hidden.
_VISIBLE = 0.35
_UNTOUCHED = [255 if v < 6 else 0 for v in range(256)]
_TOUCHED = [0 if v < 6 else 255 for v in range(256)]


@dataclass(frozen=True)
class Mark:
    """A piece of the canvas from this corner on, as it was; `own` is which of its pixels belong to what was drawn."""

    area: Area
    corner: tuple[int, int]
    shown: Image.Image
    own: Image.Image | None = None


class Pen:
    """A canvas of `width` × `height` pixels; every measure given to it is in those pixels.

    With `inked` it keeps beside the picture what of it is line (L, 255 on a line), as a printer needs to know it.
    """

    def __init__(self, width: int, height: int, paper: Colour, *, inked: bool = False) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), paper)
        self.lines = Image.new("L", self.image.size) if inked else None
        self._start()
        self.line = 1.7
        self.ink = INK

    def finished(self) -> Image.Image:
        """The picture at its own size."""
        return self.image.reduce(SCALE)

    def mark(self, area: Area) -> Mark:
        """Remembers what lies in an area before something is drawn there."""
        x, y, width, height = area
        left, top = max(math.floor(x * SCALE), 0), max(math.floor(y * SCALE), 0)
        right = max(min(math.ceil((x + width) * SCALE), self.image.width), left)
        bottom = max(min(math.ceil((y + height) * SCALE), self.image.height), top)
        return Mark(area, (left, top), self.image.crop((left, top, right, bottom)))

    def drawn(self, mark: Mark) -> Mark:
        """What has been drawn in a marked area since, to be asked later how much of it was covered."""
        now = self._now(mark)
        return replace(mark, shown=now, own=_apart(mark.shown, now).point(_TOUCHED))

    def left_of(self, mark: Mark) -> Area | None:
        """The part of something drawn that is still to be seen; None where most of it is covered or outside."""
        if mark.own is None or not mark.shown.width or not mark.shown.height:
            return None
        same = _apart(mark.shown, self._now(mark)).point(_UNTOUCHED)
        seen = ImageChops.darker(same, mark.own)
        around, whole = seen.getbbox(), mark.own.histogram()[255]
        least = max(_VISIBLE * whole, _VISIBLE * 0.3 * mark.area[2] * mark.area[3] * SCALE * SCALE)
        if around is None or seen.histogram()[255] < least:
            return None
        (left, top), (start, upper, end, lower) = mark.corner, around
        return (left + start) / SCALE, (top + upper) / SCALE, (end - start) / SCALE, (lower - upper) / SCALE

    def _now(self, mark: Mark) -> Image.Image:
        left, top = mark.corner
        return self.image.crop((left, top, left + mark.shown.width, top + mark.shown.height))

    def through(self, lens: Callable[[Image.Image], Image.Image]) -> None:
        """Goes on with the picture as the lens shows it, in the same size."""
        self.image = lens(self.image)
        if self.lines is not None:
            self.lines = lens(self.lines)
        self._start()

    def _start(self) -> None:
        self._layers = [ImageDraw.Draw(self.image)]
        if self.lines is not None:
            self._layers.append(ImageDraw.Draw(self.lines))

    def _inks(self, colour: Colour, line: bool) -> list[tuple[ImageDraw.ImageDraw, Colour | int]]:
        """Each layer with what is drawn on it: the colour, and whether it is a line."""
        return list(zip(self._layers, (colour, 255 if line and brightness(colour) < _DARK else 0), strict=False))

    def _polygon(self, placed: Sequence[Point], colour: Colour, line: bool = False) -> None:
        for layer, ink in self._inks(colour, line):
            layer.polygon(placed, fill=ink)

    def _oval(self, around: tuple[float, ...], colour: Colour, line: bool = False) -> None:
        for layer, ink in self._inks(colour, line):
            layer.ellipse(around, fill=ink)

    def shape(
        self, points: Sequence[Point], fill: Colour | None, *, line: float | None = None, ink: Colour | None = None
    ) -> None:
        """A polygon. `line` is the outline's width in pixels, 0 for none."""
        placed = [(x * SCALE, y * SCALE) for x, y in points]
        if fill is not None:
            self._polygon(placed, fill)
        self._outline(placed, self.line if line is None else line, ink or self.ink, closed=True)

    def blob(
        self, points: Sequence[Point], fill: Colour | None, *, line: float | None = None, ink: Colour | None = None
    ) -> None:
        """A closed shape running smoothly through the points."""
        self.shape(smooth(points, closed=True), fill, line=line, ink=ink)

    def stroke(self, points: Sequence[Point], *, line: float | None = None, ink: Colour | None = None) -> None:
        """An open line running smoothly through the points."""
        run = smooth(points, closed=False) if len(points) > 2 else list(points)
        placed = [(x * SCALE, y * SCALE) for x, y in run]
        self._outline(placed, self.line if line is None else line, ink or self.ink, closed=False)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        fill: Colour | None,
        *,
        line: float | None = None,
        ink: Colour | None = None,
    ) -> None:
        """An upright ellipse around a centre."""
        width = self.line if line is None else line
        if width > 0:
            grown = (x - rx - width / 2, y - ry - width / 2, x + rx + width / 2, y + ry + width / 2)
            placed = tuple(part * SCALE for part in grown)
            if fill is None:
                for layer, colour in self._inks(ink or self.ink, True):
                    layer.ellipse(placed, outline=colour, width=max(1, round(width * SCALE)))
                return
            self._oval(placed, ink or self.ink, line=True)
            rx, ry = max(rx - width / 2, 0.1), max(ry - width / 2, 0.1)
        if fill is not None:
            self._oval(tuple(part * SCALE for part in (x - rx, y - ry, x + rx, y + ry)), fill)

    def box(
        self,
        x: float,
        y: float,
        right: float,
        bottom: float,
        fill: Colour | None,
        *,
        line: float | None = None,
        ink: Colour | None = None,
    ) -> None:
        """An upright rectangle."""
        self.shape([(x, y), (right, y), (right, bottom), (x, bottom)], fill, line=line, ink=ink)

    def limb(
        self, points: Sequence[Point], widths: Sequence[float], fill: Colour, *, line: float | None = None
    ) -> None:
        """A rounded, tapering tube along the points: an arm, a leg, a branch."""
        edge = self.line if line is None else line
        # The whole tube in ink and then in its colour: joints show no seams.
        for extra, colour in ((2 * edge, self.ink), (0.0, fill)):
            # The ink lies a little towards the shade: lines are thin where light falls.
            shift = _NIB * edge if extra else 0.0
            run = [((x + 0.7 * shift, y + shift), width) for (x, y), width in zip(points, widths, strict=True)]
            for (start, start_width), (end, end_width) in itertools.pairwise(run):
                length = math.dist(start, end) or 1.0
                across = ((start[1] - end[1]) / length, (end[0] - start[0]) / length)
                a, b = start_width / 2 + extra / 2, end_width / 2 + extra / 2
                corners = [
                    (start[0] + across[0] * a, start[1] + across[1] * a),
                    (end[0] + across[0] * b, end[1] + across[1] * b),
                    (end[0] - across[0] * b, end[1] - across[1] * b),
                    (start[0] - across[0] * a, start[1] - across[1] * a),
                ]
                self._polygon([(x * SCALE, y * SCALE) for x, y in corners], colour, line=bool(extra))
            for (x, y), width in run:
                radius = max((width + extra) / 2, 0.1)
                around = (x - radius, y - radius, x + radius, y + radius)
                self._oval(tuple(part * SCALE for part in around), colour, line=bool(extra))

    def shaded(
        self, points: Sequence[Point], fill: Colour, shade: Colour, towards: Point, *, line: float | None = None
    ) -> None:
        """A closed polygon whose edge away from the light, shifted by `towards` pixels, lies in shade."""
        placed = [(x * SCALE, y * SCALE) for x, y in points]
        left, top = math.floor(min(x for x, _ in placed)), math.floor(min(y for _, y in placed))
        right, bottom = math.ceil(max(x for x, _ in placed)) + 1, math.ceil(max(y for _, y in placed)) + 1
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, self.image.width), min(bottom, self.image.height)
        self._polygon(placed, shade)
        if right > left and bottom > top:
            whole = Image.new("L", (right - left, bottom - top))
            local = [(x - left, y - top) for x, y in placed]
            ImageDraw.Draw(whole).polygon(local, fill=255)
            lit = Image.new("L", whole.size)
            shift = (towards[0] * SCALE, towards[1] * SCALE)
            ImageDraw.Draw(lit).polygon([(x + shift[0], y + shift[1]) for x, y in local], fill=255)
            self.image.paste(fill, (left, top), ImageChops.darker(whole, lit))
        self._outline(placed, self.line if line is None else line, self.ink, closed=True)

    def wash(self, top: float, bottom: float, upper: Colour, lower: Colour) -> None:
        """A vertical gradient across the whole width."""
        first, last = max(round(top * SCALE), 0), min(round(bottom * SCALE), self.image.height)
        if last <= first:
            return
        ramp = Image.linear_gradient("L").resize((1, last - first)).resize((self.image.width, last - first))
        self.image.paste(upper, (0, first, self.image.width, last))
        self.image.paste(lower, (0, first), ramp)
        if self.lines is not None:
            self.lines.paste(0, (0, first, self.image.width, last))

    def veil(self, colour: Colour, opacity: float, area: tuple[float, float, float, float] | None = None) -> None:
        """A see-through layer over the whole picture or an area (left, top, right, bottom)."""
        box = tuple(round(part * SCALE) for part in area) if area else (0, 0, *self.image.size)
        left, top, right, bottom = (
            max(box[0], 0),
            max(box[1], 0),
            min(box[2], self.image.width),
            min(box[3], self.image.height),
        )
        if right > left and bottom > top:
            self.image.paste(colour, (left, top), Image.new("L", (right - left, bottom - top), round(255 * opacity)))

    def glow(self, x: float, y: float, radius: float, colour: Colour, opacity: float) -> None:
        """A soft round light."""
        size = max(2, round(radius * 2 * SCALE))
        spot = (
            Image.radial_gradient("L")
            .resize((size, size))
            .point([round(max(0, 255 - 1.42 * v) * opacity) for v in range(256)])
        )
        left, top = round((x - radius) * SCALE), round((y - radius) * SCALE)
        self.image.paste(colour, (left, top), spot)

    def shadow(self, x: float, y: float, rx: float, ry: float, opacity: float = 0.3) -> None:
        """A soft-edged ellipse of shade on the ground."""
        spot = Image.new("L", (max(2, round(2 * rx * SCALE)), max(2, round(2 * ry * SCALE))))
        ImageDraw.Draw(spot).ellipse((0, 0, spot.width - 1, spot.height - 1), fill=round(255 * opacity))
        self.image.paste((32, 28, 48), (round((x - rx) * SCALE), round((y - ry) * SCALE)), spot)

    def _outline(self, placed: Sequence[Point], line: float, ink: Colour, closed: bool) -> None:
        if line <= 0 or len(placed) < 2:
            return
        run = [*placed, placed[0], placed[1]] if closed else list(placed)
        width = max(1, round(line * SCALE))
        thin = line <= _BROAD * self.line
        if closed or len(run) < 4 or width < 3 or line > 2.4 * self.line:
            # The second pass of an outline, shifted, is what a broad nib does: heavy one way, fine the other.
            for shift in (0.0, _NIB * width) if closed and width > 3 else (0.0,):
                shifted = [(x + 0.7 * shift, y + shift) for x, y in run]
                for layer, colour in self._inks(ink, thin):
                    layer.line(shifted, fill=colour, width=width, joint="curve")
        else:
            self._brushed(run, width, ink)
        if not closed and width > 2 and len(run) < 4:
            for x, y in (run[0], run[-1]):
                self._oval((x - width / 2, y - width / 2, x + width / 2, y + width / 2), ink, line=thin)

    def _brushed(self, run: Sequence[Point], width: int, ink: Colour) -> None:
        """A curve that swells in its middle and runs out at its ends; `run` in pixels of the canvas."""
        last = len(run) - 1
        upper: list[Point] = []
        lower: list[Point] = []
        for at, (x, y) in enumerate(run):
            before, after = run[max(at - 1, 0)], run[min(at + 1, last)]
            length = math.dist(before, after) or 1.0
            half = width * (0.22 + 0.36 * math.sin(math.pi * at / last))
            across = ((before[1] - after[1]) / length * half, (after[0] - before[0]) / length * half)
            upper.append((x + across[0], y + across[1]))
            lower.append((x - across[0], y - across[1]))
        self._polygon([*upper, *reversed(lower)], ink, line=True)


@lru_cache(maxsize=512)
def track(text: str) -> tuple[Point, ...]:
    """Points written as "x y, x y": a drawing reads better as one line than as a page of brackets."""
    return tuple((float(x), float(y)) for x, y in (pair.split() for pair in text.split(",")))


@dataclass(frozen=True)
class Spot:
    """A place on the canvas with a measure of its own: everything around it is told in units of `size` pixels.

    `turn` tips it, in degrees, the top to the right.
    """

    x: float
    y: float
    size: float
    turn: float = field(default=0.0, kw_only=True)

    def at(self, across: float, down: float) -> Point:
        """One point, in pixels."""
        if not self.turn:
            return self.x + across * self.size, self.y + down * self.size
        angle = math.radians(self.turn)
        cos, sin = math.cos(angle) * self.size, math.sin(angle) * self.size
        return self.x + across * cos - down * sin, self.y + across * sin + down * cos

    def path(self, text: str, mirror: float = 1.0, lean: float = 0.0) -> list[Point]:
        """The points of a track, in pixels; `mirror` −1 turns it round, `lean` moves it across."""
        return [self.at(x * mirror + lean, y) for x, y in track(text)]


def smooth(points: Sequence[Point], closed: bool, steps: int = 7) -> list[Point]:
    """A Catmull-Rom curve through the points, as a polyline."""
    count = len(points)
    if count < 3:
        return list(points)
    run: list[Point] = []
    for at in range(count if closed else count - 1):
        before = points[(at - 1) % count] if closed or at else points[0]
        start, end = points[at], points[(at + 1) % count]
        after = points[(at + 2) % count] if closed or at + 2 < count else points[-1]
        for step in range(steps):
            t = step / steps
            run.append(
                (_spline(before[0], start[0], end[0], after[0], t), _spline(before[1], start[1], end[1], after[1], t))
            )
    return run if closed else [*run, points[-1]]


def _apart(one: Image.Image, other: Image.Image) -> Image.Image:
    return ImageChops.difference(one, other).convert("L")


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)
