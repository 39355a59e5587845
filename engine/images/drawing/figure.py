"""People: a body under a head, dressed as the look says, posed, and told back as boxes."""

import math
from dataclasses import dataclass

from engine.images.drawing.colours import Colour, Light, brightness, darker, lighter
from engine.images.drawing.face import Expression, Head, draw_hair_behind, draw_head, draw_head_from_behind
from engine.images.drawing.look import Look
from engine.images.drawing.pen import Pen, Point

# Degrees from straight down, outwards: upper arm, forearm.
ARMS: dict[str, tuple[float, float]] = {
    "down": (12, 4),
    "hip": (42, -50),
    "gesture": (24, 118),
    "open": (34, 70),
    "wave": (105, 165),
    "point": (78, 92),
    "chest": (22, -118),
    "hold": (14, -82),
}
_HEIGHT = {"child": 5.7, "teen": 7.3, "adult": 8.2, "old": 7.6}
_WIDTH = {"child": 0.86, "teen": 1.05, "adult": 1.22, "old": 1.12}


@dataclass(frozen=True)
class Pose:
    """What the arms do (left and right as seen, keys of ARMS) and how far the legs stand apart (0–1)."""

    left: str = "down"
    right: str = "down"
    stride: float = 0.2


@dataclass(frozen=True)
class Drawn:
    """Where a figure's parts came to lie: (x, y, width, height) in pixels, not clipped to the canvas."""

    head: tuple[float, float, float, float]
    hands: tuple[tuple[float, float, float, float], ...]
    body: tuple[float, float, float, float]


def height_of(look: Look) -> float:
    """From the middle of the head to the soles, in half heights of the head."""
    return _HEIGHT[look.age] * look.tall


def draw_figure(pen: Pen, head: Head, look: Look, expression: Expression, pose: Pose, light: Light) -> Drawn:
    """A whole person hanging from the head; what lies outside the canvas is simply not seen."""
    body = _Body(pen, head, look, light)
    draw_hair_behind(pen, head, look, light)
    if head.y + 3.0 * head.size < pen.height:
        body.legs(pose.stride)
    body.neck()
    body.torso()
    hands = [body.arm(-1, pose.left), body.arm(1, pose.right)]
    if look.scarf:
        body.scarf()
    draw_head(pen, head, look, expression, light)
    return _told(head, look, hands)


def draw_from_behind(pen: Pen, head: Head, look: Look, light: Light) -> Drawn:
    """Head and shoulders turned away from us, darkened: the near frame of a conversation."""
    body = _Body(pen, head, look, light)
    body.top = darker(body.top, 0.3)
    body.neck()
    body.torso(plain=True)
    draw_head_from_behind(pen, head, look, light)
    if look.hair_style in ("long", "bob", "curly"):
        draw_hair_behind(pen, head, look, light)
    return _told(head, look, [])


def _told(head: Head, look: Look, hands: list[Point]) -> Drawn:
    unit = head.size
    size = 0.62 * unit
    wide = _WIDTH[look.age] * look.broad * 1.35
    return Drawn(
        head=(head.x - 0.92 * unit, head.y - 1.1 * unit, 1.84 * unit, 2.15 * unit),
        hands=tuple((x - size / 2, y - size / 2, size, size) for x, y in hands),
        body=(head.x - wide * unit, head.y - 1.1 * unit, 2 * wide * unit, (1.1 + height_of(look)) * unit),
    )


