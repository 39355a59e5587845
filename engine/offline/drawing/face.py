"""Heads: shape, hair, hat, and a face that shows a mood and looks somewhere."""

import math
from dataclasses import dataclass

from engine.offline.drawing.colours import Colour, Light, brightness, darker, lighter, mix
from engine.offline.drawing.look import Look
from engine.offline.drawing.pen import Pen, Point, Spot


@dataclass(frozen=True)
class Expression:
    """A mood (calm, happy, sad, angry, afraid, surprised, asleep) and the mouth: 0 closed, 1 speaking, 2 shouting."""

    mood: str = "calm"
    mouth: int = 0


@dataclass(frozen=True)
class Head(Spot):
    """A head on the canvas: `size` is half its height; it looks left (−1), at us (0) or right (1)."""

    facing: float = 0.0


def draw_hair_behind(pen: Pen, head: Head, look: Look, light: Light) -> None:
    """The hair that falls behind head and shoulders; drawn before both."""
    if look.hat == "hood":
        pen.blob(
            head.path("-1.15 0.9, -1.2 -0.4, -0.7 -1.35, 0 -1.5, 0.7 -1.35, 1.2 -0.4, 1.15 0.9, 0 1.3"),
            light.on_figure(darker(look.top)),
        )
    hair = light.on_figure(darker(look.hair, 0.16))
    back = -1 if head.facing > 0 else 1
    if look.hair_style == "long":
        pen.blob(
            head.path(
                "-0.98 -0.3, -0.6 -1.12, 0.6 -1.12, 0.98 -0.3, 1.12 0.7, "
                "1.0 1.75, 0.4 1.62, -0.4 1.62, -1.0 1.75, -1.12 0.7"
            ),
            hair,
        )
    elif look.hair_style == "bob":
        pen.blob(
            head.path("-0.98 -0.3, -0.6 -1.12, 0.6 -1.12, 0.98 -0.3, 1.1 0.5, 0.86 0.92, 0 0.8, -0.86 0.92, -1.1 0.5"),
            hair,
        )
    elif look.hair_style == "ponytail":
        pen.blob(
            head.path("0.6 -0.75, 1.15 -0.8, 1.45 -0.1, 1.4 0.8, 1.12 1.35, 1.05 0.6, 0.95 -0.05", back),
            hair,
        )
    elif look.hair_style == "bun":
        x, y = head.at(0.42 * back, -1.12)
        pen.ellipse(x, y, 0.38 * head.size, 0.36 * head.size, hair)
    elif look.hair_style == "braid":
        for number in range(5):
            x, y = head.at((0.86 + 0.05 * math.sin(number)) * back, 0.25 + 0.34 * number)
            pen.ellipse(x, y, (0.24 - 0.022 * number) * head.size, 0.23 * head.size, hair)
    elif look.hair_style == "curly":
        for number in range(13):
            angle = math.pi * (0.78 + 1.44 * number / 12)
            x, y = head.at(0.86 * math.cos(angle), 0.9 * math.sin(angle) + 0.02)
            pen.ellipse(x, y, 0.36 * head.size, 0.36 * head.size, hair)


def draw_head(pen: Pen, head: Head, look: Look, expression: Expression, light: Light) -> None:
    """Skull, ears, face, hair and hat."""
    skin = light.on_figure(look.skin)
    shade = darker(skin, 0.2)
    turn = head.facing
    for side in (-1, 1):
        # The ear on the far side of a turned head is hidden.
        if side * turn < 0.35:
            x, y = head.at(side * 0.78 - 0.12 * turn, 0.08)
            pen.ellipse(x, y, 0.15 * head.size, 0.22 * head.size, skin)
    outline = [_skull(head, look, 2 * math.pi * step / 44) for step in range(44)]
    pen.shaded(outline, skin, shade, (0.12 * head.size * (1 if turn >= 0 else -1), -0.05 * head.size))
    if head.size > 16:
        _features(pen, head, look, expression, light, skin)
    else:
        _dots(pen, head)
    _hair_front(pen, head, look, light)
    _hat(pen, head, look, light)


