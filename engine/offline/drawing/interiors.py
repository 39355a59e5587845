"""Indoor places: a back wall, a floor, and the furniture that says what room it is."""

from engine.offline.drawing.colours import Colour, darker, lighter, mix
from engine.offline.drawing.places import Scene, edge_of
from engine.offline.drawing.public import PUBLIC, draw_floor

_WALLS: tuple[Colour, ...] = ((222, 206, 178), (196, 206, 196), (206, 190, 190), (190, 202, 216), (226, 214, 190))


def draw_indoors(kind: str, scene: Scene) -> None:
    """An indoor place of this kind; a room when the kind is unknown."""
    if kind in PUBLIC:
        PUBLIC[kind](scene)
        return
    pen, dice = scene.pen, scene.dice
    wall = scene.tone(dice.choice(_WALLS))
    foot = scene.horizon + 0.14 * pen.height
    pen.wash(0, foot, lighter(wall, 0.06), darker(wall, 0.07))
    draw_floor(scene, foot)
    side = dice.choice((-1, 1))
    _window(scene, scene.x(0.5 + 0.3 * side), 0.16 * pen.height, foot)
    if kind == "kitchen":
        _kitchen(scene, foot, -side)
        _table(scene, foot, side)
    elif kind == "library":
        _shelves(scene, foot, -side)
    else:
        _rug(scene, foot)
        _parlour(scene, foot, -side)
        if dice.random() < 0.6:
            _table(scene, foot, side)


def _rug(scene: Scene, foot: float) -> None:
    pen, dice = scene.pen, scene.dice
    wool = scene.tone(dice.choice(((172, 92, 84), (96, 122, 150), (132, 128, 92), (146, 108, 140))))
    line, ink = edge_of(scene, wool)
    near = pen.height - foot
    for grown, colour in ((1.0, wool), (0.88, lighter(wool, 0.3)), (0.82, wool)):
        wide, deep = 0.36 * pen.width * grown, 0.3 * near * grown
        pen.ellipse(scene.x(0.5), foot + 0.55 * near, wide + line, deep + line, ink, line=0)
        pen.ellipse(scene.x(0.5), foot + 0.55 * near, wide, deep, colour, line=0)


def _table(scene: Scene, foot: float, side: int) -> None:
    """A laid table with a chair on either hand, near the wall and to one side."""
    pen = scene.pen
    wood = scene.tone((164, 118, 82))
    line, ink = edge_of(scene, wood)
    x, floor = scene.x(0.5 + 0.26 * side), foot + 0.13 * pen.height
    wide, tall = 0.13 * pen.width, 0.15 * pen.height
    for hand in (-1, 1):
        back, seat = x + hand * 1.5 * wide, floor - 0.5 * tall
        dark = darker(wood, 0.18)
        for leg in (back, back - hand * 0.4 * wide):
            pen.box(leg - 3, seat, leg + 4, floor, dark, line=line, ink=ink)
        pen.box(back - 4, seat - 0.95 * tall, back + 5, seat, dark, line=line, ink=ink)
        left, right = sorted((back + hand * 4, back - hand * 0.46 * wide))
        pen.box(left, seat - 5, right, seat + 6, lighter(wood, 0.1), line=line, ink=ink)
    for leg in (-0.86, 0.86):
        pen.box(x + leg * wide - 6, floor - tall, x + leg * wide + 6, floor, wood, line=line, ink=ink)
    cloth = scene.tone((236, 228, 212))
    deep = 0.045 * pen.height
    top = [(x - wide, floor - tall), (x - 0.86 * wide, floor - tall - deep), (x + 0.86 * wide, floor - tall - deep)]
    pen.shape([*top, (x + wide, floor - tall)], cloth, line=line, ink=ink)
    pen.box(x - wide, floor - tall, x + wide, floor - 0.78 * tall, darker(cloth, 0.08), line=line, ink=ink)
    for across, colour in ((-0.4, (188, 92, 82)), (0.36, (96, 134, 160))):
        cup = scene.tone(colour)
        base = floor - tall - 0.4 * deep
        pen.box(x + across * wide - 9, base - 20, x + across * wide + 9, base, cup, line=line, ink=darker(cup, 0.4))


