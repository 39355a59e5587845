"""Inserts: one thing seen near, in a hand when somebody is on stage."""

from engine.offline.drawing.colours import Light, darker, lighter
from engine.offline.drawing.dice import Dice
from engine.offline.drawing.look import look_of
from engine.offline.drawing.pen import Pen, Spot
from engine.offline.drawing.things import draw_thing
from models.story import Box, PanelData


def draw_still(panel: PanelData, kind: str, width: int, height: int, dice: Dice, light: Light) -> tuple[Pen, list[Box]]:
    """A thing of this kind on a table in this light; the canvas, and the hand in it."""
    wood = light.on(dice.choice(((176, 138, 104), (150, 122, 110), (134, 146, 140))))
    pen = Pen(width, height, wood, inked=light.inked)
    pen.wash(0, height, lighter(wood, 0.18), darker(wood, 0.12))
    unit = min(width, height)
    lean = dice.choice((-1, 1)) * dice.uniform(0.0, 0.3)
    for step in range(-4, 12):
        y = height * step / 7
        pen.stroke([(0, y), (width, y + lean * width)], line=max(1.0, unit / 600), ink=darker(wood, 0.3))
    x, y = width * dice.uniform(0.36, 0.64), height * dice.uniform(0.58, 0.66)
    pen.glow(x, y - 0.05 * unit, 0.62 * unit, lighter(light.on((255, 240, 206)), 0.2), 0.55)
    pen.line = max(1.4, unit / 260)
    size = dice.uniform(0.18, 0.26) * unit
    pen.ellipse(x + 0.1 * size, y + 0.86 * size, 1.2 * size, 0.22 * size, darker(wood, 0.4), line=0)
    draw_thing(kind, pen, Spot(x, y, size), light)
    side = 1 if kind in ("blade", "cup") else dice.choice((-1, 1))
    return pen, _hand(pen, panel, Spot(x, y, size), light, side)


def draw_reach(pen: Pen, panel: PanelData, dice: Dice, light: Light) -> list[Box]:
    """A hand before the place, where nothing that can be drawn is named: a wrong thing would tell another story."""
    size = dice.uniform(0.18, 0.24) * min(pen.width, pen.height)
    pen.line = max(1.4, min(pen.width, pen.height) / 260)
    spot = Spot(pen.width * dice.uniform(0.42, 0.58), pen.height * dice.uniform(0.58, 0.64), size)
    return _hand(pen, panel, spot, light, dice.choice((-1, 1)))


def _hand(pen: Pen, panel: PanelData, at: Spot, light: Light, side: int) -> list[Box]:
    """The hand of the first person on stage, from this side; animals have none."""
    who = next((one for one in panel.characters if look_of(one).creature is None), None)
    if who is None:
        return []
    x, y, size, width, height = at.x, at.y, at.size, pen.width, pen.height
    look = look_of(who)
    skin, sleeve = light.on_figure(look.skin), light.on_figure(look.top)
    wrist = (x + side * 1.75 * size, y + 0.95 * size)
    palm = (x + side * 1.12 * size, y + 0.5 * size)
    start = (x + side * 3.6 * size, y + 2.5 * size)
    for number in range(4):
        knuckle = (palm[0] - side * 0.2 * size, palm[1] - (0.42 - 0.24 * number) * size)
        tip = (knuckle[0] - side * (0.52 - 0.04 * abs(number - 1)) * size, knuckle[1] + 0.08 * size)
        pen.limb([palm, knuckle, tip], [0.3 * size, 0.25 * size, 0.2 * size], skin)
    pen.limb([wrist, palm], [0.5 * size, 0.74 * size], skin)
    pen.limb(
        [(palm[0] + side * 0.1 * size, palm[1] - 0.1 * size), (palm[0] - side * 0.3 * size, palm[1] - 0.62 * size)],
        [0.3 * size, 0.22 * size],
        skin,
    )
    pen.limb([wrist, start], [0.86 * size, 1.15 * size], sleeve)
    cuff = lighter(sleeve, 0.25)
    pen.limb(
        [
            (wrist[0] - side * 0.05 * size, wrist[1] - 0.04 * size),
            (wrist[0] + side * 0.16 * size, wrist[1] + 0.12 * size),
        ],
        [0.92 * size, 0.94 * size],
        cuff,
    )
    left, right = min(palm[0] - 0.9 * size, wrist[0]), max(palm[0] + 0.9 * size, wrist[0])
    top, bottom = palm[1] - 0.7 * size, palm[1] + 0.6 * size
    left, right = max(left / width, 0.0), min(right / width, 1.0)
    top, bottom = max(top / height, 0.0), min(bottom / height, 1.0)
    return [
        Box(
            kind="hand",
            name=who.name,
            x=round(left, 4),
            y=round(top, 4),
            width=round(right - left, 4),
            height=round(bottom - top, 4),
        )
    ]