def draw_head_from_behind(pen: Pen, head: Head, look: Look, light: Light, shade: float = 0.0) -> None:
    """The back of a head; a camera over the shoulder sees it in `shade` (0–1)."""
    skin = light.on_figure(darker(look.skin, shade))
    cover = skin if look.hair_style == "bald" else light.on_figure(darker(look.hair, shade))
    for side in (-1, 1):
        x, y = head.at(side * 0.8, 0.1)
        pen.ellipse(x, y, 0.14 * head.size, 0.22 * head.size, skin)
    pen.shape([_skull(head, look, 2 * math.pi * step / 44) for step in range(44)], skin)
    pen.blob(
        head.path("-0.86 0.1, -0.84 -0.55, -0.4 -1.06, 0.4 -1.06, 0.84 -0.55, 0.86 0.1, 0.6 0.72, 0 0.86, -0.6 0.72"),
        cover,
    )
    for across in (-0.5, -0.2, 0.12, 0.42):
        run = [head.at(across * 0.7, -0.78), head.at(across * 1.2, -0.2), head.at(across * 1.1, 0.5)]
        pen.stroke(run, line=max(0.8, 0.03 * head.size), ink=darker(cover, 0.3))
    _hat(pen, head, look, light, behind=True)


def draw_hair_down_the_back(pen: Pen, head: Head, look: Look, light: Light, shade: float = 0.0) -> None:
    """What hangs behind a head seen from behind; drawn last, over the shoulders."""
    hair, unit = light.on_figure(darker(look.hair, shade + 0.1)), head.size
    strand = darker(hair, 0.3)
    if look.hair_style in ("long", "bob"):
        low = 1.75 if look.hair_style == "long" else 0.95
        side = [(-0.88, -0.2), (-1.02, 0.5), (-0.78, low), (-0.3, low + 0.1), (0.3, low + 0.06), (0.8, low - 0.06)]
        pen.blob([head.at(x, y) for x, y in (*side, (1.02, 0.5), (0.88, -0.2), (0.5, -0.62), (-0.5, -0.62))], hair)
        for across in (-0.55, -0.2, 0.18, 0.55):
            run = [head.at(across * 0.8, -0.5), head.at(across * 1.1, 0.3), head.at(across * 1.2, low - 0.25)]
            pen.stroke(run, line=max(0.8, 0.03 * unit), ink=strand)
    elif look.hair_style == "braid":
        for number in range(5):
            pen.ellipse(
                *head.at(0.05 * (-1) ** number, 0.5 + 0.34 * number), (0.27 - 0.02 * number) * unit, 0.23 * unit, hair
            )
    elif look.hair_style == "ponytail":
        pen.blob(head.path("-0.2 -0.3, 0.2 -0.3, 0.42 0.6, 0.2 1.7, -0.1 1.9, -0.34 0.7"), hair)
        pen.stroke(head.path("0 0, 0.08 0.8, 0.06 1.5"), line=max(0.8, 0.03 * unit), ink=strand)
    elif look.hair_style == "bun":
        pen.ellipse(*head.at(0.0, -0.72), 0.42 * unit, 0.38 * unit, hair)
    elif look.hair_style == "curly":
        for number in range(15):
            angle = 2 * math.pi * number / 15
            pen.ellipse(*head.at(0.78 * math.cos(angle), 0.78 * math.sin(angle) - 0.1), 0.34 * unit, 0.34 * unit, hair)
        pen.ellipse(*head.at(0.0, -0.1), 0.8 * unit, 0.8 * unit, hair, line=0)


def _skull(head: Head, look: Look, angle: float) -> Point:
    across, down = math.cos(angle), math.sin(angle)
    width = 0.8 if down < 0 else 0.8 * (1 - look.jaw * down * down * 0.9)
    lean = 0.1 * head.facing * max(down, 0.0) + 0.03 * head.facing
    return head.at(across * width + lean, down)


def _dots(pen: Pen, head: Head) -> None:
    for side in (-1, 1):
        x, y = head.at(0.34 * head.facing + side * 0.3, 0.08)
        pen.ellipse(x, y, max(0.09 * head.size, 0.9), max(0.12 * head.size, 1.1), pen.ink, line=0)