class _Body:
    def __init__(self, pen: Pen, head: Head, look: Look, light: Light) -> None:
        self.pen, self.head, self.look, self.light = pen, head, look, light
        self.top = light.on_figure(look.top)
        self.bottom = light.on_figure(look.legs)
        self.accent = light.on_figure(look.accent)
        self.skin = light.on_figure(look.skin)
        self.wide = _WIDTH[look.age] * look.broad
        self.feet = height_of(look)
        self.hip = 1.4 + 0.4 * (self.feet - 1.4)
        self.knee = 1.4 + 0.72 * (self.feet - 1.4)
        self.long = look.garment in ("coat", "robe", "dress")

    def neck(self) -> None:
        at = self.head.at
        self.pen.shape([at(-0.3, 0.7), at(0.3, 0.7), at(0.36, 1.4), at(-0.36, 1.4)], darker(self.skin, 0.16))

    def legs(self, stride: float) -> None:
        at, unit, wide = self.head.at, self.head.size, self.wide
        apart = (0.42 + 0.5 * stride) * wide
        bare = self.look.garment == "dress"
        for side in (-1, 1):
            hip, foot = at(side * 0.4 * wide, self.hip), at(side * apart, self.feet - 0.18)
            knee = ((hip[0] + foot[0]) / 2 + side * 0.05 * unit, (hip[1] + foot[1]) / 2)
            widths = [0.8 * wide * unit, 0.62 * wide * unit, 0.48 * wide * unit]
            self.pen.limb([hip, knee, foot], widths, self.skin if bare else self.bottom)
            toe = 0.3 * (self.head.facing or side * 0.6)
            shoe = [(-0.34 + min(toe, 0), 0.16), (-0.3, -0.12), (0.3, -0.12), (0.34 + max(toe, 0), 0.16)]
            x, y = at(side * apart, self.feet - 0.02)
            points = [(x + a * unit, y + d * unit) for a, d in shoe]
            self.pen.shape(points, darker(self.bottom, 0.55) if brightness(self.bottom) > 0.25 else (64, 54, 54))

    def torso(self, plain: bool = False) -> None:
        at, wide, garment = self.head.at, self.wide, self.look.garment
        hem = self.knee if self.long else self.hip + 0.25
        if garment == "robe":
            hem = self.feet - 0.3
        flare = {"dress": 1.35, "robe": 1.3, "coat": 1.16}.get(garment, 0.94)
        waist = 0.74 if garment == "dress" else 0.88
        middle = self.hip * 0.62 + 0.6
        right = [(0.36, 1.16), (0.78 * wide, 1.3), (wide, 1.58), (waist * wide, middle), (0.94 * wide, self.hip)]
        if self.long:
            right.append((flare * wide, hem))
        left = [(-x, y) for x, y in reversed(right)]
        outline = [at(x, y) for x, y in right + left]
        side = 1 if self.head.facing >= 0 else -1
        self.pen.shaded(outline, self.top, darker(self.top), (0.3 * side * self.head.size, -0.06 * self.head.size))
        if not plain:
            self._details(hem)

    def _details(self, hem: float) -> None:
        pen, at, wide, look = self.pen, self.head.at, self.wide, self.look
        lean = 0.16 * self.head.facing
        line = max(pen.line * 0.8, 0.03 * self.head.size)
        seam = darker(self.top, 0.4)
        shirt = self.light.on_figure((238, 236, 228))
        if look.stripes:
            y = 1.75
            while y < min(hem, self.hip):
                pen.stroke(
                    [at(-0.86 * wide, y), at(0, y + 0.06), at(0.86 * wide, y)],
                    line=0.1 * self.head.size,
                    ink=lighter(self.top, 0.55),
                )
                y += 0.42
        if look.garment in ("coat", "suit", "uniform"):
            deep = {"suit": 2.5, "coat": 2.1, "uniform": 1.7}[look.garment]
            pen.shape(
                [at(-0.34 + lean, 1.14), at(0.34 + lean, 1.14), at(lean, deep)],
                shirt if look.garment != "uniform" else self.accent,
                line=line,
            )
            if look.garment == "suit":
                pen.shape(
                    [
                        at(lean - 0.09, 1.3),
                        at(lean + 0.09, 1.3),
                        at(lean + 0.13, 2.1),
                        at(lean, deep - 0.08),
                        at(lean - 0.13, 2.1),
                    ],
                    self.accent,
                    line=line,
                )
            for side in (-1, 1):
                pen.shape(
                    [
                        at(side * 0.34 + lean, 1.12),
                        at(side * 0.62 + lean, 1.5),
                        at(side * 0.42 + lean, 1.78),
                        at(lean, deep),
                    ],
                    lighter(self.top, 0.1),
                    line=line,
                )
            pen.stroke([at(lean, deep), at(lean * 1.1, hem)], line=line, ink=seam)
            for number in range(3):
                x, y = at(lean + 0.16, deep + 0.3 + 0.52 * number)
                pen.ellipse(x, y, 0.07 * self.head.size, 0.07 * self.head.size, self.accent, line=line * 0.6)
        elif look.garment == "shirt":
            for side in (-1, 1):
                pen.shape(
                    [
                        at(lean, 1.42),
                        at(side * 0.36 + lean, 1.08),
                        at(side * 0.5 + lean, 1.42),
                        at(side * 0.24 + lean, 1.62),
                    ],
                    lighter(self.top, 0.22),
                    line=line,
                )
            pen.stroke([at(lean, 1.45), at(lean * 1.1, self.hip + 0.2)], line=line, ink=seam)
        elif look.garment in ("jumper", "dress"):
            pen.blob(
                [
                    at(x + lean, y)
                    for x, y in [(-0.46, 1.14), (0, 1.38), (0.46, 1.14), (0.48, 1.3), (0, 1.58), (-0.48, 1.3)]
                ],
                lighter(self.top, 0.2),
                line=line,
            )
            if look.garment == "dress":
                pen.shape(
                    [
                        at(-0.72 * wide, self.hip * 0.62 + 0.5),
                        at(0.72 * wide, self.hip * 0.62 + 0.5),
                        at(0.76 * wide, self.hip * 0.62 + 0.76),
                        at(-0.76 * wide, self.hip * 0.62 + 0.76),
                    ],
                    self.accent,
                    line=line,
                )
        elif look.garment == "hoodie":
            pen.blob(
                [
                    at(x + lean, y)
                    for x, y in [
                        (-0.72, 1.0),
                        (-0.3, 1.24),
                        (0, 1.42),
                        (0.3, 1.24),
                        (0.72, 1.0),
                        (0.62, 1.44),
                        (0, 1.74),
                        (-0.62, 1.44),
                    ]
                ],
                darker(self.top, 0.14),
                line=line,
            )
            for side in (-1, 1):
                pen.stroke(
                    [at(side * 0.16 + lean, 1.6), at(side * 0.2 + lean, 2.2)], line=line, ink=lighter(self.top, 0.6)
                )
        elif look.garment == "apron":
            pen.shape(
                [
                    at(-0.5 + lean, 1.6),
                    at(0.5 + lean, 1.6),
                    at(0.66 * wide + lean, self.hip),
                    at(0.6 * wide, hem),
                    at(-0.6 * wide, hem),
                    at(-0.66 * wide + lean, self.hip),
                ],
                self.light.on_figure((236, 230, 214)),
                line=line,
            )
            for side in (-1, 1):
                pen.stroke(
                    [at(side * 0.46 + lean, 1.62), at(side * 0.36, 1.16)],
                    line=line * 2,
                    ink=self.light.on_figure((214, 206, 186)),
                )
        elif look.garment == "robe":
            pen.stroke([at(lean, 1.4), at(lean + 0.1, hem)], line=line, ink=seam)
            pen.stroke(
                [at(-0.9 * wide, self.hip - 0.4), at(lean, self.hip - 0.3), at(0.9 * wide, self.hip - 0.4)],
                line=0.13 * self.head.size,
                ink=self.accent,
            )

    def scarf(self) -> None:
        at = self.head.at
        side = -1 if self.head.facing >= 0 else 1
        self.pen.blob(
            [at(side * x, y) for x, y in [(0.3, 1.3), (0.62, 1.34), (0.7, 2.3), (0.34, 2.34)]], darker(self.accent, 0.1)
        )
        self.pen.blob(
            [at(x, y) for x, y in [(-0.66, 0.98), (0, 1.1), (0.66, 0.98), (0.72, 1.32), (0, 1.56), (-0.72, 1.32)]],
            self.accent,
        )

    def arm(self, side: int, pose: str) -> Point:
        """Draws one arm (side −1 is the left as seen) and returns the middle of its hand."""
        unit = self.head.size
        upper, lower = ARMS[pose]
        length = 0.2 * (self.feet - 1.4) * unit
        shoulder = self.head.at(side * (self.wide - 0.2), 1.66)
        elbow = _swing(shoulder, side, upper, length * 1.08)
        hand = _swing(elbow, side, lower, length)
        thick = 0.56 * unit * (0.55 + 0.45 * self.wide)
        sleeve = self.top if self.look.garment != "apron" else lighter(self.top, 0.1)
        if pose == "point":
            tip = _swing(hand, side, lower, 0.42 * unit)
            self.pen.limb([hand, tip], [0.2 * unit, 0.13 * unit], self.skin)
        else:
            thumb = _swing(hand, -side, lower - 40, 0.24 * unit)
            self.pen.limb([hand, thumb], [0.18 * unit, 0.15 * unit], self.skin)
        self.pen.ellipse(hand[0], hand[1], 0.26 * unit, 0.28 * unit, self.skin)
        cuff = (elbow[0] + (hand[0] - elbow[0]) * 0.84, elbow[1] + (hand[1] - elbow[1]) * 0.84)
        self.pen.limb([shoulder, elbow, cuff], [thick, thick * 0.9, thick * 0.74], sleeve)
        # Where the arm leaves the body there is no edge: one patch of sleeve joins the two.
        inner = (shoulder[0] - side * 0.34 * thick, shoulder[1] + 0.04 * thick)
        outer = (shoulder[0] - side * 0.02 * thick, shoulder[1] + 0.02 * thick)
        self.pen.limb([inner, outer], [0.86 * thick, 0.98 * thick], sleeve, line=0)
        return hand


def _swing(start: Point, side: int, degrees: float, length: float) -> Point:
    angle = math.radians(degrees)
    return start[0] + side * math.sin(angle) * length, start[1] + math.cos(angle) * length


def sleeve_of(look: Look, light: Light) -> Colour:
    """The colour of the arm that reaches into a close shot."""
    return light.on_figure(look.top)
