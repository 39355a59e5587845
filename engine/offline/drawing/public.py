"""Indoor places that belong to nobody: classroom, shop, church, cave, train, hospital ward, spaceship."""

from collections.abc import Callable

from engine.offline.drawing.colours import Colour, darker, lighter, mix
from engine.offline.drawing.pen import Point
from engine.offline.drawing.places import Scene, edge_of


def draw_floor(scene: Scene, foot: float) -> None:
    pen = scene.pen
    wood = scene.tone((178, 142, 108))
    line, ink = edge_of(scene, wood)
    pen.wash(foot, pen.height, lighter(wood, 0.1), darker(wood, 0.1))
    for step in range(-10, 11):
        x = pen.width / 2
        pen.stroke(
            [(x + 0.07 * step * pen.width, foot), (x + 0.22 * step * pen.width, pen.height)],
            line=line,
            ink=mix(ink, wood, 0.45),
        )
    board = scene.tone((232, 222, 202))
    pen.box(-5, foot - 0.028 * pen.height, pen.width + 5, foot, board, line=line, ink=darker(board, 0.35))


def _wall(scene: Scene, colour: Colour) -> float:
    """The back wall and the floor; returns where they meet."""
    wall, foot = scene.tone(colour), scene.horizon + 0.14 * scene.pen.height
    scene.pen.wash(0, foot, lighter(wall, 0.06), darker(wall, 0.08))
    draw_floor(scene, foot)
    return foot


