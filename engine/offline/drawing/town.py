"""Places that people built: streets, stations, harbours, ships."""

from engine.offline.drawing.colours import Colour, darker, lighter, mix
from engine.offline.drawing.land import draw_ground, draw_hills, draw_water
from engine.offline.drawing.pen import Point
from engine.offline.drawing.places import Scene, edge_of


def draw_street(scene: Scene) -> None:
    """Houses on both sides, running to one vanishing point."""
    pen, dice = scene.pen, scene.dice
    middle = scene.x(dice.uniform(0.42, 0.58))
    draw_ground(scene, (172, 164, 156), (190, 184, 176))
    walls = ((206, 170, 140), (188, 196, 190), (222, 204, 164), (178, 148, 138), (168, 182, 200), (214, 186, 174))
    lit = (252, 222, 138)
    for side in (-1, 1):
        reach = middle if side < 0 else pen.width - middle
        near = 1.0
        while near > 0.14:
            far = near * dice.uniform(0.6, 0.72)
            wall = scene.tone(dice.choice(walls), 0.5 * (1 - near))
            line, ink = edge_of(scene, wall)
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
    line, ink = edge_of(scene, scene.tone((172, 164, 156)))
    faint, near = mix(ink, scene.tone((190, 184, 176)), 0.6), pen.height - scene.horizon
    for side in (-1, 1):
        kerb = [(middle + side * 0.02 * pen.width, scene.horizon), (middle + side * 0.62 * pen.width, pen.height)]
        pen.stroke(kerb, line=line * 1.2, ink=faint)
    # Joints of the paving, longer the nearer they are; lines from edge to edge would be stairs.
    for step in range(1, 11):
        depth = (step / 11) ** 2
        for _ in range(3 + step // 3):
            x, long = dice.random() * pen.width, (0.03 + 0.09 * depth) * pen.width
            y = scene.horizon + near * depth
            pen.stroke([(x, y), (x + long, y)], line=line * 0.8, ink=faint)
            pen.stroke(
                [(x, y), (x + 1.2 * depth * (x - middle) * 0.12, y + 0.06 * near * depth)], line=line * 0.8, ink=faint
            )
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


def draw_station(scene: Scene) -> None:
    """A train at its platform."""
    pen, dice = scene.pen, scene.dice
    draw_hills(scene, (130, 140, 140), 0.08, 0.5)
    draw_ground(scene, (178, 172, 164), (192, 188, 182))
    floor = scene.horizon + 0.2 * (pen.height - scene.horizon)
    train = scene.tone(dice.choice(((164, 72, 66), (70, 112, 134), (88, 124, 96))), 0.08)
    line, ink = edge_of(scene, train)
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


def draw_harbour(scene: Scene) -> None:
    """A pier, the water, a lighthouse."""
    pen, dice = scene.pen, scene.dice
    draw_hills(scene, (112, 130, 140), 0.1, 0.55)
    side = dice.choice((-1, 1))
    x = scene.x(0.5 + 0.34 * side)
    foot, top = scene.horizon + 2, scene.horizon - 0.3 * pen.height
    tower = scene.tone((236, 230, 216), 0.15)
    line, ink = edge_of(scene, tower)
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
    draw_water(scene, scene.horizon, pen.height)
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


def draw_ship(scene: Scene) -> None:
    """The deck of a ship under sail."""
    pen, dice = scene.pen, scene.dice
    draw_water(scene, scene.horizon, pen.height)
    deck = scene.horizon + 0.36 * (pen.height - scene.horizon)
    _planks(scene, deck, (186, 150, 110))
    wood = scene.tone((140, 100, 74))
    line, ink = edge_of(scene, wood)
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


def draw_rooftop(scene: Scene) -> None:
    """A flat roof behind a parapet, above the roofs and lit windows of a city."""
    pen, dice = scene.pen, scene.dice
    edge = scene.horizon + 0.26 * (pen.height - scene.horizon)
    for far in (0.6, 0.3):
        x = -0.05
        while x < 1.05:
            wide, tall = dice.uniform(0.08, 0.16), dice.uniform(0.05, 0.24) * (1.4 - far)
            wall = scene.tone(dice.choice(((168, 148, 142), (142, 150, 166), (186, 170, 146))), far)
            line, ink = edge_of(scene, wall)
            top = scene.horizon - tall * pen.height + 0.1 * (1 - far) * pen.height
            pen.box(scene.x(x), top, scene.x(x + wide), edge + 9, wall, line=line, ink=ink)
            for row in range(3):
                for column in range(3):
                    lit = scene.light.hour in ("night", "evening") and dice.random() < 0.5
                    glass = (250, 222, 140) if lit else darker(wall, 0.16)
                    left = scene.x(x + wide * (0.16 + 0.26 * column))
                    down = top + (0.025 + 0.05 * row) * pen.height
                    pen.box(left, down, left + 0.16 * wide * pen.width, down + 0.026 * pen.height, glass, line=0)
            x += wide + dice.uniform(-0.01, 0.03)
    floor = scene.tone((168, 162, 158))
    pen.wash(edge, pen.height, lighter(floor, 0.1), darker(floor, 0.1))
    line, ink = edge_of(scene, floor)
    pen.box(-5, edge - 0.05 * pen.height, pen.width + 5, edge + 0.012 * pen.height, floor, line=line, ink=ink)
    pen.box(-5, edge - 0.064 * pen.height, pen.width + 5, edge - 0.044 * pen.height, lighter(floor, 0.2), line=line)
    side = dice.choice((0.14, 0.8))
    stack = scene.tone((170, 104, 86))
    line, ink = edge_of(scene, stack)
    pen.box(scene.x(side), edge - 0.24 * pen.height, scene.x(side + 0.09), edge + 0.1 * pen.height, stack, line=line)
    for drop in (0.17, 0.1, 0.03):
        y = edge - drop * pen.height
        pen.stroke([(scene.x(side), y), (scene.x(side + 0.09), y)], line=line, ink=ink)


def _planks(scene: Scene, top: float, colour: Colour) -> None:
    pen = scene.pen
    wood = scene.tone(colour)
    line, ink = edge_of(scene, wood)
    pen.wash(top, pen.height, lighter(wood, 0.12), darker(wood, 0.12))
    middle = pen.width / 2
    for step in range(-14, 15):
        pen.stroke(
            [(middle + step * 0.045 * pen.width, top), (middle + step * 0.16 * pen.width, pen.height)],
            line=line,
            ink=ink,
        )
    pen.stroke([(0, top), (pen.width, top)], line=2 * line, ink=ink)
