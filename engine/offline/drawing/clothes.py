"""What is sewn on, and skirts over bent legs. The cut of the rest is the outline of the torso."""

import math
from collections.abc import Sequence

from engine.offline.drawing.colours import Colour, Light, darker, lighter
from engine.offline.drawing.look import Look
from engine.offline.drawing.pen import Pen, Point, Spot
from engine.offline.drawing.poses import Build


def draw_details(pen: Pen, torso: Spot, facing: float, look: Look, build: Build, hem: float, light: Light) -> None:
    """The details of a garment whose cloth ends at `hem`, on a torso told in half heights of the head."""
    wide, hip = build.wide, build.hip
    top, accent = light.on_figure(look.top), light.on_figure(look.accent)
    at = torso.at
    lean = 0.16 * facing
    line = max(pen.line * 0.8, 0.03 * torso.size)
    seam = darker(top, 0.4)
    shirt = light.on_figure((238, 236, 228))
    if look.stripes:
        y = 1.75
        while y < min(hem, hip):
            pen.stroke(
                [at(-0.86 * wide, y), at(0, y + 0.06), at(0.86 * wide, y)],
                line=0.1 * torso.size,
                ink=lighter(top, 0.55),
            )
            y += 0.42
    if look.garment in ("coat", "suit", "uniform"):
        deep = {"suit": 2.5, "coat": 2.1, "uniform": 1.7}[look.garment]
        pen.shape(
            [at(-0.34 + lean, 1.14), at(0.34 + lean, 1.14), at(lean, deep)],
            shirt if look.garment != "uniform" else accent,
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
                accent,
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
                lighter(top, 0.1),
                line=line,
            )
        pen.stroke([at(lean, deep), at(lean * 1.1, hem)], line=line, ink=seam)
        for number in range(3):
            down = deep + 0.3 + 0.52 * number
            if down > hem - 0.1:
                break
            x, y = at(lean + 0.16, down)
            pen.ellipse(x, y, 0.07 * torso.size, 0.07 * torso.size, accent, line=line * 0.6)
    elif look.garment == "shirt":
        for side in (-1, 1):
            pen.shape(
                [
                    at(lean, 1.42),
                    at(side * 0.36 + lean, 1.08),
                    at(side * 0.5 + lean, 1.42),
                    at(side * 0.24 + lean, 1.62),
                ],
                lighter(top, 0.22),
                line=line,
            )
        pen.stroke([at(lean, 1.45), at(lean * 1.1, hip + 0.2)], line=line, ink=seam)
    elif look.garment in ("jumper", "dress"):
        pen.blob(
            [
                at(x + lean, y)
                for x, y in [(-0.46, 1.14), (0, 1.38), (0.46, 1.14), (0.48, 1.3), (0, 1.58), (-0.48, 1.3)]
            ],
            lighter(top, 0.2),
            line=line,
        )
        if look.garment == "dress":
            pen.shape(
                [
                    at(-0.72 * wide, hip * 0.62 + 0.5),
                    at(0.72 * wide, hip * 0.62 + 0.5),
                    at(0.76 * wide, hip * 0.62 + 0.76),
                    at(-0.76 * wide, hip * 0.62 + 0.76),
                ],
                accent,
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
            darker(top, 0.14),
            line=line,
        )
        for side in (-1, 1):
            pen.stroke([at(side * 0.16 + lean, 1.6), at(side * 0.2 + lean, 2.2)], line=line, ink=lighter(top, 0.6))
    elif look.garment == "apron":
        pen.shape(
            [
                at(-0.5 + lean, 1.6),
                at(0.5 + lean, 1.6),
                at(0.66 * wide + lean, hip),
                at(0.6 * wide, hem),
                at(-0.6 * wide, hem),
                at(-0.66 * wide + lean, hip),
            ],
            light.on_figure((236, 230, 214)),
            line=line,
        )
        for side in (-1, 1):
            pen.stroke(
                [at(side * 0.46 + lean, 1.62), at(side * 0.36, 1.16)],
                line=line * 2,
                ink=light.on_figure((214, 206, 186)),
            )
    elif look.garment == "robe":
        pen.stroke([at(lean, 1.4), at(lean + 0.1, hem)], line=line, ink=seam)
        pen.stroke(
            [at(-0.9 * wide, hip - 0.4), at(lean, hip - 0.3), at(0.9 * wide, hip - 0.4)],
            line=0.13 * torso.size,
            ink=accent,
        )


def draw_skirt(pen: Pen, waist: Point, spots: Sequence[tuple[Point, float]], cloth: Colour, towards: Point) -> None:
    """Cloth stretched around these spots (centre and radius in pixels) as a band would be, with folds to the waist."""
    rim = [
        (x + radius * math.cos(math.pi * step / 5), y + radius * math.sin(math.pi * step / 5))
        for (x, y), radius in spots
        for step in range(10)
    ]
    pen.shaded(_band(rim), cloth, darker(cloth), towards)
    for (x, y), _ in spots[3::2]:
        run = [(waist[0] + (x - waist[0]) * share, waist[1] + (y - waist[1]) * share) for share in (0.35, 0.7, 0.98)]
        pen.stroke(run, ink=darker(cloth, 0.4))


def _band(points: Sequence[Point]) -> list[Point]:
    """The convex hull: what a band stretched around the points would follow."""

    def half(run: Sequence[Point]) -> list[Point]:
        kept: list[Point] = []
        for x, y in run:
            while len(kept) > 1 and (kept[-1][0] - kept[-2][0]) * (y - kept[-2][1]) <= (kept[-1][1] - kept[-2][1]) * (
                x - kept[-2][0]
            ):
                kept.pop()
            kept.append((x, y))
        return kept[:-1]

    ordered = sorted(points)
    return half(ordered) + half(ordered[::-1])