def _window(scene: Scene, x: float, top: float, foot: float) -> None:
    pen = scene.pen
    wide, tall = 0.11 * pen.width, min(0.36 * pen.height, 0.62 * (foot - top))
    frame = scene.tone((240, 232, 214))
    line, ink = edge_of(scene, frame)
    pen.box(x - wide - 9, top - 9, x + wide + 9, top + tall + 9, frame, line=line, ink=ink)
    sky = mix(scene.light.sky_top, scene.light.sky_low, 0.5)
    pen.box(x - wide, top, x + wide, top + tall, sky, line=line, ink=ink)
    pen.shape(
        [
            (x - wide, top + tall),
            (x - wide, top + 0.72 * tall),
            (x - 0.2 * wide, top + 0.6 * tall),
            (x + wide, top + 0.78 * tall),
            (x + wide, top + tall),
        ],
        mix(sky, scene.tone((110, 140, 110)), 0.6),
        line=0,
    )
    if scene.light.dark:
        pen.ellipse(x + 0.4 * wide, top + 0.25 * tall, 0.13 * wide, 0.13 * wide, (240, 238, 218), line=0)
    pen.box(x - 3, top, x + 3, top + tall, frame, line=0)
    pen.box(x - wide, top + 0.46 * tall, x + wide, top + 0.46 * tall + 6, frame, line=0)
    cloth = scene.tone(scene.dice.choice(((178, 96, 88), (104, 130, 156), (150, 142, 96))))
    for side in (-1, 1):
        pen.blob(
            [
                (x + side * (wide + 22), top - 16),
                (x + side * 0.55 * wide, top - 16),
                (x + side * 0.82 * wide, top + 0.5 * tall),
                (x + side * (wide - 4), top + tall + 22),
                (x + side * (wide + 24), top + tall + 22),
            ],
            cloth,
            line=line,
            ink=darker(cloth, 0.35),
        )
    pen.box(x - wide - 36, top - 24, x + wide + 36, top - 15, scene.tone((140, 104, 78)), line=line)


def _parlour(scene: Scene, foot: float, side: int) -> None:
    pen, dice = scene.pen, scene.dice
    x = scene.x(0.5 + 0.29 * side)
    frame = scene.tone((170, 128, 82))
    line, ink = edge_of(scene, frame)
    wide, tall = 0.075 * pen.width, 0.12 * pen.height
    top = 0.2 * pen.height
    pen.box(x - wide, top, x + wide, top + tall, frame, line=line, ink=ink)
    pen.box(x - wide + 9, top + 9, x + wide - 9, top + tall - 9, scene.tone((206, 216, 204)), line=line, ink=ink)
    pen.shape(
        [
            (x - wide + 9, top + tall - 9),
            (x - 0.2 * wide, top + 0.4 * tall),
            (x + 0.3 * wide, top + 0.7 * tall),
            (x + wide - 9, top + 0.5 * tall),
            (x + wide - 9, top + tall - 9),
        ],
        scene.tone((122, 150, 132)),
        line=0,
    )
    sofa = scene.tone(dice.choice(((126, 104, 134), (92, 124, 126), (168, 106, 90))))
    width = 0.17 * pen.width
    back = foot - 0.2 * pen.height
    pen.blob(
        [
            (x - width, foot),
            (x - width, back),
            (x - 0.6 * width, back - 12),
            (x + 0.6 * width, back - 12),
            (x + width, back),
            (x + width, foot),
        ],
        sofa,
        line=line,
        ink=darker(sofa, 0.4),
    )
    pen.box(
        x - 1.05 * width,
        foot - 0.09 * pen.height,
        x + 1.05 * width,
        foot + 0.02 * pen.height,
        lighter(sofa, 0.14),
        line=line,
        ink=darker(sofa, 0.4),
    )
    lamp_x = x - side * (width + 0.07 * pen.width)
    pen.box(lamp_x - 3, foot - 0.36 * pen.height, lamp_x + 3, foot, scene.tone((98, 84, 78)), line=line)
    if scene.light.hour in ("night", "evening"):
        pen.glow(lamp_x, foot - 0.38 * pen.height, 0.24 * pen.height, (255, 226, 158), 0.75)
    shade = (252, 228, 164) if scene.light.hour in ("night", "evening") else scene.tone((236, 214, 160))
    size = 0.04 * pen.height
    pen.shape(
        [
            (lamp_x - size, foot - 0.34 * pen.height),
            (lamp_x - 0.55 * size, foot - 0.42 * pen.height),
            (lamp_x + 0.55 * size, foot - 0.42 * pen.height),
            (lamp_x + size, foot - 0.34 * pen.height),
        ],
        shade,
        line=line,
    )


