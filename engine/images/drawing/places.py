"""Where a scene happens: which kind of place the words mean, and the outdoor ones drawn.

Every place is drawn on the whole canvas around a horizon; thin lines in the colour of the thing itself keep it behind
the people, who are drawn in ink.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.images.drawing.colours import Colour, Light, darker, lighter, mix, words
from engine.images.drawing.dice import Dice
from engine.images.drawing.pen import Pen, Point

_WORDS: dict[str, tuple[str, ...]] = {
    "kitchen": ("kitchen", "galley", "bakery", "cafe", "café", "restaurant", "tavern", "inn", "bar", "pub", "diner"),
    "library": (
        "library",
        "bookshop",
        "bookstore",
        "archive",
        "study",
        "office",
        "shop",
        "store",
        "classroom",
        "school",
        "laboratory",
        "lab",
        "workshop",
    ),
    "ship": ("ship", "deck", "boat", "ferry", "schooner", "vessel", "bridge", "cockpit"),
    "harbour": ("harbour", "harbor", "pier", "dock", "docks", "quay", "jetty", "port", "lighthouse", "wharf"),
    "station": ("station", "platform", "train", "railway", "subway", "metro", "carriage", "terminal"),
    "forest": ("forest", "wood", "woods", "jungle", "grove", "trees", "orchard", "swamp"),
    "sea": ("sea", "ocean", "beach", "shore", "coast", "bay", "island", "lake", "river", "water", "cliff", "cliffs"),
    "mountain": (
        "mountain",
        "mountains",
        "hill",
        "hills",
        "valley",
        "pass",
        "peak",
        "canyon",
        "desert",
        "dunes",
        "cave",
    ),
    "street": (
        "street",
        "city",
        "town",
        "village",
        "alley",
        "square",
        "market",
        "road",
        "plaza",
        "rooftop",
        "roof",
        "avenue",
        "lane",
        "courtyard",
    ),
    "field": (
        "field",
        "meadow",
        "garden",
        "park",
        "farm",
        "grass",
        "lawn",
        "prairie",
        "churchyard",
        "cemetery",
        "yard",
    ),
    "sky": ("sky", "space", "stars", "air", "clouds", "orbit", "balloon", "airship"),
    "room": (
        "room",
        "house",
        "home",
        "bedroom",
        "hall",
        "cabin",
        "apartment",
        "flat",
        "hut",
        "attic",
        "cottage",
        "corridor",
        "hospital",
        "castle",
        "tower",
        "church",
        "temple",
        "chamber",
        "parlour",
        "parlor",
        "cellar",
        "hotel",
        "interior",
        "indoors",
        "inside",
        "window",
        "door",
        "table",
        "tent",
    ),
}
INDOORS = frozenset({"room", "kitchen", "library"})


@dataclass(frozen=True)
class Scene:
    """A place to draw: the pen, the light, the dice for its details, the height of the horizon in pixels."""

    pen: Pen
    light: Light
    dice: Dice
    horizon: float

    def x(self, share: float) -> float:
        return share * self.pen.width

    def y(self, share: float) -> float:
        return share * self.pen.height

    def tone(self, colour: Colour, far: float = 0.0) -> Colour:
        """A colour in this light, paled by distance (0 near, 1 at the horizon)."""
        return mix(self.light.on(colour), self.light.sky_low, far)


def kind_of(place: str, description: str) -> str:
    """The kind of place that the words name first; "plain" when they name none."""
    for text in (place, description):
        for word in words(text):
            for kind, signs in _WORDS.items():
                if word in signs:
                    return kind
    return "plain"


def draw_outdoors(kind: str, scene: Scene) -> None:
    """An outdoor place of this kind."""
    _sky(scene)
    places: dict[str, Callable[[Scene], None]] = {
        "street": _street,
        "forest": _forest,
        "sea": _sea,
        "harbour": _harbour,
        "ship": _ship,
        "field": _field,
        "mountain": _mountain,
        "station": _station,
        "sky": _clouds,
    }
    places.get(kind, _plain)(scene)


def _thin(scene: Scene, colour: Colour) -> tuple[float, Colour]:
    return max(1.0, scene.pen.height / 850), darker(colour, 0.38)


def _sky(scene: Scene) -> None:
    pen, light, dice = scene.pen, scene.light, scene.dice
    pen.wash(0, scene.horizon + 2, light.sky_top, light.sky_low)
    x, y = scene.x(dice.uniform(0.12, 0.88)), scene.horizon * dice.uniform(0.16, 0.4)
    radius = 0.05 * pen.height
    if light.dark:
        for _ in range(70):
            size = dice.choice((0.7, 0.9, 1.4))
            pen.ellipse(dice.random() * pen.width, dice.random() * scene.horizon, size, size, (214, 220, 240), line=0)
        pen.glow(x, y, 4 * radius, (190, 204, 240), 0.4)
        pen.ellipse(x, y, radius, radius, (240, 238, 218), line=0)
        pen.ellipse(
            x + 0.4 * radius,
            y - 0.16 * radius,
            0.86 * radius,
            0.86 * radius,
            mix(light.sky_top, light.sky_low, 0.25),
            line=0,
        )
        return
    if light.hour in ("evening", "morning"):
        y = scene.horizon - radius * dice.uniform(0.2, 1.6)
        pen.glow(x, y, 6 * radius, (255, 226, 160), 0.75)
        pen.ellipse(x, y, radius, radius, (255, 240, 198), line=0)
    for _ in range(dice.randint(2, 4)):
        _cloud(
            scene,
            scene.x(dice.uniform(-0.05, 1.0)),
            scene.horizon * dice.uniform(0.1, 0.75),
            0.05 * pen.height * dice.uniform(0.6, 1.5),
        )


def _cloud(scene: Scene, x: float, y: float, size: float) -> None:
    colour = mix(scene.light.sky_low, (255, 255, 255), 0.5)
    lumps = [
        (dice_x * size, -scene.dice.uniform(0.1, 0.5) * size, scene.dice.uniform(0.5, 0.8) * size)
        for dice_x in (-1.3, -0.5, 0.4, 1.2)
    ]
    for across, down, radius in lumps:
        scene.pen.ellipse(x + across, y + down, radius * 1.25, radius * 0.7, colour, line=0)
    scene.pen.ellipse(x, y, 2.2 * size, 0.42 * size, colour, line=0)


def _ground(scene: Scene, near: Colour, far: Colour) -> None:
    scene.pen.wash(scene.horizon, scene.pen.height, scene.tone(far, 0.2), scene.tone(near))


def _hills(scene: Scene, colour: Colour, rise: float, far: float, base: float | None = None) -> None:
    pen, dice = scene.pen, scene.dice
    base = scene.horizon if base is None else base
    tops = [(scene.x(step / 6), base - rise * pen.height * dice.uniform(0.25, 1.0)) for step in range(-1, 8)]
    tone = scene.tone(colour, far)
    line, ink = _thin(scene, tone)
    pen.blob([*tops, (scene.x(1.4), base + 6), (scene.x(-0.4), base + 6)], tone, line=line, ink=ink)


def _plain(scene: Scene) -> None:
    _hills(scene, (150, 172, 150), 0.09, 0.55)
    _ground(scene, (196, 190, 160), (206, 206, 184))


def _field(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    _hills(scene, (110, 150, 116), 0.14, 0.5)
    _hills(scene, (128, 168, 104), 0.06, 0.25)
    _ground(scene, (134, 172, 92), (168, 196, 118))
    _tree(scene, scene.x(dice.choice((0.1, 0.88))), scene.horizon + 0.05 * pen.height, 0.3 * pen.height)
    fence = scene.tone((206, 188, 150))
    line, ink = _thin(scene, fence)
    y = scene.horizon + 0.1 * pen.height
    for step in range(9):
        x = scene.x(step / 8)
        pen.box(x - 3, y - 0.07 * pen.height, x + 5, y + 0.02 * pen.height, fence, line=line, ink=ink)
    for drop in (0.055, 0.02):
        pen.box(0, y - drop * pen.height - 3, pen.width, y - drop * pen.height + 4, fence, line=line, ink=ink)
    grass = scene.tone((92, 138, 74))
    for _ in range(60):
        x, down = dice.random() * pen.width, dice.uniform(y + 10, pen.height)
        pen.stroke([(x, down), (x + dice.uniform(-4, 4), down - 0.014 * pen.height)], line=1.2, ink=grass)


def _tree(scene: Scene, x: float, foot: float, height: float) -> None:
    pen, dice = scene.pen, scene.dice
    bark, leaf = (
        scene.tone((126, 94, 72), 0.1),
        scene.tone(dice.choice(((96, 146, 92), (120, 156, 88), (88, 136, 108))), 0.1),
    )
    line, ink = _thin(scene, bark)
    pen.shape(
        [
            (x - 0.05 * height, foot),
            (x - 0.03 * height, foot - 0.6 * height),
            (x + 0.03 * height, foot - 0.6 * height),
            (x + 0.05 * height, foot),
        ],
        bark,
        line=line,
        ink=ink,
    )
    crown: list[Point] = []
    for step in range(11):
        angle = 2 * math.pi * step / 11
        reach = dice.uniform(0.25, 0.34) * height
        crown.append((x + 1.1 * reach * math.cos(angle), foot - 0.72 * height + reach * math.sin(angle)))
    pen.blob(crown, leaf, line=line, ink=darker(leaf, 0.4))
    pen.blob(
        [(a + 0.02 * height, min(d, foot - 0.74 * height) - 0.02 * height) for a, d in crown][::2],
        lighter(leaf, 0.14),
        line=0,
    )


def _forest(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    for layer, far in enumerate((0.62, 0.4, 0.15)):
        tone = scene.tone((70, 112, 86), far)
        line, ink = _thin(scene, tone)
        foot = scene.horizon + (0.02 + 0.05 * layer) * pen.height
        if layer == 0:
            _hills(scene, (70, 112, 86), 0.2, 0.66)
        if layer == 1:
            _ground(scene, (104, 124, 78), (136, 156, 106))
        bark = scene.tone((116, 90, 72), far)
        for number in range(5 + 2 * (2 - layer)):
            x = scene.x((number + dice.uniform(0.1, 0.9)) / (5 + 2 * (2 - layer)))
            if layer == 2 and 0.22 < x / pen.width < 0.78:
                continue
            thick = pen.height * (0.008 + 0.011 * layer)
            lean = dice.uniform(-0.5, 0.5) * thick
            pen.shape(
                [(x - thick, foot), (x - 0.7 * thick + lean, -5), (x + 0.7 * thick + lean, -5), (x + thick, foot + 2)],
                bark,
                line=line,
                ink=darker(bark, 0.35),
            )
            if layer == 2:
                for _ in range(5):
                    y = dice.uniform(0.05, 0.9) * foot
                    pen.stroke(
                        [(x - 0.4 * thick, y), (x + 0.2 * thick, y + 3 * thick)], line=line, ink=darker(bark, 0.25)
                    )
    leaf = scene.tone((84, 128, 84), 0.08)
    line, ink = _thin(scene, leaf)
    edge = [(scene.x(step / 12), scene.y(dice.uniform(0.04, 0.14))) for step in range(-1, 14)]
    pen.blob([*edge, (scene.x(1.2), -60), (scene.x(-0.2), -60)], leaf, line=line, ink=ink)
    for _ in range(26):
        x, y = dice.random() * pen.width, dice.uniform(scene.horizon + 0.1 * pen.height, pen.height)
        size = 0.012 * pen.height * (y / pen.height + 0.3)
        for turn in (-1, 0, 1):
            pen.stroke([(x, y), (x + turn * size, y - 1.6 * size)], line=1.5, ink=scene.tone((74, 108, 66)))


def _water(scene: Scene, top: float, bottom: float) -> None:
    pen, dice = scene.pen, scene.dice
    near, far = scene.tone((62, 122, 148)), scene.tone((112, 168, 184), 0.3)
    pen.wash(top, bottom, far, near)
    gleam = mix(scene.light.sky_low, near, 0.35)
    for _ in range(46):
        share = dice.random() ** 1.6
        y = top + share * (bottom - top)
        x, length = dice.random() * pen.width, (0.02 + 0.1 * share) * pen.width
        pen.stroke(
            [
                (x - length, y),
                (x - 0.4 * length, y - 3 * share - 1),
                (x + 0.3 * length, y + 2 * share),
                (x + length, y),
            ],
            line=0.9 + 1.6 * share,
            ink=gleam,
        )


def _sea(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    _hills(scene, (120, 140, 150), 0.06, 0.6)
    shore = scene.horizon + 0.5 * (pen.height - scene.horizon)
    _water(scene, scene.horizon, pen.height)
    sail_x, sail_y = scene.x(dice.uniform(0.15, 0.85)), scene.horizon + 4
    hull = scene.tone((120, 84, 70), 0.25)
    line, ink = _thin(scene, hull)
    size = 0.07 * pen.height
    pen.shape(
        [(sail_x, sail_y - size), (sail_x, sail_y - 4), (sail_x + 0.6 * size, sail_y - 4)],
        scene.tone((244, 236, 218), 0.15),
        line=line,
        ink=ink,
    )
    pen.shape(
        [
            (sail_x - 0.5 * size, sail_y - 3),
            (sail_x + 0.7 * size, sail_y - 3),
            (sail_x + 0.45 * size, sail_y + 6),
            (sail_x - 0.3 * size, sail_y + 6),
        ],
        hull,
        line=line,
        ink=ink,
    )
    sand = scene.tone((232, 212, 164))
    edge = [(scene.x(step / 5), shore + dice.uniform(-0.03, 0.03) * pen.height) for step in range(-1, 7)]
    pen.blob(
        [*edge, (scene.x(1.3), scene.y(1.2)), (scene.x(-0.3), scene.y(1.2))],
        sand,
        line=5,
        ink=scene.tone((246, 248, 244)),
    )


def _planks(scene: Scene, top: float, colour: Colour) -> None:
    pen = scene.pen
    wood = scene.tone(colour)
    line, ink = _thin(scene, wood)
    pen.wash(top, pen.height, lighter(wood, 0.12), darker(wood, 0.12))
    middle = pen.width / 2
    for step in range(-14, 15):
        pen.stroke(
            [(middle + step * 0.045 * pen.width, top), (middle + step * 0.16 * pen.width, pen.height)],
            line=line,
            ink=ink,
        )
    pen.stroke([(0, top), (pen.width, top)], line=2 * line, ink=ink)


def _harbour(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    _hills(scene, (112, 130, 140), 0.1, 0.55)
    side = dice.choice((-1, 1))
    x = scene.x(0.5 + 0.34 * side)
    foot, top = scene.horizon + 2, scene.horizon - 0.3 * pen.height
    tower = scene.tone((236, 230, 216), 0.15)
    line, ink = _thin(scene, tower)
    wide = 0.035 * pen.height
    pen.shape(
        [(x - 1.3 * wide, foot), (x - 0.8 * wide, top), (x + 0.8 * wide, top), (x + 1.3 * wide, foot)],
        tower,
        line=line,
        ink=ink,
    )
    red = scene.tone((190, 72, 62), 0.15)
    for band in (0.25, 0.62):
        y, tall = top + band * (foot - top), 0.13 * (foot - top)
        left, right = wide * (0.8 + 0.5 * band), wide * (0.8 + 0.5 * (band + 0.13))
        pen.shape([(x - left, y), (x + left, y), (x + right, y + tall), (x - right, y + tall)], red, line=line, ink=ink)
    if scene.light.hour in ("night", "evening"):
        pen.glow(x, top - 0.7 * wide, 0.2 * pen.height, (255, 232, 160), 0.8)
    pen.box(x - 0.6 * wide, top - 1.3 * wide, x + 0.6 * wide, top, (250, 224, 140), line=line, ink=ink)
    pen.shape(
        [(x - 0.9 * wide, top - 1.3 * wide), (x, top - 2.2 * wide), (x + 0.9 * wide, top - 1.3 * wide)],
        red,
        line=line,
        ink=ink,
    )
    _water(scene, scene.horizon, pen.height)
    deck = scene.horizon + 0.42 * (pen.height - scene.horizon)
    post = scene.tone((112, 88, 72))
    for step in range(5):
        px = scene.x(0.06 + 0.22 * step)
        pen.box(px - 7, deck - 0.07 * pen.height, px + 7, deck + 10, post, line=line, ink=darker(post, 0.4))
    pen.stroke(
        [(scene.x(0.06 + 0.22 * step), deck - 0.05 * pen.height) for step in range(5)],
        line=2.5,
        ink=scene.tone((176, 150, 110)),
    )
    _planks(scene, deck, (176, 142, 108))


def _ship(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    _water(scene, scene.horizon, pen.height)
    deck = scene.horizon + 0.36 * (pen.height - scene.horizon)
    _planks(scene, deck, (186, 150, 110))
    wood = scene.tone((140, 100, 74))
    line, ink = _thin(scene, wood)
    x = scene.x(dice.choice((0.2, 0.8)))
    pen.box(x - 0.012 * pen.width, -5, x + 0.012 * pen.width, deck + 0.06 * pen.height, wood, line=line, ink=ink)
    sail = scene.tone((240, 230, 206), 0.05)
    pen.blob(
        [
            (x - 0.3 * pen.width, -20),
            (x + 0.3 * pen.width, -20),
            (x + 0.26 * pen.width, 0.12 * pen.height),
            (x, 0.17 * pen.height),
            (x - 0.26 * pen.width, 0.12 * pen.height),
        ],
        sail,
        line=line,
        ink=darker(sail, 0.35),
    )
    for far in (-0.5, 0.5, 0.9):
        pen.stroke([(x, -5), (x + far * pen.width, deck)], line=line, ink=ink)
    rail = deck - 0.1 * pen.height
    for step in range(12):
        px = scene.x(step / 11)
        pen.box(px - 4, rail, px + 4, deck, wood, line=line, ink=ink)
    pen.box(-5, rail - 9, pen.width + 5, rail + 6, lighter(wood, 0.15), line=line, ink=ink)


def _mountain(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    for far, high in ((0.6, 0.4), (0.3, 0.26)):
        stone = scene.tone((126, 132, 152), far)
        line, ink = _thin(scene, stone)
        x = -0.15
        while x < 1.1:
            wide, tall = dice.uniform(0.22, 0.4), high * dice.uniform(0.6, 1.0)
            top = (scene.x(x + wide / 2), scene.horizon - tall * pen.height)
            left, right = (scene.x(x - 0.05), scene.horizon + 5), (scene.x(x + wide + 0.05), scene.horizon + 5)
            pen.shape([left, top, right], stone, line=line, ink=ink)
            pen.shape(
                [top, right, (top[0] + 0.1 * (right[0] - top[0]), scene.horizon + 5)], darker(stone, 0.12), line=0
            )
            snow = [
                (top[0] + (left[0] - top[0]) * 0.25, top[1] + (left[1] - top[1]) * 0.25),
                top,
                (top[0] + (right[0] - top[0]) * 0.25, top[1] + (right[1] - top[1]) * 0.25),
                (top[0] + 4, top[1] + 0.16 * tall * pen.height),
            ]
            pen.shape(snow, scene.tone((244, 246, 250), far * 0.4), line=line, ink=ink)
            x += wide * 0.72
    _hills(scene, (126, 150, 108), 0.06, 0.2)
    _ground(scene, (150, 156, 112), (168, 178, 132))
    for _ in range(7):
        rock = scene.tone((150, 148, 146))
        x, y, size = (
            dice.random() * pen.width,
            dice.uniform(scene.horizon + 0.12 * pen.height, pen.height),
            dice.uniform(0.012, 0.034) * pen.height,
        )
        pen.blob(
            [(x - size, y), (x - 0.6 * size, y - size), (x + 0.5 * size, y - 1.1 * size), (x + 1.2 * size, y)],
            rock,
            line=1.2,
            ink=darker(rock, 0.4),
        )


def _street(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    middle = scene.x(dice.uniform(0.42, 0.58))
    _ground(scene, (172, 164, 156), (190, 184, 176))
    walls = ((206, 170, 140), (188, 196, 190), (222, 204, 164), (178, 148, 138), (168, 182, 200), (214, 186, 174))
    lit = (252, 222, 138)
    for side in (-1, 1):
        reach = middle if side < 0 else pen.width - middle
        near = 1.0
        while near > 0.14:
            far = near * dice.uniform(0.6, 0.72)
            wall = scene.tone(dice.choice(walls), 0.5 * (1 - near))
            line, ink = _thin(scene, wall)
            tall = dice.uniform(0.75, 1.15)

            def corner(depth: float, height: float, reach: float = reach, side: int = side) -> Point:
                # One vanishing point: everything shrinks towards the middle of the horizon.
                return middle + side * reach * 1.12 * depth, scene.horizon - height * depth * 0.62 * pen.height

            a, b, c, d = corner(near, -0.28), corner(near, tall), corner(far, tall), corner(far, -0.28)
            pen.shape([a, b, c, d], wall, line=line, ink=ink)
            roof = scene.tone((156, 96, 84), 0.5 * (1 - near))
            pen.shape([b, c, corner(far, tall + 0.1), corner(near, tall + 0.1)], roof, line=line, ink=ink)
            glass = (
                lit
                if scene.light.hour in ("night", "evening") and dice.random() < 0.7
                else scene.tone((132, 158, 172), 0.5 * (1 - near))
            )
            for floor in (0.12, 0.52, 0.9):
                if floor + 0.24 > tall:
                    continue
                for share in (0.3, 0.68):
                    deep, width = near + (far - near) * share, (near - far) * 0.1
                    window = [
                        corner(deep + width, floor),
                        corner(deep + width, floor + 0.24),
                        corner(deep - width, floor + 0.24),
                        corner(deep - width, floor),
                    ]
                    pen.shape(window, glass, line=line, ink=ink)
            near = far
    line, ink = _thin(scene, scene.tone((172, 164, 156)))
    for step in range(1, 9):
        y = scene.horizon + (pen.height - scene.horizon) * (step / 9) ** 2
        pen.stroke([(0, y), (pen.width, y)], line=line * 0.8, ink=mix(ink, scene.tone((190, 184, 176)), 0.6))
    x, foot = scene.x(dice.choice((0.13, 0.87))), scene.horizon + 0.28 * pen.height
    post = scene.tone((72, 76, 88))
    pen.box(x - 4, foot - 0.5 * pen.height, x + 4, foot, post, line=line)
    if scene.light.hour in ("night", "evening"):
        pen.glow(x, foot - 0.52 * pen.height, 0.17 * pen.height, (255, 226, 150), 0.85)
    pen.blob(
        [
            (x - 15, foot - 0.55 * pen.height),
            (x + 15, foot - 0.55 * pen.height),
            (x + 9, foot - 0.5 * pen.height),
            (x - 9, foot - 0.5 * pen.height),
        ],
        (252, 232, 168),
        line=line,
    )


def _station(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    _hills(scene, (130, 140, 140), 0.08, 0.5)
    _ground(scene, (178, 172, 164), (192, 188, 182))
    floor = scene.horizon + 0.2 * (pen.height - scene.horizon)
    train = scene.tone(dice.choice(((164, 72, 66), (70, 112, 134), (88, 124, 96))), 0.08)
    line, ink = _thin(scene, train)
    top = scene.horizon - 0.3 * pen.height
    pen.shape([(-20, top), (pen.width + 20, top), (pen.width + 20, floor), (-20, floor)], train, line=line, ink=ink)
    pen.box(-20, top + 0.02 * pen.height, pen.width + 20, top + 0.05 * pen.height, lighter(train, 0.5), line=0)
    glass = (250, 226, 150) if scene.light.hour in ("night", "evening") else scene.tone((150, 180, 192))
    for step in range(6):
        x = scene.x(0.02 + 0.17 * step)
        if step % 3 == 1:
            pen.box(x, top + 0.07 * pen.height, x + 0.1 * pen.width, floor, lighter(train, 0.16), line=line, ink=ink)
        pen.box(
            x + 6, top + 0.09 * pen.height, x + 0.1 * pen.width - 6, top + 0.2 * pen.height, glass, line=line, ink=ink
        )
    roof = scene.tone((108, 116, 124))
    pen.shape(
        [(-20, -20), (pen.width + 20, -20), (pen.width + 20, 0.07 * pen.height), (-20, 0.1 * pen.height)],
        roof,
        line=line,
    )
    for x in (0.08, 0.92):
        pen.box(scene.x(x) - 9, 0.08 * pen.height, scene.x(x) + 9, floor + 0.1 * pen.height, roof, line=line)
    pen.box(
        -20, floor + 0.015 * pen.height, pen.width + 20, floor + 0.04 * pen.height, scene.tone((232, 200, 92)), line=0
    )


def _clouds(scene: Scene) -> None:
    pen, dice = scene.pen, scene.dice
    pen.wash(scene.horizon, pen.height, scene.light.sky_low, mix(scene.light.sky_low, scene.light.sky_top, 0.35))
    for number in range(9):
        y = scene.horizon + (number / 9) * (pen.height - scene.horizon) * 0.9
        _cloud(scene, scene.x(dice.random()), y, pen.height * (0.04 + 0.012 * number))
