"""People: a body under a head, dressed as the look says, posed, and told back as boxes."""

import math
from dataclasses import replace

from engine.offline.drawing.beasts import draw_creature, draw_creature_from_behind, draw_creature_head
from engine.offline.drawing.clothes import draw_details, draw_skirt
from engine.offline.drawing.colours import Colour, Light, brightness, darker, lighter
from engine.offline.drawing.face import (
    Expression,
    Head,
    draw_hair_behind,
    draw_hair_down_the_back,
    draw_head,
    draw_head_from_behind,
)
from engine.offline.drawing.look import Look
from engine.offline.drawing.pen import Mark, Pen, Point, Spot
from engine.offline.drawing.poses import ARMS, NECK, STANCES, Drawn, Pose, build_of, drop_of
from engine.offline.drawing.things import draw_thing


def draw_figure(pen: Pen, head: Head, look: Look, expression: Expression, pose: Pose, light: Light) -> Drawn:
    """A whole person or animal hanging from the head; what lies outside the canvas is simply not seen."""
    if look.creature:
        return draw_creature(pen, head, look.creature, expression, pose, light)
    body = _Body(pen, head, look, light, pose)
    behind = body.stance.behind
    if not behind:
        draw_hair_behind(pen, head, look, light)
    if head.y + 3.0 * head.size < pen.height or body.stance.front:
        body.ground()
        body.legs(pose.stride)
    body.neck()
    body.torso(plain=behind)
    for side in (-1, 1):
        if pose.thing and side == pose.hand:
            body.hold(pose.thing, side)
        body.arm(side)
    if look.scarf:
        body.scarf()
    if behind:
        draw_head_from_behind(pen, head, look, light)
        draw_hair_down_the_back(pen, head, look, light)
    else:
        draw_head(pen, head, look, expression, light)
    return body.told()


def draw_portrait(pen: Pen, head: Head, look: Look, expression: Expression, light: Light) -> None:
    """A head alone, without a body."""
    if look.creature:
        draw_creature_head(pen, replace(head, size=0.8 * head.size), look.creature, expression, light)
        return
    draw_hair_behind(pen, head, look, light)
    draw_head(pen, head, look, expression, light)


def draw_from_behind(pen: Pen, head: Head, look: Look, light: Light) -> Drawn:
    """Head and shoulders turned away from us, darkened: the near frame of a conversation."""
    if look.creature:
        return draw_creature_from_behind(pen, head, look.creature, light)
    body = _Body(pen, head, look, light, Pose())
    body.top = darker(body.top, 0.3)
    body.neck()
    body.torso(plain=True)
    draw_head_from_behind(pen, head, look, light, shade=0.25)
    draw_hair_down_the_back(pen, head, look, light, shade=0.25)
    return body.told()


