"""Animals on four legs: seen from the side, the head turned half towards us, posed as the stance says."""

import math

from engine.offline.drawing.birds import draw_beak, draw_bird
from engine.offline.drawing.colours import Colour, Light, brightness, darker, lighter, mix
from engine.offline.drawing.creatures import Creature, ground_of
from engine.offline.drawing.face import Expression, Head
from engine.offline.drawing.muzzle import draw_muzzle
from engine.offline.drawing.pen import Pen, Point
from engine.offline.drawing.poses import Drawn, Pose

_HOOVED = frozenset(("horse", "mule", "sheep", "goat", "cow", "pig", "deer"))


def draw_creature(pen: Pen, head: Head, creature: Creature, expression: Expression, pose: Pose, light: Light) -> Drawn:
    """A whole animal hanging from its head, as people do; `head.size` is half the head of a person beside it."""
    own = Head(head.x, head.y, head.size * creature.scale, head.facing or 0.4)
    ground = head.y + ground_of(creature, pose.stance) * head.size
    if creature.breed.winged:
        return draw_bird(pen, own, creature, expression, pose.stance, ground, light)
    body = _Beast(pen, own, creature, pose.stance, ground, light)
    body.shadow()
    body.tail()
    body.legs(far=True)
    body.trunk()
    body.legs(far=False)
    draw_muzzle(pen, own, creature, expression, light)
    return body.told()


def draw_creature_head(pen: Pen, head: Head, creature: Creature, expression: Expression, light: Light) -> None:
    """A head alone, `head.size` half its own height."""
    if creature.breed.winged:
        draw_beak(pen, head, creature, expression, light)
    else:
        draw_muzzle(pen, head, creature, expression, light)


def draw_creature_from_behind(pen: Pen, head: Head, creature: Creature, light: Light) -> Drawn:
    """Ears, the back of a head and two shoulders: the near frame of a conversation."""
    own = Head(head.x, head.y, head.size * 0.9, head.facing)
    coat = darker(light.on_figure(creature.coat), 0.3)
    pen.blob(own.path("-0.6 0.5, 0.6 0.5, 1.5 1.5, 1.9 4.5, -1.9 4.5, -1.5 1.5"), coat)
    if creature.breed.winged:
        for side in (-1, 1):
            wing = ((0.5, 1.2), (1.35, 1.7), (1.75, 3.4), (1.3, 4.6), (0.35, 4.6), (0.5, 2.6))
            pen.blob([own.at(side * x, y) for x, y in wing], darker(coat, 0.25))
            for across in (0.7, 1.0, 1.3):
                pen.stroke([own.at(side * across, 2.2), own.at(side * across * 1.05, 3.0), own.at(side * across, 3.9)])
            if creature.kind == "owl":
                pen.shape([own.at(side * x, y) for x, y in ((0.3, -0.7), (0.8, -1.3), (0.85, -0.4))], coat)
    else:
        tall = -2.1 if creature.breed.ears == "long" else -1.5
        for side in (-1, 1):
            if creature.breed.ears == "round":
                radius = (0.6 if creature.kind == "mouse" else 0.4) * own.size
                pen.ellipse(*own.at(side * 0.72, -0.85), radius, radius, coat)
                continue
            pen.blob([own.at(side * x, y) for x, y in ((0.2, -0.8), (0.5, tall), (0.85, -0.3))], coat)
    pen.ellipse(*own.at(0, 0), 0.95 * own.size, 0.95 * own.size, coat)
    for across, high in ((-0.3, -0.5), (0.05, -0.62), (0.35, -0.45), (-0.12, -0.1), (0.22, 0.0)):
        tuft = [own.at(across, high), own.at(across + 0.03, high + 0.16), own.at(across - 0.02, high + 0.3)]
        pen.stroke(tuft, ink=darker(coat, 0.4))
    size = own.size
    area = (own.x - size, own.y - 1.2 * size, 2 * size, 2.2 * size)
    return Drawn(head=area, hands=(), body=(own.x - 1.9 * size, own.y - 1.2 * size, 3.8 * size, 5.5 * size))


