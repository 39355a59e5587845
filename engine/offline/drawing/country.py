"""Open country: fields, forests, shores, mountains, the sky."""

import math

from engine.offline.drawing.colours import darker, lighter, mix
from engine.offline.drawing.land import draw_cloud, draw_ground, draw_hills, draw_water
from engine.offline.drawing.pen import Point
from engine.offline.drawing.places import Scene, edge_of


def draw_plain(scene: Scene) -> None:
    """Nowhere in particular: a horizon and some ground."""
    pen, dice = scene.pen, scene.dice
    draw_hills(scene, (150, 172, 150), 0.12, 0.6)
    draw_hills(scene, (134, 162, 128), 0.06, 0.4)
    draw_ground(scene, (178, 180, 134), (196, 202, 160))
    for _ in range(9):
        _bush(scene, scene.x(dice.uniform(-0.02, 1.02)), scene.horizon + dice.uniform(0.0, 0.05) * pen.height, 0.35)
    _tree(scene, scene.x(dice.choice((0.08, 0.9))), scene.horizon + 0.08 * pen.height, 0.42 * pen.height)
    path = scene.tone((214, 200, 164))
    middle = dice.uniform(0.35, 0.65)
    run = [(middle, 0.0), (middle + 0.03, 0.14), (middle - 0.05, 0.4), (middle - 0.02, 1.1)]
    wide = (0.008, 0.02, 0.07, 0.2)
    near = pen.height - scene.horizon
    edge = [(scene.x(x - w), scene.horizon + y * near) for (x, y), w in zip(run, wide, strict=True)]
    back = [(scene.x(x + w), scene.horizon + y * near) for (x, y), w in zip(run, wide, strict=True)]
    line, ink = edge_of(scene, path)
    pen.blob([*edge, *reversed(back)], path, line=line, ink=ink)
    for _ in range(5):
        _bush(scene, scene.x(dice.choice((dice.uniform(-0.02, 0.2), dice.uniform(0.8, 1.02)))), scene.y(0.8), 0.1)
    _grass(scene, scene.horizon + 0.1 * pen.height, 40)


def _bush(scene: Scene, x: float, foot: float, far: float) -> None:
    """A low bush, smaller and paler the farther off it is (0–1)."""
    pen, dice = scene.pen, scene.dice
    leaf = scene.tone(dice.choice(((96, 140, 88), (112, 148, 84), (84, 128, 98))), far)
    line, ink = edge_of(scene, leaf)
    size = pen.height * 0.06 * (1.25 - 1.6 * far) * dice.uniform(0.8, 1.3)
    top = [(x + size * across, foot - size * dice.uniform(0.6, 1.0)) for across in (-0.9, -0.4, 0.2, 0.8)]
    pen.blob([(x - 1.4 * size, foot), *top, (x + 1.4 * size, foot)], leaf, line=line, ink=ink)


def _grass(scene: Scene, top: float, count: int) -> None:
    pen, dice, ink = scene.pen, scene.dice, scene.tone((92, 130, 74))
    for _ in range(count):
        x, y = dice.random() * pen.width, dice.uniform(top, pen.height)
        size = 0.012 * pen.height * (y / pen.height + 0.3)
        for turn in (-1, 0, 1):
            pen.stroke([(x, y), (x + turn * size, y - 1.6 * size)], line=1.4, ink=ink)


def draw_field(scene: Scene) -> None:
    """Grass, a fence, a tree."""
    pen, dice = scene.pen, scene.dice
    draw_hills(scene, (110, 150, 116), 0.14, 0.5)
    draw_hills(scene, (128, 168, 104), 0.06, 0.25)
    draw_ground(scene, (134, 172, 92), (168, 196, 118))
    _tree(scene, scene.x(dice.choice((0.1, 0.88))), scene.horizon + 0.05 * pen.height, 0.3 * pen.height)
    fence = scene.tone((206, 188, 150))
    line, ink = edge_of(scene, fence)
    y = scene.horizon + 0.1 * pen.height
    for step in range(9):
        x = scene.x(step / 8)
        pen.box(x - 3, y - 0.07 * pen.height, x + 5, y + 0.02 * pen.height, fence, line=line, ink=ink)
    for drop in (0.055, 0.02):
        pen.box(0, y - drop * pen.height - 3, pen.width, y - drop * pen.height + 4, fence, line=line, ink=ink)
    for _ in range(5):
        _bush(scene, scene.x(dice.uniform(-0.05, 1.05)), y + 0.02 * pen.height, 0.3)
    # Mown stripes lead the eye, flowers fill what a high camera sees of the ground.
    for number in range(1, 6, 2):
        share, deeper = (number / 6) ** 1.7, ((number + 1) / 6) ** 1.7
        top, low = (y + part * (pen.height - y) for part in (share, deeper))
        pen.shape([(0, top), (pen.width, top - 6), (pen.width, low + 5), (0, low)], scene.tone((146, 184, 104)), line=0)
    petals = [scene.tone(colour) for colour in ((246, 240, 226), (236, 196, 92), (206, 122, 140))]
    for _ in range(36):
        x, down = dice.random() * pen.width, dice.uniform(y + 12, pen.height)
        size = 0.0035 * pen.height * (0.5 + 1.5 * (down - y) / (pen.height - y))
        pen.stroke([(x, down), (x, down - 3 * size)], line=1.2, ink=scene.tone((92, 138, 74)))
        pen.ellipse(x, down - 3 * size, size, 0.8 * size, dice.choice(petals), line=0)
    _grass(scene, y + 0.02 * pen.height, 34)


