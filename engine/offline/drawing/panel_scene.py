"""Stages a panel: the place as the camera sees it, the people in front of it, the weather before them.

The place comes from dice of the place, so it stays the same place; the view of it comes from the seed.
"""

from dataclasses import replace
from functools import partial

from PIL import Image

from engine.offline.drawing.camera import View, seen, view_of
from engine.offline.drawing.cast_layout import Actor, staged
from engine.offline.drawing.colours import Light, light_of, mix
from engine.offline.drawing.dice import dice_for
from engine.offline.drawing.figure import draw_figure, draw_from_behind
from engine.offline.drawing.insert import draw_reach, draw_still
from engine.offline.drawing.interiors import draw_indoors
from engine.offline.drawing.moods import in_mood, mood_of
from engine.offline.drawing.outdoors import draw_outdoors
from engine.offline.drawing.pen import Area, Pen
from engine.offline.drawing.places import INDOORS, Scene, kind_of
from engine.offline.drawing.poses import Drawn
from engine.offline.drawing.things import thing_of
from engine.offline.drawing.tones import toned
from engine.offline.drawing.weather import draw_fall, draw_haze, kinds_of
from models.story import Box, PanelData, Shot


def draw_panel(
    panel: PanelData, width: int, height: int, seed: int, *, tones: bool = False, camera: int | None = None
) -> tuple[Image.Image, list[Box]]:
    """The picture of a panel (`width` × `height`) and what is where in it.

    In colour it is RGB; with `tones` it is ink and screentone, grey levels (L). `camera` is the seed of another picture
    that is seen from where this one is to be seen.
    """
    mood = mood_of(panel.mood)
    light = replace(in_mood(light_of(panel.time, panel.weather), mood), inked=tones)
    dice = dice_for("view", seed)
    thing = thing_of(panel.description) if panel.shot is Shot.INSERT else ""
    if thing:
        pen, boxes = draw_still(panel, thing, width, height, dice, light)
        return (toned(pen) if tones else pen.finished()), boxes
    place = kind_of(panel.place, panel.description)
    view = view_of(panel.shot, mood, seed if camera is None else camera)
    pen = _backdrop(panel, place, width, height, view, light)
    kinds = kinds_of(panel.weather) if place not in INDOORS else set()
    draw_haze(pen, kinds, light, 0.5 * height)
    if panel.shot is Shot.INSERT:
        boxes = draw_reach(pen, panel, dice, light)
        return (toned(pen) if tones else pen.finished()), boxes
    drawn = [
        (actor.profile.name, _draw(pen, actor, light, height)) for actor in staged(panel, width, height, view, seed)
    ]
    boxes = [box for name, figure in drawn for box in _boxes(pen, name, figure)]
    draw_fall(pen, kinds, light, dice)
    return (toned(pen) if tones else pen.finished()), boxes


def _backdrop(panel: PanelData, place: str, width: int, height: int, view: View, light: Light) -> Pen:
    pen = Pen(width, height, light.sky_low, inked=light.inked)
    pen.line = max(1.0, height / 850)
    scene = Scene(pen, light, dice_for(place, panel.place.casefold()), height * view.horizon)
    if place in INDOORS:
        draw_indoors(place, scene)
    else:
        draw_outdoors(place, scene)
    pen.through(partial(seen, view=view, whole_ground=panel.shot in (Shot.ESTABLISHING, Shot.WIDE)))
    if panel.shot in (Shot.CLOSE_UP, Shot.OVER_THE_SHOULDER, Shot.MEDIUM, Shot.INSERT):
        # A near camera loses the distance: a paler backdrop lets the people stand out. Ink must stay ink, though.
        opacity = (0.42 if panel.shot is Shot.CLOSE_UP else 0.24) * (0.5 if light.inked else 1.0)
        pen.veil(mix(light.sky_low, light.on((240, 234, 224)), 0.5), opacity)
    return pen


def _draw(pen: Pen, actor: Actor, light: Light, height: int) -> Drawn:
    # Line weight follows the size of the figure, as a brush would, within what stays legible.
    pen.line = min(max(1.0, actor.head.size / 24), height / 190)
    if actor.near:
        return draw_from_behind(pen, actor.head, actor.look, light)
    return draw_figure(pen, actor.head, actor.look, actor.expression, actor.pose, light)


def _boxes(pen: Pen, name: str, drawn: Drawn) -> list[Box]:
    """What is to be seen of a figure once everybody is drawn."""
    hands = [area for mark in drawn.hands if (area := pen.left_of(mark)) is not None]
    parts = [("head", drawn.head), *(("hand", hand) for hand in hands), ("figure", drawn.body)]
    found = [box_of(kind, name, part, pen.width, pen.height) for kind, part in parts]
    return [box for box in found if box is not None]


def box_of(kind: str, name: str, part: Area, width: int, height: int) -> Box | None:
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