def _thing(scene: Scene, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
    """An upright rectangle in shares of the width and pixels of the height."""
    line, ink = edge_of(scene, colour)
    scene.pen.box(scene.x(left), top, scene.x(right), bottom, colour, line=line, ink=ink)


def _sky(scene: Scene) -> Colour:
    return mix(scene.light.sky_top, scene.light.sky_low, 0.5)


def draw_classroom(scene: Scene) -> None:
    """A blackboard, windows, two rows of desks."""
    pen = scene.pen
    foot = _wall(scene, (222, 212, 184))
    tall = 0.5 * foot
    _thing(scene, 0.28, 0.3 * foot, 0.76, 0.3 * foot + tall, scene.tone((158, 116, 80)))
    _thing(scene, 0.295, 0.32 * foot, 0.745, 0.28 * foot + tall, scene.tone((58, 92, 80)))
    chalk = scene.tone((214, 224, 214))
    for row in range(4):
        y = (0.4 + 0.09 * row) * foot
        pen.stroke([(scene.x(0.33), y), (scene.x(0.4), y - 4), (scene.x(0.5 + 0.05 * (row % 3)), y)], ink=chalk)
    for left in (0.03, 0.85):
        _thing(scene, left, 0.24 * foot, left + 0.13, 0.72 * foot, scene.tone((238, 232, 216)))
        _thing(scene, left + 0.012, 0.26 * foot, left + 0.118, 0.7 * foot, _sky(scene))
    wood = scene.tone((192, 146, 98))
    for depth, rise in ((0.05, 0.0), (0.17, 0.06)):
        for number in range(5):
            left = -0.04 + 0.225 * number - rise * 0.4
            top = foot + (depth - 0.02) * pen.height
            for leg in (0.015, 0.14):
                low = top + (0.1 + rise) * pen.height
                _thing(scene, left + leg, top, left + leg + 0.012, low, darker(wood, 0.35))
            _thing(scene, left, top - 0.03 * pen.height, left + 0.165 + rise * 0.3, top + 0.012 * pen.height, wood)


def draw_shop(scene: Scene) -> None:
    """Shelves of goods behind a counter."""
    pen, dice = scene.pen, scene.dice
    foot = _wall(scene, (214, 196, 164))
    wood = scene.tone((152, 110, 78))
    goods = ((196, 92, 78), (92, 132, 160), (214, 174, 88), (112, 146, 108), (230, 222, 200), (146, 110, 150))
    for row in range(4):
        y = (0.3 + 0.17 * row) * foot
        _thing(scene, -0.02, y, 1.02, y + 0.02 * foot, wood)
        x = 0.01
        while x < 0.97:
            wide, tall = dice.uniform(0.018, 0.045), dice.uniform(0.06, 0.12) * foot
            tone = scene.tone(dice.choice(goods), 0.1)
            if dice.random() < 0.35:
                pen.ellipse(scene.x(x + wide / 2), y - tall / 2, wide * pen.width / 2, tall / 2, tone, line=1.2)
            else:
                _thing(scene, x, y - tall, x + wide, y, tone)
            x += wide + dice.uniform(0.004, 0.02)
    top = foot - 0.06 * pen.height
    _thing(scene, -0.02, top, 1.02, foot + 0.1 * pen.height, scene.tone((170, 124, 84)))
    for number in range(7):
        left = 0.02 + 0.145 * number
        _thing(scene, left, top + 0.03 * pen.height, left + 0.12, foot + 0.08 * pen.height, scene.tone((184, 138, 96)))
    _thing(scene, -0.02, top - 0.02 * pen.height, 1.02, top + 0.014 * pen.height, scene.tone((216, 178, 132)))


def draw_church(scene: Scene) -> None:
    """Columns, pointed windows of coloured glass, pews towards an altar."""
    pen, dice = scene.pen, scene.dice
    foot = _wall(scene, (206, 198, 188))
    glass = ((188, 92, 84), (92, 124, 172), (216, 178, 92), (104, 150, 116))
    line, ink = edge_of(scene, scene.tone((170, 162, 156)))
    for number, middle in enumerate((0.2, 0.5, 0.8)):
        wide, top, low = 0.07 if number != 1 else 0.1, 0.12 * foot, (0.68 if number != 1 else 0.74) * foot
        arch: list[Point] = [
            (scene.x(middle - wide), low),
            (scene.x(middle - wide), top + 0.26 * foot),
            (scene.x(middle - 0.6 * wide), top + 0.1 * foot),
            (scene.x(middle), top),
            (scene.x(middle + 0.6 * wide), top + 0.1 * foot),
            (scene.x(middle + wide), top + 0.26 * foot),
            (scene.x(middle + wide), low),
        ]
        pen.shape(arch, mix(_sky(scene), (255, 255, 255), 0.2), line=2 * line, ink=ink)
        for row in range(4):
            for column in range(3):
                left = middle + wide * (-0.84 + 0.58 * column)
                y = top + (0.28 + 0.08 * row) * foot
                _thing(scene, left, y, left + 0.5 * wide, y + 0.065 * foot, scene.tone(dice.choice(glass), 0.1))
    stone = scene.tone((188, 180, 172))
    for left in (0.04, 0.32, 0.64, 0.92):
        _thing(scene, left, -5, left + 0.045, foot + 0.03 * pen.height, stone)
        _thing(scene, left - 0.012, foot, left + 0.057, foot + 0.04 * pen.height, lighter(stone, 0.12))
    wood = scene.tone((136, 96, 70))
    for row in range(3):
        top = foot + (0.05 + 0.11 * row) * pen.height
        for left, right in ((-0.05, 0.34 - 0.05 * row), (0.66 + 0.05 * row, 1.05)):
            _thing(scene, left, top, right, top + (0.075 + 0.02 * row) * pen.height, lighter(wood, 0.05 * row))


def draw_cave(scene: Scene) -> None:
    """Rock in three depths around a dark middle, and one torch."""
    pen, dice = scene.pen, scene.dice
    for layer, far in enumerate((0.0, 0.35, 0.7)):
        rock = mix(scene.light.on((62, 60, 74)), scene.light.on((140, 130, 128)), far)
        line, ink = edge_of(scene, rock)
        if not layer:
            pen.wash(0, pen.height, darker(rock, 0.3), rock)
            continue
        reach = 0.36 - 0.13 * layer
        for side in (-1, 1):
            wall = [
                (scene.x(0.5 + side * (reach + 0.1 * layer + dice.uniform(0.0, 0.12))), scene.y(step / 7))
                for step in range(-1, 8)
            ]
            # Higher up the walls close in, as a vault does.
            wall = [(x - side * max(0.0, 0.3 * pen.height - y) * 0.6, y) for x, y in wall]
            outside = scene.x(0.5 + side * 0.75)
            pen.blob([*wall, (outside, scene.y(1.2)), (outside, scene.y(-0.2))], rock, line=line, ink=ink)
        teeth: list[Point] = []
        for step in range(15):
            drop = dice.uniform(0.1, 0.26) if step % 2 else dice.uniform(0.0, 0.05)
            teeth.append((scene.x(step / 14), drop * (1.3 - 0.4 * layer) * pen.height))
        pen.shape([(-20, -20), *teeth, (pen.width + 20, -20)], rock, line=line, ink=ink)
    floor = scene.light.on((126, 116, 112))
    pen.wash(scene.horizon + 0.06 * pen.height, pen.height, darker(floor, 0.4), floor)
    x, y = scene.x(dice.choice((0.16, 0.84))), 0.45 * pen.height
    pen.glow(x, y, 0.34 * pen.height, (255, 196, 110), 0.8)
    pen.limb([(x, y + 0.09 * pen.height), (x, y)], [9, 12], scene.light.on((120, 84, 60)), line=1.2)
    pen.blob([(x - 13, y), (x - 4, y - 26), (x + 3, y - 44), (x + 13, y - 4), (x, y + 8)], (255, 214, 120), line=1.2)


def draw_carriage(scene: Scene) -> None:
    """Inside a train: windows with the country passing, seats, a luggage rack."""
    pen, dice = scene.pen, scene.dice
    foot = _wall(scene, (204, 190, 162))
    for number in range(4):
        left = 0.02 + 0.25 * number
        _thing(scene, left, 0.27 * foot, left + 0.21, 0.7 * foot, scene.tone((120, 84, 62)))
        _thing(scene, left + 0.012, 0.29 * foot, left + 0.198, 0.68 * foot, _sky(scene))
        hill = [(scene.x(left + 0.012 + 0.062 * step), (0.54 + dice.uniform(-0.06, 0.06)) * foot) for step in range(4)]
        field = [*hill, (scene.x(left + 0.198), 0.68 * foot), (scene.x(left + 0.012), 0.68 * foot)]
        pen.shape(field, scene.tone((126, 158, 112), 0.2), line=0)
    _thing(scene, -0.02, 0.13 * foot, 1.02, 0.16 * foot, scene.tone((146, 112, 80)))
    for left in (0.08, 0.4, 0.71):
        tone = scene.tone(dice.choice(((142, 96, 70), (96, 116, 108), (168, 136, 88))))
        _thing(scene, left, 0.04 * foot, left + dice.uniform(0.09, 0.15), 0.13 * foot, tone)
    cloth = scene.tone(dice.choice(((132, 70, 74), (72, 102, 118), (92, 112, 84))))
    for left in (-0.06, 0.19, 0.69, 0.94):
        _thing(scene, left, foot - 0.17 * pen.height, left + 0.15, foot + 0.03 * pen.height, cloth)
        low = foot + 0.06 * pen.height
        _thing(scene, left - 0.01, foot - 0.05 * pen.height, left + 0.16, low, lighter(cloth, 0.12))


def draw_ward(scene: Scene) -> None:
    """Beds in a row, curtains, a drip."""
    pen = scene.pen
    foot = _wall(scene, (206, 222, 218))
    for number in range(3):
        left = 0.03 + 0.36 * number
        _thing(scene, left + 0.03, 0.26 * foot, left + 0.17, 0.58 * foot, _sky(scene))
        _thing(scene, left + 0.2, 0.16 * foot, left + 0.27, foot, scene.tone((168, 204, 196)))
        head = scene.tone((196, 204, 208))
        _thing(scene, left - 0.01, foot - 0.16 * pen.height, left + 0.004, foot + 0.08 * pen.height, head)
        _thing(
            scene, left, foot - 0.06 * pen.height, left + 0.25, foot + 0.03 * pen.height, scene.tone((244, 244, 240))
        )
        low = foot + 0.04 * pen.height
        _thing(scene, left + 0.08, foot - 0.065 * pen.height, left + 0.255, low, scene.tone((146, 178, 198)))
        _thing(scene, left + 0.01, foot - 0.1 * pen.height, left + 0.075, foot - 0.055 * pen.height, (250, 250, 248))
        x = scene.x(left + 0.29)
        pen.stroke(
            [(x, foot - 0.3 * pen.height), (x, foot + 0.06 * pen.height)], line=3, ink=scene.tone((150, 158, 164))
        )
        pen.box(x - 9, foot - 0.3 * pen.height, x + 9, foot - 0.23 * pen.height, scene.tone((220, 234, 238)), line=1.2)


def draw_spaceship(scene: Scene) -> None:
    """Inside a ship between the stars: ribs, pipes, a wide window, consoles that glow."""
    pen, dice = scene.pen, scene.dice
    foot = _wall(scene, (150, 162, 172))
    plate = scene.tone((126, 138, 150))
    line, ink = edge_of(scene, plate)
    pen.wash(foot, pen.height, lighter(plate, 0.05), darker(plate, 0.25))
    for step in range(-6, 7):
        lines = [(pen.width / 2 + 0.1 * step * pen.width, foot), (pen.width / 2 + 0.3 * step * pen.width, pen.height)]
        pen.stroke(lines, line=line, ink=mix(ink, plate, 0.45))
    window = [(0.3, 0.2), (0.7, 0.2), (0.75, 0.32), (0.7, 0.6), (0.3, 0.6), (0.25, 0.32)]
    pen.shape([(scene.x(x), y * foot) for x, y in window], scene.tone((92, 104, 116)), line=line * 2, ink=ink)
    space: Colour = (18, 22, 44)
    pen.shape([(scene.x(0.5 + 0.94 * (x - 0.5)), (0.4 + 0.9 * (y - 0.4)) * foot) for x, y in window], space, line=0)
    for _ in range(46):
        x, y = scene.x(dice.uniform(0.31, 0.69)), dice.uniform(0.23, 0.57) * foot
        size = dice.uniform(0.6, 2.2) * pen.height / 900
        pen.box(x - size, y - size, x + size, y + size, (236, 238, 250), line=0)
    for left in (0.02, 0.16, 0.8, 0.94):
        _thing(scene, left, 0, left + 0.04, foot, scene.tone((108, 120, 132)))
    for top in (0.05, 0.1):
        _thing(scene, -0.02, top * foot, 1.02, (top + 0.025) * foot, scene.tone((168, 146, 104)))
    for left in (0.06, 0.3, 0.56, 0.78):
        _thing(scene, left, foot - 0.13 * pen.height, left + 0.17, foot + 0.01 * pen.height, scene.tone((86, 98, 112)))
        for number in range(5):
            lamp: Colour = dice.choice(((120, 230, 190), (250, 190, 90), (240, 110, 100), (130, 190, 250)))
            x = left + 0.02 + 0.03 * number
            _thing(scene, x, foot - 0.1 * pen.height, x + 0.014, foot - 0.085 * pen.height, lamp)
        screen = scene.tone((60, 132, 140))
        _thing(scene, left + 0.02, foot - 0.07 * pen.height, left + 0.15, foot - 0.02 * pen.height, screen)


PUBLIC: dict[str, Callable[[Scene], None]] = {
    "spaceship": draw_spaceship,
    "classroom": draw_classroom,
    "shop": draw_shop,
    "church": draw_church,
    "cave": draw_cave,
    "carriage": draw_carriage,
    "ward": draw_ward,
}
