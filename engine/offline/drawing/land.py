"""Sky, ground, hills and water: what outdoor places are made of."""

from engine.offline.drawing.colours import Colour, mix
from engine.offline.drawing.places import Scene, edge_of


def draw_sky(scene: Scene) -> None:
    """The sky down to the horizon: sun or moon, stars or clouds."""
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
        draw_cloud(
            scene,
            scene.x(dice.uniform(-0.05, 1.0)),
            scene.horizon * dice.uniform(0.1, 0.75),
            0.05 * pen.height * dice.uniform(0.6, 1.5),
        )


def draw_cloud(scene: Scene, x: float, y: float, size: float) -> None:
    """One cloud around a point, `size` pixels high."""
    colour = mix(scene.light.sky_low, (255, 255, 255), 0.5)
    lumps = [
        (dice_x * size, -scene.dice.uniform(0.1, 0.5) * size, scene.dice.uniform(0.5, 0.8) * size)
        for dice_x in (-1.3, -0.5, 0.4, 1.2)
    ]
    for across, down, radius in lumps:
        scene.pen.ellipse(x + across, y + down, radius * 1.25, radius * 0.7, colour, line=0)
    scene.pen.ellipse(x, y, 2.2 * size, 0.42 * size, colour, line=0)


def draw_ground(scene: Scene, near: Colour, far: Colour) -> None:
    """The ground from the horizon to our feet."""
    scene.pen.wash(scene.horizon, scene.pen.height, scene.tone(far, 0.2), scene.tone(near))


def draw_hills(scene: Scene, colour: Colour, rise: float, far: float, base: float | None = None) -> None:
    """A range of hills on the horizon, as high as `rise` of the picture and paled by `far`."""
    pen, dice = scene.pen, scene.dice
    base = scene.horizon if base is None else base
    tops = [(scene.x(step / 6), base - rise * pen.height * dice.uniform(0.25, 1.0)) for step in range(-1, 8)]
    tone = scene.tone(colour, far)
    line, ink = edge_of(scene, tone)
    pen.blob([*tops, (scene.x(1.4), base + 6), (scene.x(-0.4), base + 6)], tone, line=line, ink=ink)


def draw_water(scene: Scene, top: float, bottom: float) -> None:
    """Water between two heights in pixels, with the sky gleaming on it."""
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