def _features(pen: Pen, head: Head, look: Look, expression: Expression, light: Light, skin: Colour) -> None:
    unit, turn, mood = head.size, head.facing, expression.mood
    line = max(pen.line * 0.85, 0.035 * unit)
    middle = 0.34 * turn
    flush = mix(skin, light.on_figure((232, 108, 92)), 0.32)
    for side in (-1, 1):
        x, y = head.at(middle + side * 0.46 * (1 - 0.2 * abs(turn)), 0.36)
        if side * turn > -0.6:
            pen.ellipse(x, y, 0.15 * unit, 0.09 * unit, flush, line=0)
        if look.freckles:
            for spot in range(4):
                dot = head.at(middle + side * (0.32 + 0.08 * spot), 0.28 + 0.07 * (spot % 2))
                pen.ellipse(dot[0], dot[1], 0.025 * unit, 0.025 * unit, darker(flush, 0.3), line=0)
    wide = {"surprised": 1.3, "afraid": 1.25, "happy": 0.92, "angry": 0.85, "sad": 0.88}.get(mood, 1.0)
    hair = light.on_figure(darker(look.hair, 0.3)) if look.hair_style != "bald" else pen.ink
    hair = mix(hair, pen.ink, 0.5)
    for side in (-1, 1):
        near = 1 - 0.18 * max(0.0, side * turn)
        x, y = head.at(middle + side * 0.33 * (1 - 0.12 * abs(turn)), 0.03)
        rx, ry = 0.135 * unit * near * look.eye, 0.165 * unit * look.eye * wide
        if look.age == "child":
            rx, ry = rx * 1.12, ry * 1.15
        if mood == "asleep":
            pen.stroke([(x - rx, y), (x, y + 0.4 * ry), (x + rx, y)], line=line * 1.4)
            continue
        pen.ellipse(x, y, rx, ry, light.on_figure((252, 251, 248)), line=line * 0.55)
        iris = 0.62 * ry
        look_x = x + turn * 0.36 * rx
        pen.ellipse(look_x, y + 0.08 * ry, min(iris, 0.8 * rx), iris, pen.ink, line=0)
        pen.ellipse(look_x - 0.25 * iris, y - 0.22 * iris, 0.26 * iris, 0.28 * iris, (255, 255, 255), line=0)
        lid = 0.5 if mood in ("sad", "tired") else 0.85
        pen.stroke(
            [(x - 1.15 * rx, y - ry * 0.3), (x, y - ry * lid - 0.1 * ry), (x + 1.15 * rx, y - ry * 0.3)],
            line=line * 1.25,
        )
        # Brows do most of the acting: inner end down for anger, up for sorrow and fear.
        inner = {"angry": 0.15, "sad": -0.13, "afraid": -0.15}.get(mood, 0.0)
        lift = {"surprised": -0.13, "happy": -0.04, "afraid": -0.08, "angry": 0.05}.get(mood, 0.0)
        brow = [
            head.at(middle + side * 0.16, -0.27 + inner + lift),
            head.at(middle + side * 0.34, -0.33 + lift),
            head.at(middle + side * 0.52 * near, -0.26 - inner * 0.55 + lift),
        ]
        pen.stroke(brow, line=line * 1.7 * look.brow, ink=hair)
    nose = 0.1 * look.nose
    side = 1 if turn >= 0 else -1
    pen.stroke(
        [
            head.at(middle + 0.06 * turn, 0.12),
            head.at(middle + (0.1 + nose) * turn + 0.07 * side, 0.3),
            head.at(middle + 0.03 * turn, 0.34),
        ],
        line=line,
    )
    if look.age == "old":
        for edge in (-1, 1):
            pen.stroke(
                [head.at(middle + edge * 0.24, 0.3), head.at(middle + edge * 0.36, 0.5)],
                line=line * 0.6,
                ink=darker(skin, 0.35),
            )
    if look.beard:
        beard = light.on_figure(look.hair)
        pen.blob(
            head.path(
                "-0.78 0.1, -0.62 0.34, -0.3 0.4, 0 0.42, 0.3 0.4, 0.62 0.34, "
                "0.78 0.1, 0.7 0.74, 0.34 1.1, -0.34 1.1, -0.7 0.74",
                lean=0.08 * turn,
            ),
            beard,
        )
    _mouth(pen, head, look, expression, light, line)
    if look.moustache or look.beard:
        pen.blob(
            head.path(
                "-0.34 0.53, -0.16 0.4, 0 0.43, 0.16 0.4, 0.34 0.53, 0.14 0.51, 0 0.49, -0.14 0.51", lean=0.95 * middle
            ),
            light.on_figure(darker(look.hair, 0.12)),
            line=line * 0.6,
        )
    if look.glasses:
        for side in (-1, 1):
            x, y = head.at(middle + side * 0.34, 0.04)
            if look.glasses == "round":
                pen.ellipse(x, y, 0.25 * unit, 0.23 * unit, None, line=line * 1.1)
            else:
                pen.box(x - 0.26 * unit, y - 0.18 * unit, x + 0.26 * unit, y + 0.2 * unit, None, line=line * 1.2)
        pen.stroke([head.at(middle - 0.1, 0.02), head.at(middle + 0.1, 0.02)], line=line * 1.1)