def _tree(scene: Scene, x: float, foot: float, height: float) -> None:
    pen, dice = scene.pen, scene.dice
    bark, leaf = (
        scene.tone((126, 94, 72), 0.1),
        scene.tone(dice.choice(((96, 146, 92), (120, 156, 88), (88, 136, 108))), 0.1),
    )
    line, ink = edge_of(scene, bark)
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


def draw_forest(scene: Scene) -> None:
    """Trunks in three depths under a canopy; the middle stays free for people."""
    pen, dice = scene.pen, scene.dice
    for layer, far in enumerate((0.62, 0.4, 0.15)):
        tone = scene.tone((70, 112, 86), far)
        line, ink = edge_of(scene, tone)
        foot = scene.horizon + (0.02 + 0.05 * layer) * pen.height
        if layer == 0:
            draw_hills(scene, (70, 112, 86), 0.2, 0.66)
        if layer == 1:
            draw_ground(scene, (104, 124, 78), (136, 156, 106))
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
    for _ in range(12):
        _bush(scene, scene.x(dice.uniform(-0.05, 1.05)), scene.horizon + dice.uniform(0.03, 0.1) * pen.height, 0.25)
    # Leaves in clusters, the farther ones lower and paler.
    for low, far in ((0.3, 0.4), (0.2, 0.22), (0.11, 0.08)):
        leaf = scene.tone((84, 128, 84), far)
        line, ink = edge_of(scene, leaf)
        edge: list[Point] = []
        for step in range(-1, 18):
            down = low * scene.horizon / pen.height * dice.uniform(1.0, 1.5)
            edge += [(scene.x(step / 16), scene.y(down)), (scene.x((step + 0.5) / 16), scene.y(down * 0.72))]
        pen.blob([*edge, (scene.x(1.2), -60), (scene.x(-0.2), -60)], leaf, line=line, ink=ink)
    _grass(scene, scene.horizon + 0.1 * pen.height, 26)
    for x in (-0.02, 0.1, 0.92, 1.02):
        _bush(scene, scene.x(x), scene.y(dice.uniform(0.86, 0.98)), 0.0)


def draw_sea(scene: Scene) -> None:
    """A beach, the water, a sail."""
    pen, dice = scene.pen, scene.dice
    draw_hills(scene, (120, 140, 150), 0.06, 0.6)
    shore = scene.horizon + 0.5 * (pen.height - scene.horizon)
    draw_water(scene, scene.horizon, pen.height)
    sail_x, sail_y = scene.x(dice.uniform(0.15, 0.85)), scene.horizon + 4
    hull = scene.tone((120, 84, 70), 0.25)
    line, ink = edge_of(scene, hull)
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


def draw_mountain(scene: Scene) -> None:
    """Two ranges of peaks behind a valley."""
    pen, dice = scene.pen, scene.dice
    for far, high in ((0.6, 0.4), (0.3, 0.26)):
        stone = scene.tone((126, 132, 152), far)
        line, ink = edge_of(scene, stone)
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
    draw_hills(scene, (126, 150, 108), 0.06, 0.2)
    draw_ground(scene, (150, 156, 112), (168, 178, 132))
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


def draw_heights(scene: Scene) -> None:
    """Among the clouds."""
    pen, dice = scene.pen, scene.dice
    pen.wash(scene.horizon, pen.height, scene.light.sky_low, mix(scene.light.sky_low, scene.light.sky_top, 0.35))
    for number in range(9):
        y = scene.horizon + (number / 9) * (pen.height - scene.horizon) * 0.9
        draw_cloud(scene, scene.x(dice.random()), y, pen.height * (0.04 + 0.012 * number))
