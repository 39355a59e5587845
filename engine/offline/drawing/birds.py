"""Birds: seen from the side, standing, settled down, walking, or in the air."""

import math

from engine.offline.drawing.colours import Colour, Light, brightness, darker, lighter
from engine.offline.drawing.creatures import Creature
from engine.offline.drawing.face import Expression, Head
from engine.offline.drawing.pen import Pen, Point
from engine.offline.drawing.poses import Drawn

_WEBBED = frozenset(("duck", "goose"))


def draw_bird(
    pen: Pen, head: Head, creature: Creature, expression: Expression, stance: str, ground: float, light: Light
) -> Drawn:
    """A bird hanging from its head, `head.size` half its own height, `ground` in pixels."""
    breed, unit, front = creature.breed, head.size, 1 if head.facing >= 0 else -1
    coat, pale = light.on_figure(creature.coat), light.on_figure(creature.pale)
    horn = _horn(creature, light)
    wing = darker(coat, 0.22) if brightness(coat) > 0.3 else lighter(coat, 0.14)
    soles = (ground - head.y) / unit
    chest = (-breed.neck[0], min(breed.neck[1], soles - 0.5 * breed.deep))
    rump = (chest[0] - 0.62 * breed.long, chest[1] + 0.12 * breed.deep)
    tail = (chest[0] - 1.25 * breed.long, chest[1] + (0.34 if creature.kind == "owl" else -0.02) * breed.deep)
    flies = stance in ("jump", "run")

    def at(across: float, down: float) -> Point:
        return head.at(front * across, down)

    pen.shadow(at(rump[0] / 2, 0)[0], ground, 0.8 * breed.long * unit, 0.24 * unit, 0.3 if not flies else 0.18)
    if not flies:
        for side, shade in ((0.25, 0.2), (-0.1, 0.0)):
            hip = (chest[0] - 0.3 * breed.long + side, chest[1] + 0.4 * breed.deep)
            step = (0.4 if side > 0 else -0.3) if stance == "walk" else 0.0
            foot = (hip[0] + 0.05 + step, soles - 0.05)
            leg = darker(horn, shade)
            pen.limb([at(*hip), at(*foot)], [0.17 * unit, 0.14 * unit], leg)
            wide = 0.5 if creature.kind in _WEBBED else 0.4
            toes = ((foot[0] - 0.16, soles - 0.13), (foot[0] + wide, soles - 0.02), (foot[0] - 0.2, soles))
            pen.shape([at(*toe) for toe in toes], leg)
    lifted = ((0.1, -0.3), (-0.6, -2.2), (-1.7, -3.0), (-1.8, -1.9), (-1.6, -0.6), (-1.0, 0.1))
    if flies:
        far = [at(chest[0] + x * 0.9 + 0.5, chest[1] + y * 0.9) for x, y in lifted]
        pen.blob(far, darker(wing, 0.2))
    throat = (chest[0] * 0.5 + 0.05, chest[1] * 0.48)
    points = ((0.0, 0.0), throat, chest, rump, tail)
    slim = 0.85 if creature.kind in _WEBBED else 1.4
    widths = (1.5, slim, breed.deep, 0.8 * breed.deep, 0.3 * breed.deep)
    pen.limb([at(*point) for point in points], [width * unit for width in widths], coat)
    if creature.kind not in ("raven", "goose"):
        x, y = at(chest[0] + 0.2 * breed.deep, chest[1] + 0.08 * breed.deep)
        pen.ellipse(x, y, 0.22 * breed.deep * unit, 0.32 * breed.deep * unit, pale, line=0)
    if flies:
        pen.blob([at(chest[0] + x - 0.1, chest[1] + y) for x, y in lifted], wing)
    else:
        fold = ((0.02, -0.2), (-0.3, -0.34), (-0.85, -0.12), (-1.25, 0.1), (-0.75, 0.24), (-0.2, 0.2))
        pen.blob([at(chest[0] + x * breed.long, chest[1] + y * breed.deep) for x, y in fold], wing)
        for down in (0.0, 0.1):
            feather = ((-0.3, down), (-0.6, down + 0.06), (-0.95, down * 0.6 + 0.08))
            pen.stroke([at(chest[0] + x * breed.long, chest[1] + y * breed.deep) for x, y in feather])
    draw_beak(pen, head, creature, expression, light)
    body = [at(*tail), at(*chest), at(0.0, soles), at(0.0, -1.0), at(0.9, 0.0)]
    if flies:
        body += [at(chest[0] - 1.9, chest[1] - 3.0)]
    xs, ys = [x for x, _ in body], [y for _, y in body]
    nose = front * (breed.muzzle[0] + 0.2) * unit
    left, right = min(head.x - 0.85 * unit, head.x + nose), max(head.x + 0.85 * unit, head.x + nose)
    return Drawn(
        head=(left, head.y - 0.9 * unit, right - left, 1.8 * unit),
        hands=(),
        body=(min(*xs, left), min(ys), max(*xs, right) - min(*xs, left), max(ys) - min(ys)),
    )