def _mouth(pen: Pen, head: Head, look: Look, expression: Expression, light: Light, line: float) -> None:
    middle, unit = 0.32 * head.facing, head.size
    x, y = head.at(middle, 0.6)
    dark, tongue = (92, 34, 40), light.on_figure((206, 96, 96))
    if expression.mouth == 2:
        pen.ellipse(x, y + 0.02 * unit, 0.24 * unit, 0.23 * unit, dark, line=line)
        pen.ellipse(x, y + 0.13 * unit, 0.14 * unit, 0.08 * unit, tongue, line=0)
        pen.box(x - 0.14 * unit, y - 0.17 * unit, x + 0.14 * unit, y - 0.1 * unit, (250, 250, 246), line=0)
    elif expression.mouth == 1:
        sad = expression.mood in ("sad", "afraid", "angry")
        bend = -0.03 if sad else 0.05
        pen.blob(
            [
                head.at(middle + a, 0.58 + d)
                for a, d in [
                    (-0.2, -0.02 - bend),
                    (0, -0.05 + bend * 0.4),
                    (0.2, -0.02 - bend),
                    (0.12, 0.12),
                    (0, 0.16),
                    (-0.12, 0.12),
                ]
            ],
            dark,
            line=line,
        )
        pen.ellipse(x, y + 0.08 * unit, 0.08 * unit, 0.04 * unit, tongue, line=0)
    elif expression.mood == "surprised":
        pen.ellipse(x, y, 0.09 * unit, 0.11 * unit, dark, line=line)
    else:
        bend = {"happy": 0.12, "sad": -0.1, "angry": -0.07, "afraid": -0.05}.get(expression.mood, 0.03)
        wide = 0.26 if expression.mood == "happy" else 0.19
        pen.stroke(
            [head.at(middle - wide, 0.6 - bend), head.at(middle, 0.6 + bend * 0.6), head.at(middle + wide, 0.6 - bend)],
            line=line * 1.2,
        )