class _Body:
    def __init__(self, pen: Pen, head: Head, look: Look, light: Light, pose: Pose) -> None:
        self.pen, self.head, self.look, self.light, self.pose = pen, head, look, light, pose
        self.stance = STANCES[pose.stance]
        self.top = light.on_figure(look.top)
        self.bottom = light.on_figure(look.legs)
        self.accent = light.on_figure(look.accent)
        self.skin = light.on_figure(look.skin)
        self.build = build_of(look)
        self.front = 1 if head.facing >= 0 else -1
        self.long = look.garment in ("coat", "robe", "dress")
        # The torso hangs from the neck, wherever the tilted head has carried it.
        lean = self.front * self.stance.lean
        neck = head.at(0, NECK)
        angle = math.radians(lean)
        top = (neck[0] + NECK * math.sin(angle) * head.size, neck[1] - NECK * math.cos(angle) * head.size)
        self.body = Spot(*top, head.size, turn=lean)
        self.hands: list[Mark] = []
        self.reached: list[Point] = []

    def neck(self) -> None:
        up, down = self.head.at, self.body.at
        self.pen.shape([up(-0.3, 0.7), up(0.3, 0.7), down(0.36, 1.4), down(-0.36, 1.4)], darker(self.skin, 0.16))

    def ground(self) -> None:
        """The shadow that keeps a figure on the ground, and what it sits on or climbs."""
        unit, pen = self.head.size, self.pen
        floor = self.head.y + drop_of(self.look, self.stance) * unit
        x = self.body.at(0, self.build.hip)[0]
        wide = 3.6 if self.stance.flat else 1.7
        pen.shadow(x, floor, wide * unit, 0.24 * unit, 0.3 if not self.stance.lift else 0.2)
        wood = self.light.on((158, 118, 84))
        if self.stance.seat:
            seat = self.body.at(0, self.build.hip)[1] + 0.34 * unit
            left, right = sorted((x - self.front * 1.1 * unit, x + self.front * 1.5 * unit))
            for leg in (left + 0.1 * unit, right - 0.34 * unit):
                pen.box(leg, seat, leg + 0.24 * unit, floor, darker(wood, 0.2))
            pen.box(left, seat, right, seat + 0.34 * unit, wood)
        if self.stance.ladder:
            near, far = x + self.front * 0.9 * unit, x + self.front * 2.3 * unit
            step = self.head.y - 2.6 * unit
            while step < floor:
                pen.limb([(near, step), (far, step)], [0.16 * unit, 0.16 * unit], wood)
                step += 0.95 * unit
            for rail in (near, far):
                pen.limb([(rail, self.head.y - 3.2 * unit), (rail, floor)], [0.2 * unit, 0.2 * unit], wood)

    def legs(self, stride: float) -> None:
        if self.stance.front:
            bent = [
                self._bent(self.body.at(side * 0.26 * self.front * self.build.wide, self.build.hip), *angles, far=far)
                for side, angles, far in ((-1, self.stance.back, True), (1, self.stance.front, False))
            ]
            if self.long:
                self._skirt(bent)
            return
        unit, wide, at = self.head.size, self.build.wide, self.body.at
        apart = (0.42 + 0.5 * stride) * wide
        turn = math.radians(self.body.turn)
        soles = at(0, self.build.hip)[1] + (self.build.feet - self.build.hip) * unit
        for side in (-1, 1):
            hip = at(side * 0.4 * wide, self.build.hip)
            # The legs stay under the hips, however the torso leans.
            foot = (at(0, self.build.hip)[0] + side * apart * math.cos(turn) * unit, soles - 0.18 * unit)
            knee = ((hip[0] + foot[0]) / 2 + side * 0.05 * unit, (hip[1] + foot[1]) / 2)
            bare = self.look.garment == "dress"
            self._leg([hip, knee, foot], self.skin if bare else self.bottom)
            self._shoe((foot[0], soles), (self.head.facing or side * 0.6), 0.0)

    def _bent(self, hip: Point, thigh: float, shin: float, far: bool) -> tuple[Point, Point]:
        """A leg by its angles; told back as knee and foot."""
        unit, length = self.head.size, self.build.leg * self.head.size
        knee = _swing(hip, self.front, thigh, length)
        foot = _swing(knee, self.front, shin, length - 0.18 * unit)
        cloth = self.skin if self.look.garment == "dress" else self.bottom
        self._leg([hip, knee, foot], darker(cloth, 0.16) if far else cloth)
        self._shoe(_swing(knee, self.front, shin, length), self.front * 0.8, self.front * -shin)
        return knee, foot

    def _skirt(self, bent: list[tuple[Point, Point]]) -> None:
        """One cloth over both thighs, stretched from knee to knee, its hem as far down the shins as it reaches."""
        unit, wide = self.head.size, self.build.wide
        down = {"robe": 0.78, "dress": 0.42}.get(self.look.garment, 0.12)
        spots = [(self.body.at(side * 0.5 * wide, self.build.hip), 0.44 * wide * unit) for side in (-1, 1)]
        for knee, foot in bent:
            hem = (knee[0] + (foot[0] - knee[0]) * down, knee[1] + (foot[1] - knee[1]) * down)
            spots += [(knee, 0.42 * wide * unit), (hem, 0.38 * wide * unit)]
        draw_skirt(
            self.pen, self.body.at(0, self.build.hip - 0.2), spots, self.top, (0.3 * self.front * unit, -0.1 * unit)
        )

    def _leg(self, run: list[Point], cloth: Colour) -> None:
        thick = self.build.wide * self.head.size
        self.pen.limb(run, [0.8 * thick, 0.62 * thick, 0.48 * thick], cloth)
        self.reached += run

    def _shoe(self, sole: Point, facing: float, turn: float) -> None:
        toe = 0.3 * facing
        at = Spot(*sole, self.head.size, turn=turn).at
        points = [(-0.34 + min(toe, 0), 0.0), (-0.3, -0.28), (0.3, -0.28), (0.34 + max(toe, 0), 0.0)]
        leather = darker(self.bottom, 0.55) if brightness(self.bottom) > 0.25 else (64, 54, 54)
        outline = [at(a, d) for a, d in points]
        self.pen.shape(outline, leather)
        self.reached += outline

    def torso(self, plain: bool = False) -> None:
        at, wide, garment = self.body.at, self.build.wide, self.look.garment
        hem = self.build.knee if self.long else self.build.hip + 0.25
        if garment == "robe":
            hem = self.build.feet - 0.3
        if self.stance.front:
            hem = self.build.hip + 0.3
        flare = {"dress": 1.35, "robe": 1.3, "coat": 1.16}.get(garment, 0.94)
        if self.stance.front:
            flare = 0.96
        waist = 0.74 if garment == "dress" else 0.88
        hip = self.build.hip
        middle = hip * 0.62 + 0.6
        right = [(0.36, 1.16), (0.78 * wide, 1.3), (wide, 1.58), (waist * wide, middle), (0.94 * wide, hip)]
        if self.long:
            right.append((flare * wide, hem))
        left = [(-x, y) for x, y in reversed(right)]
        outline = [at(x, y) for x, y in right + left]
        self.reached += outline
        shift = (0.3 * self.front * self.head.size, -0.06 * self.head.size)
        self.pen.shaded(outline, self.top, darker(self.top), shift)
        if not plain:
            draw_details(self.pen, self.body, self.head.facing, self.look, self.build, hem, self.light)

    def scarf(self) -> None:
        at = self.body.at
        side = -self.front
        self.pen.blob(
            [at(side * x, y) for x, y in [(0.3, 1.3), (0.62, 1.34), (0.7, 2.3), (0.34, 2.34)]], darker(self.accent, 0.1)
        )
        self.pen.blob(
            [at(x, y) for x, y in [(-0.66, 0.98), (0, 1.1), (0.66, 0.98), (0.72, 1.32), (0, 1.56), (-0.72, 1.32)]],
            self.accent,
        )

    def hold(self, thing: str, side: int) -> None:
        """A thing in the hand, drawn before the arm so that the fingers close over it."""
        x, y = self._joints(side)[2]
        line, self.pen.line = self.pen.line, self.pen.line * 0.7
        draw_thing(thing, self.pen, Spot(x + side * 0.1 * self.head.size, y, 0.52 * self.head.size), self.light)
        self.pen.line = line

    def arm(self, side: int) -> None:
        """Draws one arm (side −1 is the left as seen)."""
        unit = self.head.size
        shoulder, elbow, hand = self._joints(side)
        thick = 0.56 * unit * (0.55 + 0.45 * self.build.wide)
        sleeve = self.top if self.look.garment != "apron" else lighter(self.top, 0.1)
        cuff = (elbow[0] + (hand[0] - elbow[0]) * 0.76, elbow[1] + (hand[1] - elbow[1]) * 0.76)
        size = 0.9 * unit
        place = self.pen.mark((hand[0] - size / 2, hand[1] - size / 2, size, size))
        self._hand(cuff, hand, side, pointing=self._arm(side) == "point")
        self.hands.append(self.pen.drawn(place))
        self.pen.limb([shoulder, elbow, cuff], [thick, thick * 0.9, thick * 0.74], sleeve)
        # Where the arm leaves the body there is no edge: one patch of sleeve joins the two.
        inner = (shoulder[0] - side * 0.34 * thick, shoulder[1] + 0.04 * thick)
        outer = (shoulder[0] - side * 0.02 * thick, shoulder[1] + 0.02 * thick)
        self.pen.limb([inner, outer], [0.86 * thick, 0.98 * thick], sleeve, line=0)
        for x, y in (elbow, hand):
            self.reached += [(x - 0.28 * unit, y), (x + 0.28 * unit, y + 0.3 * unit)]

    def _hand(self, wrist: Point, hand: Point, side: int, pointing: bool) -> None:
        """A hand at the end of a forearm: thumb, palm, and fingers told by two lines where there is room for them."""
        unit = self.head.size
        length = math.dist(wrist, hand) or 1.0
        along = ((hand[0] - wrist[0]) / length, (hand[1] - wrist[1]) / length)
        across = (-along[1] * -side, along[0] * -side)

        def at(down: float, out: float) -> Point:
            return (
                hand[0] + (along[0] * down + across[0] * out) * unit,
                hand[1] + (along[1] * down + across[1] * out) * unit,
            )

        self.pen.limb(
            [at(-0.12, 0.08), at(0.08, 0.3), at(0.26, 0.3)], [0.2 * unit, 0.19 * unit, 0.13 * unit], self.skin
        )
        if pointing:
            self.pen.limb([at(0.05, 0.08), at(0.62, 0.08)], [0.2 * unit, 0.14 * unit], self.skin)
        end = 0.16 if pointing else 0.34
        self.pen.limb([wrist, at(0.0, 0.0), at(end, -0.02)], [0.36 * unit, 0.46 * unit, 0.3 * unit], self.skin)
        if unit > 22:
            for out in (-0.07, 0.07):
                self.pen.stroke([at(end - 0.18, out), at(end + 0.1, out * 0.8)], line=0.028 * unit)

    def _arm(self, side: int) -> str:
        return self.pose.left if side < 0 else self.pose.right

    def _joints(self, side: int) -> tuple[Point, Point, Point]:
        """Shoulder, elbow and the middle of the hand."""
        upper, lower = ARMS[self._arm(side)]
        length = 0.2 * (self.build.feet - 1.4) * self.head.size
        shoulder = self.body.at(side * (self.build.wide - 0.2), 1.66)
        lean = side * self.body.turn
        elbow = _swing(shoulder, side, upper - lean, length * 1.08)
        return shoulder, elbow, _swing(elbow, side, lower - lean, length)

    def told(self) -> Drawn:
        """The boxes: the head, tipped or not, both hands, and everything together."""
        unit, x, y = self.head.size, self.head.x, self.head.y
        tipped = abs(math.sin(math.radians(self.head.turn)))
        across, up, down = 0.92 + 0.16 * tipped, 1.1, 1.05
        if not self.hands:
            # Seen from behind, only head and shoulders are drawn, and the rest is below the frame.
            self.reached.append(self.body.at(0, self.build.feet))
        xs = [x - across * unit, x + across * unit, *(point[0] for point in self.reached)]
        ys = [y - up * unit, y + down * unit, *(point[1] for point in self.reached)]
        return Drawn(
            head=(x - across * unit, y - up * unit, 2 * across * unit, (up + down) * unit),
            hands=tuple(self.hands),
            body=(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)),
        )


def _swing(start: Point, side: int, degrees: float, length: float) -> Point:
    angle = math.radians(degrees)
    return start[0] + side * math.sin(angle) * length, start[1] + math.cos(angle) * length