class _Beast:
    """Measures are half heights of its head from the middle of the head; x runs forward, to where it looks."""

    def __init__(self, pen: Pen, head: Head, creature: Creature, stance: str, ground: float, light: Light) -> None:
        self.pen, self.head, self.creature, self.stance, self.light = pen, head, creature, stance, light
        self.breed = breed = creature.breed
        self.front = 1 if head.facing >= 0 else -1
        self.coat = light.on_figure(creature.coat)
        self.pale = light.on_figure(creature.pale)
        self.soles = (ground - head.y) / head.size
        lift = 0.9 if stance == "jump" else 0.0
        self.floor = self.soles - lift
        self.rests = stance in ("lie", "sleep")
        low = self.soles - 0.5 * breed.deep - 0.08
        self.chest: Point = (-breed.neck[0], low if self.rests else breed.neck[1])
        self.rump: Point = {
            "sit": (-breed.neck[0] - 0.6 * breed.long, self.soles - 0.55 * breed.deep),
            "run": (-breed.neck[0] - 1.08 * breed.long, breed.neck[1] - 0.08),
            "jump": (-breed.neck[0] - breed.long, breed.neck[1] + 0.4),
        }.get(stance, (-breed.neck[0] - breed.long, self.chest[1] + 0.04))
        self.reached: list[Point] = []

    def at(self, across: float, down: float) -> Point:
        return self.head.at(self.front * across, down)

    def shadow(self) -> None:
        middle = self.at((self.chest[0] + self.rump[0]) / 2, self.soles)
        wide = (self.chest[0] - self.rump[0]) / 2 + 0.75 * self.breed.deep
        self.pen.shadow(middle[0], middle[1], wide * self.head.size, 0.3 * self.head.size)

    def trunk(self) -> None:
        """Rump, belly, chest and neck are one outline: a seam would cut the animal in pieces."""
        breed, unit = self.breed, self.head.size
        middle = ((self.chest[0] + self.rump[0]) / 2, (self.chest[1] + self.rump[1]) / 2 + 0.04 * breed.deep)
        thick = 1.3 if breed.neck[1] > 1.7 else 1.25
        throat = (self.chest[0] * 0.5, self.chest[1] * 0.5 - 0.05)
        run = [self.at(*point) for point in ((0.0, 0.1), throat, self.chest, middle, self.rump)]
        widths = [1.15, max(thick, 0.62 * breed.deep), breed.deep, 0.9 * breed.deep, 0.96 * breed.deep]
        self.pen.limb(run, [width * unit for width in widths], self.coat)
        self.reached += [self.at(self.rump[0] - 0.5 * breed.deep, self.rump[1] - 0.5 * breed.deep)]
        self._marks(middle)

    def _marks(self, middle: Point) -> None:
        breed, unit, pen = self.breed, self.head.size, self.pen
        deep = breed.deep
        shade = darker(self.coat, 0.16)
        under = [
            self.at(self.rump[0] - 0.1 * deep, self.rump[1] + 0.42 * deep),
            self.at(middle[0], middle[1] + 0.39 * deep),
            self.at(self.chest[0] + 0.1 * deep, self.chest[1] + 0.43 * deep),
            self.at(self.chest[0] - 0.3 * deep, self.chest[1] + 0.28 * deep),
            self.at(middle[0], middle[1] + 0.26 * deep),
            self.at(self.rump[0] + 0.2 * deep, self.rump[1] + 0.28 * deep),
        ]
        pen.blob(under, shade, line=0)
        if self.creature.patches:
            for x, y, rx, ry in ((0.0, -0.14, 0.34, 0.26), (0.62, -0.08, 0.26, 0.2)):
                spot = (self.rump[0] + x * breed.long, self.rump[1] + y * deep)
                pen.ellipse(*self.at(*spot), rx * deep * unit, ry * deep * unit, self.pale, line=0)
        if breed.extra == "stripes":
            for step in range(6):
                x = self.rump[0] + (step - 0.2) / 5 * (self.chest[0] - self.rump[0])
                y = middle[1]
                run = [
                    self.at(x, y - 0.44 * deep),
                    self.at(x + 0.08, y - 0.2 * deep),
                    self.at(x - 0.02, y + 0.08 * deep),
                ]
                pen.stroke(run, line=0.13 * unit)
        if breed.extra == "spines":
            wide, tall = 0.5 * breed.long + 0.48 * deep, 0.66 * deep
            rim: list[Point] = []
            for step in range(25):
                angle = math.pi * (0.05 + 1.15 * step / 24)
                out = 1.0 if step % 2 else 1.24
                rim.append(self.at(middle[0] + wide * out * math.cos(angle), middle[1] - tall * out * math.sin(angle)))
            pen.shape([*rim, self.at(middle[0] + 0.6 * wide, middle[1] + 0.1 * deep)], self.hair())
            self.reached += [self.at(middle[0], middle[1] - 1.2 * tall)]
        if breed.extra == "wool":
            for step in range(11):
                angle = 2 * math.pi * step / 11
                x = middle[0] + (0.5 * breed.long + 0.35 * deep) * math.cos(angle)
                pen.ellipse(*self.at(x, middle[1] + 0.4 * deep * math.sin(angle)), 0.5 * unit, 0.46 * unit, self.coat)
            wide = (0.5 * breed.long + 0.36 * deep) * unit
            pen.ellipse(*self.at(*middle), wide, 0.46 * deep * unit, self.coat, line=0)
        if breed.tail == "brush":
            # A mane from between the ears down to the withers.
            hair = self.hair()
            back = (self.chest[0] - 0.25 * deep, self.chest[1] - 0.46 * deep)
            run = [(-0.5, -0.75), (-0.72, 0.1), (back[0] * 0.75, back[1] * 0.55), back]
            full = 0.3 if breed.extra == "crest" else 0.5
            pen.limb([self.at(*point) for point in run], [full * unit * part for part in (0.7, 1, 1, 0.4)], hair)
        if breed.extra == "ruff":
            pen.ellipse(*self.at(-0.2, 0.12), 1.6 * unit, 1.6 * unit, self.hair())
        if self.creature.collar is not None and not self.rests:
            band = [self.at(-0.75, 0.62), self.at(-0.2, 0.98), self.at(0.42, 0.86)]
            pen.limb(band, [0.22 * unit] * 3, self.light.on_figure(self.creature.collar))

    def hair(self) -> Colour:
        return darker(self.coat, 0.5) if brightness(self.coat) > 0.28 else lighter(self.coat, 0.18)

    def tail(self) -> None:
        breed, unit = self.breed, self.head.size
        deep = breed.deep
        root = (self.rump[0] - 0.38 * deep, self.rump[1] - 0.22 * deep)
        low = self.stance == "sit" or self.rests
        if breed.tail == "puff":
            self.pen.ellipse(*self.at(root[0] - 0.1, root[1]), 0.34 * unit, 0.34 * unit, lighter(self.coat, 0.2))
            return
        ways: dict[str, tuple[list[Point], list[float]]] = {
            "whip": ([(-0.45, -0.25), (-0.75, -0.85)], [0.34, 0.26, 0.16]),
            "long": ([(-0.55, 0.35), (-1.15, 0.1), (-1.3, -0.6)], [0.24, 0.2, 0.17, 0.15]),
            "bush": ([(-0.6, 0.3), (-1.2, 0.55), (-1.8, 0.45)], [0.34, 0.6, 0.78, 0.24]),
            "brush": ([(-0.35, 0.5), (-0.5, 1.4), (-0.45, 2.2)], [0.3, 0.5, 0.62, 0.2]),
            "curl": ([(-0.3, -0.1), (-0.4, -0.4), (-0.15, -0.4)], [0.14, 0.13, 0.12, 0.1]),
        }
        way, widths = ways[breed.tail]
        colour = self.hair() if breed.tail == "brush" else self.coat
        # On the ground a tail lies flat, out behind.
        floor = self.soles - 0.25
        points = [root, *((root[0] + x, min(root[1] + y, floor) if not low else floor - 0.1 + 0.1 * y) for x, y in way)]
        run = [self.at(*point) for point in points]
        self.pen.limb(run, [width * unit for width in widths], colour)
        if breed.extra == "mask":
            self.pen.ellipse(*run[-1], 0.24 * unit, 0.22 * unit, lighter(self.coat, 0.75), line=0)
        self.reached += run

    def legs(self, far: bool) -> None:
        deep, floor = self.breed.deep, self.floor
        fore = (self.chest[0] + 0.04, self.chest[1] + 0.12 * deep)
        hind = (self.rump[0] - 0.02, self.rump[1] + 0.08 * deep)
        long = floor - fore[1]
        aside = 0.3 * deep if far else 0.0
        if self.rests:
            if not far:
                self._haunch()
            paw = (fore[0] + (0.75 if far else 0.55) * deep + 0.4, self.soles - 0.14)
            self._leg([(fore[0], self.soles - 0.3), ((fore[0] + paw[0]) / 2, self.soles - 0.18), paw], far)
            return
        if self.stance == "sit":
            foot = (fore[0] + 0.06 + aside * 0.7, floor)
            self._leg([fore, (foot[0] + 0.02, (fore[1] + floor) / 2), foot], far)
            if not far:
                self._haunch()
            return
        if self.stance in ("run", "jump"):
            reach, lift = (0.95, 0.34) if far else (0.7, 0.12)
            foot = (fore[0] + reach * long, floor - lift * long)
            self._leg([fore, ((fore[0] + foot[0]) / 2 + 0.1, (fore[1] + foot[1]) / 2 - 0.12 * long), foot], far)
            back = (hind[0] - (0.55 if far else 0.85) * long, floor - (0.02 if far else 0.22) * long)
            self._leg([hind, (hind[0] - 0.2 * long, (hind[1] + back[1]) / 2 + 0.1 * long), back], far)
            return
        step = 0.3 * long if self.stance == "walk" else 0.0
        foot = (fore[0] + 0.04 + aside + (-step if far else step), floor)
        self._leg([fore, ((fore[0] + foot[0]) / 2 + 0.06, (fore[1] + floor) / 2), foot], far)
        back = (hind[0] - 0.06 - 0.1 * deep + aside + (step if far else -step), floor)
        self._leg([hind, ((hind[0] + back[0]) / 2 - 0.16, (hind[1] + floor) / 2 + 0.1), back], far)

    def _leg(self, points: list[Point], far: bool) -> None:
        unit, deep = self.head.size, self.breed.deep
        coat = darker(self.coat, 0.2) if far else self.coat
        run = [self.at(*point) for point in points]
        widths = [0.44 * deep * unit, max(0.24 * deep, 0.3) * unit, max(0.16 * deep, 0.26) * unit]
        run[-1] = (run[-1][0], run[-1][1] - widths[-1] / 2)
        self.pen.limb(run, widths, coat)
        foot = points[-1]
        if self.creature.kind in _HOOVED:
            wide = max(0.1 * deep, 0.17)
            corners = ((-wide, -0.26), (wide, -0.26), (wide + 0.08, 0.0), (-wide - 0.02, 0.0))
            hoof = mix(self.coat, self.pen.ink, 0.7)
            self.pen.shape([self.at(foot[0] + x, foot[1] + y) for x, y in corners], hoof)
        else:
            paw = self.at(foot[0] + 0.1, foot[1] - 0.13)
            self.pen.ellipse(*paw, 0.26 * unit, 0.15 * unit, coat)
        if not far:
            # Where the leg leaves the body there is no edge.
            self.pen.ellipse(*run[0], 0.24 * deep * unit, 0.24 * deep * unit, coat, line=0)
        self.reached += [self.at(*foot)]

    def _haunch(self) -> None:
        unit, deep = self.head.size, self.breed.deep
        x, y = self.rump[0] + 0.2 * deep, self.soles - 0.36 * deep
        foot = [self.at(x - 0.1 * deep, self.soles - 0.15), self.at(x + 0.55 * deep, self.soles - 0.15)]
        self.pen.limb(foot, [0.3 * unit, 0.3 * unit], self.coat)
        self.pen.ellipse(*self.at(x, y), 0.42 * deep * unit, 0.36 * deep * unit, self.coat)

    def told(self) -> Drawn:
        unit = self.head.size
        x, y = self.head.x, self.head.y
        reach, drop, thick = self.breed.muzzle
        nose = self.front * (reach + 0.5 * thick) * unit
        low = max(1.0, drop + 0.5 * thick)
        left, right = min(x - 0.95 * unit, x + nose), max(x + 0.95 * unit, x + nose)
        xs = [left, right, *(point[0] for point in self.reached)]
        ys = [y - 1.1 * unit, y + low * unit, *(point[1] for point in self.reached)]
        return Drawn(
            head=(left, y - 1.1 * unit, right - left, (1.1 + low) * unit),
            hands=(),
            body=(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)),
        )