def _hair_front(pen: Pen, head: Head, look: Look, light: Light) -> None:
    """The cap of hair: one outline over the skull, and a hairline of the style's own back across the forehead."""
    if look.hair_style == "bald":
        return
    turn = 0.1 * head.facing
    style = look.hair_style
    top = {"curly": -1.16, "spiky": -1.12, "short": -1.06}.get(style, -1.1)
    over = [
        (-0.86, 0.02),
        (-0.9, -0.4),
        (-0.66, -0.86),
        (-0.25, top),
        (0.25, top),
        (0.66, -0.86),
        (0.9, -0.4),
        (0.86, 0.02),
    ]
    line = {
        "bob": [(0.72, -0.1), (0.62, -0.36), (0.2, -0.38), (-0.2, -0.38), (-0.62, -0.36), (-0.72, -0.1)],
        "long": [(0.7, 0.0), (0.64, -0.42), (0.1, -0.66), (-0.1, -0.62), (-0.6, -0.4), (-0.72, 0.0)],
        "side": [(0.74, -0.1), (0.66, -0.5), (0.3, -0.4), (-0.3, -0.58), (-0.62, -0.62), (-0.74, -0.1)],
        "short": [(0.76, -0.12), (0.66, -0.52), (0.25, -0.6), (-0.25, -0.6), (-0.66, -0.52), (-0.76, -0.12)],
        "curly": [
            (0.76, -0.1),
            (0.66, -0.44),
            (0.4, -0.4),
            (0.14, -0.52),
            (-0.14, -0.42),
            (-0.42, -0.52),
            (-0.66, -0.42),
            (-0.76, -0.1),
        ],
    }.get(style, [(0.74, -0.1), (0.64, -0.5), (0.2, -0.62), (-0.2, -0.46), (-0.62, -0.46), (-0.74, -0.1)])
    hair = light.on_figure(look.hair)
    points = [head.at(x + turn * 0.3, y) for x, y in over] + [head.at(x + turn * 1.6, y) for x, y in line]
    if style == "spiky":
        spikes: list[Point] = []
        for number in range(9):
            angle = math.pi * (1 + number / 8)
            spikes.append(head.at(0.86 * math.cos(angle), 0.1 + 0.9 * math.sin(angle)))
            if number < 8:
                middle = angle + math.pi / 16
                spikes.append(head.at(1.0 * math.cos(middle) + 0.06, 0.08 + 1.2 * math.sin(middle)))
        fringe = [
            (0.7, -0.2),
            (0.5, -0.5),
            (0.36, -0.22),
            (0.12, -0.52),
            (-0.08, -0.24),
            (-0.34, -0.54),
            (-0.5, -0.24),
            (-0.7, -0.3),
        ]
        pen.shape([*spikes, *(head.at(x + turn * 1.4, y) for x, y in fringe)], hair)
    else:
        pen.blob(points, hair)
    if head.size > 24:
        gleam = lighter(hair, 0.25) if brightness(hair) < 0.75 else darker(hair, 0.12)
        side = 1 if head.facing <= 0 else -1
        pen.stroke(
            [head.at(side * 0.58, -0.62), head.at(side * 0.36, -0.84), head.at(side * 0.1, -0.93)],
            line=max(1.4, 0.06 * head.size),
            ink=gleam,
        )


def _hat(pen: Pen, head: Head, look: Look, light: Light, behind: bool = False) -> None:
    colour = light.on_figure(look.accent)
    turn = head.facing or 1.0
    side = 1 if turn >= 0 else -1
    if look.hat == "cap":
        pen.blob(
            head.path("-0.9 -0.48, -0.82 -0.98, -0.3 -1.3, 0.3 -1.3, 0.82 -0.98, 0.9 -0.48, 0 -0.6"),
            colour,
        )
        if behind:
            return
        pen.blob(
            head.path("0.1 -0.58, 0.86 -0.56, 1.28 -0.4, 0.9 -0.38, 0.1 -0.44", side),
            darker(colour),
        )
    elif look.hat == "hat":
        pen.blob(
            head.path("-0.74 -0.6, -0.66 -1.2, -0.2 -1.42, 0.2 -1.36, 0.66 -1.2, 0.74 -0.6"),
            colour,
        )
        pen.blob(
            head.path("-1.3 -0.52, -0.7 -0.7, 0.7 -0.7, 1.3 -0.52, 0.7 -0.46, -0.7 -0.46"),
            colour,
        )
        pen.stroke(
            [head.at(-0.72, -0.76), head.at(0, -0.7), head.at(0.72, -0.76)],
            line=0.12 * head.size,
            ink=darker(colour, 0.4),
        )
    elif look.hat == "beanie":
        pen.blob(
            head.path("-0.9 -0.4, -0.84 -0.95, -0.35 -1.36, 0.35 -1.36, 0.84 -0.95, 0.9 -0.4, 0 -0.5"),
            colour,
        )
        pen.blob(
            head.path("-0.94 -0.36, -0.92 -0.62, 0 -0.74, 0.92 -0.62, 0.94 -0.36, 0 -0.46"),
            lighter(colour),
        )
