"""The heads of animals on four legs: ears, muzzle, eyes that show a mood, a mouth that speaks."""

from engine.offline.drawing.colours import Colour, Light, brightness, darker, lighter, mix
from engine.offline.drawing.creatures import Creature
from engine.offline.drawing.face import Expression, Head
from engine.offline.drawing.pen import Pen, Point


def draw_muzzle(pen: Pen, head: Head, creature: Creature, expression: Expression, light: Light) -> None:
    """The head, half turned to where it looks; `head.size` is half its own height."""
    breed = creature.breed
    unit, front = head.size, 1 if head.facing >= 0 else -1
    coat, pale = light.on_figure(creature.coat), light.on_figure(creature.pale)
    turn = 0.55 + 0.6 * min(abs(head.facing), 0.75)

    def at(across: float, down: float) -> Point:
        return head.at(front * across, down)

    reach, drop, thick = breed.muzzle[0] * turn, breed.muzzle[1], breed.muzzle[2]
    narrow = 1.5 if drop > 0.65 else 1.84
    if breed.extra in ("horns", "antlers"):
        _horns(pen, head, front, breed.extra, light)
    _ears(pen, head, front, creature, coat)
    pen.limb([at(0, 0), at(reach, drop)], [narrow * unit, thick * unit], coat)
    if breed.extra in ("mask", "spines") or (creature.patches and drop < 0.65):
        x, y = at(reach * 0.7, drop + 0.1)
        pen.ellipse(x, y, 0.62 * thick * unit, 0.4 * thick * unit, pale, line=0)
    elif drop > 0.65 and creature.patches:
        pen.limb([at(0.25, -0.55), at(reach * 0.8, drop * 0.7)], [0.24 * unit, 0.3 * unit], pale, line=0)
    if creature.kind == "pig":
        x, y = at(reach + 0.16, drop)
        pen.ellipse(x, y, 0.3 * unit, 0.38 * unit, darker(coat, 0.1))
        for down in (-0.12, 0.12):
            pen.ellipse(*at(reach + 0.2, drop + down), 0.06 * unit, 0.08 * unit, pen.ink, line=0)
    elif drop > 0.65:
        pen.ellipse(*at(reach + 0.16 * thick, drop - 0.02), 0.08 * unit, 0.11 * unit, darker(coat, 0.6), line=0)
    else:
        nose = (206, 128, 128) if creature.kind in ("mouse", "rabbit", "cat") else (44, 38, 44)
        pen.ellipse(*at(reach + 0.32 * thick, drop - 0.2 * thick), 0.17 * unit, 0.13 * unit, light.on_figure(nose))
    _jaw(pen, head, front, (reach, drop, thick), expression, light)
    _eyes(pen, head, front, creature, expression, light)
    if creature.kind in ("cat", "mouse", "rabbit", "tiger"):
        for up in (-0.1, 0.06, 0.22):
            for side in (-1, 1):
                start = at(reach * 0.8 + side * 0.28, drop + 0.1)
                end = at(reach * 0.8 + side * 1.0, drop + 0.1 + up)
                pen.stroke([start, end], line=max(0.8, 0.03 * unit))
    if breed.ears == "flop":
        _flops(pen, head, front, creature, coat)


def _ears(pen: Pen, head: Head, front: int, creature: Creature, coat: Colour) -> None:
    """Upright ears, drawn before the skull that covers their roots."""
    unit, breed = head.size, creature.breed
    inside = mix(coat, (228, 150, 140), 0.5)
    for side in (-1, 1):
        x = side * 0.52 - 0.14
        if breed.ears == "point":
            outer = ((x - 0.36, -0.45), (x + side * 0.2, -1.6), (x + 0.38, -0.45))
            pen.shape([head.at(front * a, d) for a, d in outer], coat)
            inner = ((x - 0.16, -0.6), (x + side * 0.16, -1.32), (x + 0.2, -0.6))
            pen.shape([head.at(front * a, d) for a, d in inner], inside, line=0)
        elif breed.ears == "round":
            radius = {"mouse": 0.62, "hedgehog": 0.26}.get(creature.kind, 0.4) * unit
            spot = head.at(front * (x + side * 0.16), -0.86)
            pen.ellipse(*spot, radius, radius, coat)
            pen.ellipse(*spot, 0.6 * radius, 0.6 * radius, inside, line=0)
        elif breed.ears == "long":
            run = [head.at(front * a, d) for a, d in ((x, -0.6), (x + side * 0.14, -1.4), (x + side * 0.3, -2.1))]
            pen.limb(run, [0.4 * unit, 0.52 * unit, 0.2 * unit], coat)
            pen.limb(run[1:], [0.24 * unit, 0.08 * unit], inside, line=0)