def _kitchen(scene: Scene, foot: float, side: int) -> None:
    pen, dice = scene.pen, scene.dice
    front = scene.tone(dice.choice(((150, 172, 160), (202, 178, 140), (166, 180, 196))))
    line, ink = edge_of(scene, front)
    height = 0.2 * pen.height
    pen.box(-5, foot - height, pen.width + 5, foot + 4, front, line=line, ink=ink)
    for step in range(7):
        x = scene.x(step / 6.5)
        pen.box(
            x + 8,
            foot - height + 0.035 * pen.height,
            x + 0.14 * pen.width,
            foot - 8,
            lighter(front, 0.1),
            line=line,
            ink=ink,
        )
        pen.ellipse(x + 0.12 * pen.width, foot - 0.5 * height, 4, 4, scene.tone((224, 190, 110)), line=line)
    top = scene.tone((232, 222, 206))
    pen.box(-5, foot - height - 9, pen.width + 5, foot - height + 9, top, line=line, ink=darker(top, 0.35))
    shelf = 0.3 * pen.height
    left, right = sorted((scene.x(0.5 + 0.08 * side), scene.x(0.5 + 0.45 * side)))
    pen.box(left, shelf, right, shelf + 9, scene.tone((160, 120, 86)), line=line)
    x = left + 22
    while x < right - 22:
        tone = scene.tone(dice.choice(((196, 106, 86), (226, 196, 120), (122, 156, 166), (236, 230, 216))))
        tall, wide = dice.uniform(0.035, 0.075) * pen.height, dice.uniform(11, 20)
        pen.box(x - wide / 2, shelf - tall, x + wide / 2, shelf, tone, line=line, ink=darker(tone, 0.4))
        x += wide + dice.uniform(8, 22)
    pot_x = scene.x(0.5 + 0.3 * side)
    pot = scene.tone((176, 96, 74))
    base = foot - height - 9
    pen.blob(
        [(pot_x - 34, base), (pot_x - 38, base - 40), (pot_x + 38, base - 40), (pot_x + 34, base)],
        pot,
        line=line,
        ink=darker(pot, 0.4),
    )
    for rise in (0, 1):
        sx = pot_x - 10 + 20 * rise
        pen.stroke(
            [(sx, base - 56), (sx + 9, base - 76), (sx - 5, base - 96), (sx + 6, base - 114)],
            line=2.4,
            ink=lighter(scene.tone((230, 226, 214)), 0.3),
        )


def _shelves(scene: Scene, foot: float, side: int) -> None:
    pen, dice = scene.pen, scene.dice
    wood = scene.tone((146, 108, 78))
    line, ink = edge_of(scene, wood)
    left, right = sorted((scene.x(0.5 - 0.02 * side), scene.x(0.5 + 0.47 * side)))
    top, rows = 0.1 * pen.height, 4
    pen.box(left, top, right, foot, wood, line=line, ink=ink)
    each = (foot - top - 14) / rows
    spines = ((176, 74, 66), (84, 118, 150), (206, 166, 84), (102, 136, 102), (138, 104, 142), (222, 210, 182))
    for row in range(rows):
        y = top + 12 + row * each
        pen.box(left + 12, y, right - 12, y + each - 12, darker(wood, 0.3), line=line, ink=ink)
        x = left + 14
        while x < right - 30:
            wide, tall = dice.uniform(11, 25), dice.uniform(0.62, 0.92) * (each - 12)
            if dice.random() < 0.1:
                x += 24
                continue
            tone = scene.tone(dice.choice(spines))
            pen.box(
                x,
                y + each - 12 - tall,
                min(x + wide, right - 14),
                y + each - 12,
                tone,
                line=line,
                ink=darker(tone, 0.4),
            )
            x += wide