def _horn(creature: Creature, light: Light) -> Colour:
    return light.on_figure((92, 88, 96) if creature.kind == "raven" else (226, 158, 60))


def draw_beak(pen: Pen, head: Head, creature: Creature, expression: Expression, light: Light) -> None:
    """A bird's head, `head.size` half its own height."""
    unit, breed, front = head.size, creature.breed, 1 if head.facing >= 0 else -1
    coat = light.on_figure(creature.coat)
    horn = _horn(creature, light)

    def at(across: float, down: float) -> Point:
        return head.at(front * across, down)

    reach, drop, thick = breed.muzzle
    gape = (0.0, 0.12, 0.24)[expression.mouth]
    if breed.extra == "comb":
        for x, y in ((-0.25, -0.9), (0.1, -1.0), (0.4, -0.85)):
            pen.ellipse(*at(x, y), 0.24 * unit, 0.26 * unit, light.on_figure((198, 56, 50)))
    if creature.kind == "owl":
        for side in (-1, 1):
            pen.shape([head.at(side * x, y) for x, y in ((0.3, -0.7), (0.8, -1.3), (0.85, -0.4))], coat)
        pen.ellipse(*at(0, 0), 0.98 * unit, 0.9 * unit, coat)
    else:
        pen.ellipse(*at(0, 0), 0.75 * unit, 0.75 * unit, coat, line=0)
        pen.stroke([at(0.75 * math.sin(a), -0.75 * math.cos(a)) for a in (-1.4, -0.7, 0.0, 0.7, 1.4)])
    flat = creature.kind in _WEBBED
    root = 0.5 if creature.kind != "owl" else -0.1
    if gape:
        jaw = (
            (root + 0.04, 0.22),
            (root + 0.04, 0.22 + 0.4 * thick),
            (max(reach * 0.85, root + 0.2), drop + gape + 0.2 * thick),
        )
        pen.shape([at(*point) for point in jaw], darker(horn, 0.2))
    beak = [at(root, 0.22 - 0.55 * thick), at(reach, drop - (0.12 if flat else 0.0)), at(reach, drop + 0.16 * flat)]
    pen.shape([*beak, at(root, 0.22 + 0.35 * thick)], horn)
    eyes = [(0.3, -0.18)] if creature.kind != "owl" else [(-0.42, -0.1), (0.42, -0.1)]
    size = (0.36 if creature.kind == "owl" else 0.17) * unit
    for x, y in eyes:
        spot = at(x, y)
        if expression.mood == "asleep":
            pen.stroke([(spot[0] - size, spot[1]), (spot[0], spot[1] + 0.4 * size), (spot[0] + size, spot[1])])
            continue
        pen.ellipse(*spot, size, size, light.on_figure((250, 240, 206)))
        pen.ellipse(*spot, 0.55 * size, 0.6 * size, pen.ink, line=0)
