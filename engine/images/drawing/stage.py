"""Stages a panel: where the camera stands, who stands where, whom they look at, and what they feel.

The upper third stays calm, because that is where balloons go. Who speaks first stands left, so that tails need not
cross. The place comes from dice of the place, so it stays the same place; the view of it comes from the seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from engine.images.drawing.acting import expression_of, pose_of
from engine.images.drawing.colours import Light, light_of, mix
from engine.images.drawing.dice import Dice, dice_for
from engine.images.drawing.face import Head
from engine.images.drawing.figure import Drawn, draw_figure, draw_from_behind, height_of
from engine.images.drawing.look import Look, look_of
from engine.images.drawing.outdoors import draw_outdoors
from engine.images.drawing.pen import SCALE, Pen
from engine.images.drawing.places import INDOORS, Scene, kind_of
from engine.images.drawing.rooms import draw_indoors
from engine.images.drawing.still import draw_still
from engine.images.drawing.weather import draw_fall, draw_haze, kinds_of
from models.story import Box, PanelData, Profile, Shot

# How much nearer than the whole place the camera sees its backdrop.
_ZOOM = {Shot.ESTABLISHING: 1.05, Shot.WIDE: 1.1, Shot.MEDIUM: 1.3, Shot.OVER_THE_SHOULDER: 1.45, Shot.CLOSE_UP: 1.9}
_PER_ROW = 9


@dataclass(frozen=True)
class _Actor:
    profile: Profile
    look: Look
    head: Head
    from_behind: bool = False


def draw_panel(panel: PanelData, width: int, height: int, seed: int) -> tuple[Image.Image, list[Box]]:
    """The picture of a panel (RGB, `width` × `height`) and what is where in it."""
    dice = dice_for("view", seed)
    light = light_of(panel.time, panel.weather)
    if panel.shot is Shot.INSERT:
        return draw_still(panel, width, height, dice, light)
    place = kind_of(panel.place, panel.description)
    pen = _backdrop(panel, place, width, height, dice, light)
    kinds = kinds_of(panel.weather) if place not in INDOORS else set()
    draw_haze(pen, kinds, light, 0.5 * height)
    pen.line = max(1.2, height / 430)
    boxes: list[Box] = []
    actors = _cast(panel, width, height, dice)
    for actor in sorted(actors, key=lambda each: (each.from_behind, each.head.size)):
        drawn = _draw(pen, actor, panel, seed, light, height)
        boxes += _boxes(actor.profile.name, drawn, width, height)
    draw_fall(pen, kinds, light, dice)
    return pen.finished(), boxes


def _backdrop(panel: PanelData, place: str, width: int, height: int, dice: Dice, light: Light) -> Pen:
    low, high = {Shot.ESTABLISHING: (0.42, 0.56), Shot.WIDE: (0.5, 0.62)}.get(panel.shot, (0.52, 0.68))
    horizon = height * dice.uniform(low, high)
    pen = Pen(width, height, light.sky_low)
    pen.line = max(1.0, height / 850)
    scene = Scene(pen, light, dice_for(place, panel.place.casefold()), horizon)
    if place in INDOORS:
        draw_indoors(place, scene)
    else:
        draw_outdoors(place, scene)
    zoom = _ZOOM[panel.shot] * dice.uniform(1.0, 1.12)
    seen_width, seen_height = pen.image.width / zoom, pen.image.height / zoom
    left = dice.random() * (pen.image.width - seen_width)
    top = min(max(horizon * SCALE - seen_height * 0.62, 0.0), pen.image.height - seen_height)
    if panel.shot in (Shot.ESTABLISHING, Shot.WIDE):
        top = pen.image.height - seen_height
    pen.replace(
        pen.image.resize(
            pen.image.size, Image.Resampling.BILINEAR, box=(left, top, left + seen_width, top + seen_height)
        )
    )
    if panel.shot in (Shot.CLOSE_UP, Shot.OVER_THE_SHOULDER, Shot.MEDIUM):
        # A near camera loses the distance: a paler backdrop lets the people stand out.
        pen.veil(mix(light.sky_low, light.on((240, 234, 224)), 0.5), 0.42 if panel.shot is Shot.CLOSE_UP else 0.24)
    return pen


def _cast(panel: PanelData, width: int, height: int, dice: Dice) -> list[_Actor]:
    spoken = [line.speaker.strip().casefold() for line in panel.dialogue]
    names = list(enumerate(panel.characters))
    order = sorted(names, key=lambda pair: _first(pair[1].name.strip().casefold(), spoken))
    people = [profile for _, profile in order]
    looks = [look_of(profile) for profile in people]
    if not people:
        return []
    size = min(height, 1.25 * width)
    wordy = sum(len(line.text) for line in panel.dialogue) > 140 or len(panel.dialogue) > 2
    if panel.shot is Shot.CLOSE_UP:
        lead = next(at for at, profile in enumerate(people) if profile is panel.characters[0])
        return _close(people, looks, lead, size, width, height, dice, wordy)
    if panel.shot is Shot.OVER_THE_SHOULDER and len(people) > 1:
        return _over_shoulder(people, looks, size, width, height, dice)
    unit, feet = {
        Shot.ESTABLISHING: (0.044 * size, 0.93 * height),
        Shot.WIDE: (0.062 * size, 0.955 * height),
    }.get(panel.shot, (0.118 * size, 0.0))
    if wordy:
        unit *= 0.92
    return _rows(people, looks, unit, feet, width, height, dice, panel.shot)


def _first(name: str, spoken: Sequence[str]) -> int:
    return spoken.index(name) if name in spoken else len(spoken)


def _rows(
    people: Sequence[Profile],
    looks: Sequence[Look],
    unit: float,
    feet: float,
    width: int,
    height: int,
    dice: Dice,
    shot: Shot,
) -> list[_Actor]:
    """People side by side, in as many rows as a crowd needs, the back rows higher and smaller."""
    count = len(people)
    rows = -(-count // _PER_ROW)
    actors: list[_Actor] = []
    for row in range(rows):
        part = range(row * count // rows, (row + 1) * count // rows)
        here = len(part)
        depth = rows - 1 - row
        half = min(unit, 0.9 * width / (here * (3.1 if shot is not Shot.ESTABLISHING else 3.4))) * 0.86**depth
        span = min(0.8 * width, here * half * (7.0 if shot is Shot.ESTABLISHING else 5.6 if shot is Shot.WIDE else 4.6))
        centre = width * (0.5 + dice.uniform(-0.5, 0.5) * max(0.0, 0.86 - span / width) * (0.7 if count > 1 else 0.5))
        for place, at in enumerate(part):
            across = (place + 0.5) / here - 0.5
            x = centre + across * span + dice.uniform(-0.16, 0.16) * half
            grown = height_of(looks[at])
            if feet:
                y = feet - depth * 1.2 * half - grown * half
            else:
                y = 0.36 * height + 1.12 * half + (8.4 - grown) * 0.34 * half - depth * 0.9 * half
                y = max(y, 0.2 * height)
            actors.append(_Actor(people[at], looks[at], Head(x, y, half, 0.0)))
    return _turned(actors if feet else _grounded(actors, height), dice, width)


def _grounded(actors: list[_Actor], height: int) -> list[_Actor]:
    """People framed by their heads: where feet come into view after all, everybody stands on one ground, in view."""
    soles = [actor.head.y + height_of(actor.look) * actor.head.size for actor in actors]
    if min(soles) > height:
        return actors
    ground = max(max(soles), 0.96 * height)
    return [
        replace(actor, head=replace(actor.head, y=ground - (sole - actor.head.y)))
        for actor, sole in zip(actors, soles, strict=True)
    ]


def _turned(actors: list[_Actor], dice: Dice, width: int) -> list[_Actor]:
    """Everybody looks towards the middle of the others; somebody alone looks into the wider side."""
    if len(actors) == 1:
        actor = actors[0]
        side = 1 if actor.head.x < width / 2 else -1
        return [replace(actor, head=replace(actor.head, facing=side * dice.choice((0.3, 0.5, 0.65))))]
    middle = sum(actor.head.x for actor in actors) / len(actors)
    spread = max(abs(actor.head.x - middle) for actor in actors) or 1.0
    turned = []
    for actor in actors:
        away = (middle - actor.head.x) / spread
        facing = (1 if away >= 0 else -1) * (0.3 + 0.4 * min(abs(away), 1.0))
        turned.append(replace(actor, head=replace(actor.head, facing=facing)))
    return turned


def _close(
    people: Sequence[Profile],
    looks: Sequence[Look],
    lead: int,
    size: float,
    width: int,
    height: int,
    dice: Dice,
    wordy: bool,
) -> list[_Actor]:
    half = size * (0.2 if wordy else 0.225)
    others = [at for at in range(len(people)) if at != lead]
    side = (1 if lead > others[0] else -1) if others else dice.choice((-1, 1))
    x = width * 0.5 + side * width * (0.12 if others else dice.uniform(0.02, 0.1))
    y = max(0.36 * height + 1.1 * half, height - 1.9 * half)
    actors = [_Actor(people[lead], looks[lead], Head(x, y, half, -side * dice.choice((0.25, 0.45, 0.6))))]
    small = min(0.48 * half, 0.36 * width / max(len(others), 1) / 2.2)
    for number, at in enumerate(others):
        away = width / 2 - side * width * (0.3 + 0.0 * number) - side * (number - (len(others) - 1) / 2) * 2.2 * small
        actors.append(_Actor(people[at], looks[at], Head(away, y - 0.25 * half, small, side * 0.6)))
    return actors


def _over_shoulder(
    people: Sequence[Profile], looks: Sequence[Look], size: float, width: int, height: int, dice: Dice
) -> list[_Actor]:
    """The last to speak stands near, back to us, on the right; the others face them."""
    near = _Actor(people[-1], looks[-1], Head(width * dice.uniform(0.8, 0.86), 0.66 * height, 0.2 * size, 0.0), True)
    others = list(range(len(people) - 1))
    half = min(0.125 * size, 0.52 * width / (len(others) * 2.6))
    actors = []
    for number, at in enumerate(others):
        x = width * (0.06 + 0.54 * (number + 0.5) / len(others))
        y = 0.37 * height + 1.12 * half + (8.4 - height_of(looks[at])) * 0.3 * half
        actors.append(_Actor(people[at], looks[at], Head(x, y, half, 0.55)))
    return [*actors, near]


def _draw(pen: Pen, actor: _Actor, panel: PanelData, seed: int, light: Light, height: int) -> Drawn:
    # Line weight follows the size of the figure, as a brush would, within what stays legible.
    pen.line = min(max(1.0, actor.head.size / 24), height / 190)
    if actor.from_behind:
        return draw_from_behind(pen, actor.head, actor.look, light)
    return draw_figure(
        pen,
        actor.head,
        actor.look,
        expression_of(panel, actor.profile),
        pose_of(panel, actor.profile, actor.head.facing, seed),
        light,
    )


def _boxes(name: str, drawn: Drawn, width: int, height: int) -> list[Box]:
    parts = [("head", drawn.head), *(("hand", hand) for hand in drawn.hands), ("figure", drawn.body)]
    return [box for kind, part in parts if (box := box_of(kind, name, part, width, height)) is not None]


def box_of(kind: str, name: str, part: tuple[float, float, float, float], width: int, height: int) -> Box | None:
    """The visible part of an area as a box; None when nothing of it is in the picture."""
    left, top = max(part[0] / width, 0.0), max(part[1] / height, 0.0)
    right, bottom = min((part[0] + part[2]) / width, 1.0), min((part[1] + part[3]) / height, 1.0)
    if right - left < 0.002 or bottom - top < 0.002:
        return None
    return Box(
        kind=kind,
        name=name,
        x=round(left, 4),
        y=round(top, 4),
        width=round(right - left, 4),
        height=round(bottom - top, 4),
    )