def _flops(pen: Pen, head: Head, front: int, creature: Creature, coat: Colour) -> None:
    tone = darker(coat, 0.3) if brightness(coat) > 0.25 else lighter(coat, 0.16)
    wide = creature.kind in ("cow", "goat", "sheep", "pig")
    far = "0.5 -0.72, 0.9 -0.72, 1.35 -0.35, 0.9 -0.3" if wide else "0.5 -0.8, 0.9 -0.62, 1.0 0.05, 0.72 -0.1"
    near = "-0.5 -0.72, -0.9 -0.72, -1.5 -0.3, -0.9 -0.25" if wide else "-0.42 -0.82, -0.95 -0.7, -1.15 0.5, -0.7 0.42"
    pen.blob(head.path(far, front), tone)
    pen.blob(head.path(near, front), tone)


def _horns(pen: Pen, head: Head, front: int, kind: str, light: Light) -> None:
    bone, unit = light.on_figure((226, 212, 182)), head.size
    for side in (-1, 1):
        x = side * 0.42 - 0.1
        if kind == "horns":
            run = [(x, -0.7), (x + side * 0.3, -1.25), (x + side * 0.12, -1.75)]
            pen.limb([head.at(front * a, d) for a, d in run], [0.32 * unit, 0.24 * unit, 0.08 * unit], bone)
            continue
        stem = [(x, -0.7), (x + side * 0.45, -1.7), (x + side * 0.3, -2.7)]
        for a, d in ((x + side * 0.95, -1.9), (x + side * 0.95, -2.5)):
            branch = [head.at(front * (x + side * 0.42), d + 0.35), head.at(front * a, d)]
            pen.limb(branch, [0.16 * unit, 0.08 * unit], bone)
        pen.limb([head.at(front * a, d) for a, d in stem], [0.22 * unit, 0.18 * unit, 0.08 * unit], bone)


def _jaw(
    pen: Pen, head: Head, front: int, muzzle: tuple[float, float, float], expression: Expression, light: Light
) -> None:
    reach, drop, thick = muzzle
    unit, line = head.size, max(pen.line * 0.8, 0.035 * head.size)
    tip, corner = (reach + 0.3 * thick, drop + 0.16 * thick), (reach - 0.42 * thick, drop + 0.24 * thick)
    if expression.mouth:
        deep = 0.5 if expression.mouth == 2 else 0.3
        mouth = [tip, ((tip[0] + corner[0]) / 2 + 0.06, drop + (0.2 + deep) * thick + 0.08), corner]
        pen.blob([head.at(front * a, d) for a, d in mouth], (92, 34, 40), line=line)
        x, y = head.at(front * (reach - 0.02), drop + (0.2 + 0.6 * deep) * thick)
        pen.ellipse(x, y, 0.16 * thick * unit, 0.1 * thick * unit, light.on_figure((206, 96, 96)), line=0)
        return
    bend = {"happy": 0.1, "sad": -0.08, "angry": -0.05}.get(expression.mood, 0.04)
    curve = [tip, ((tip[0] + corner[0]) / 2, drop + (0.3 + bend) * thick), (corner[0], corner[1] - bend)]
    pen.stroke([head.at(front * a, d) for a, d in curve], line=line)


def _eyes(pen: Pen, head: Head, front: int, creature: Creature, expression: Expression, light: Light) -> None:
    unit, mood = head.size, expression.mood
    line = max(pen.line * 0.7, 0.03 * unit)
    dark = brightness(creature.coat) < 0.3
    wide = {"surprised": 1.3, "afraid": 1.25, "angry": 0.85, "sad": 0.9}.get(mood, 1.0)
    for side in (-1, 1):
        x, y = head.at(front * (0.2 + side * (0.36 if side < 0 else 0.3)), -0.16)
        rx, ry = (0.15 if side < 0 else 0.12) * unit, 0.19 * unit * wide
        if head.size < 9:
            pen.ellipse(x, y, max(0.7 * rx, 1.0), max(0.7 * ry, 1.2), (250, 246, 230) if dark else pen.ink, line=0)
            continue
        if mood == "asleep":
            pen.stroke([(x - rx, y), (x, y + 0.4 * ry), (x + rx, y)], line=line * 1.6)
            continue
        pen.ellipse(x, y, rx, ry, light.on_figure((252, 250, 240)), line=line)
        iris = 0.66 * ry
        pen.ellipse(x + front * 0.2 * rx, y + 0.06 * ry, min(iris, 0.85 * rx), iris, pen.ink, line=0)
        pen.ellipse(x + front * 0.2 * rx - 0.3 * iris, y - 0.25 * iris, 0.26 * iris, 0.26 * iris, (255,) * 3, line=0)
        if mood in ("angry", "sad", "afraid"):
            inner = 0.14 if mood == "angry" else -0.12
            middle = 0.2 + side * 0.14
            brow = [
                head.at(front * middle, -0.46 + inner),
                head.at(front * (middle + side * 0.38), -0.46 - inner * 0.6),
            ]
            pen.stroke(brow, line=line * 2, ink=pen.ink if not dark else lighter(creature.coat, 0.5))
