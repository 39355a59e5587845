"""What the pen knows of its own drawing: which of it is line, and what was covered later."""

import itertools

import pytest
from PIL import Image, ImageChops

from engine.offline.drawing.colours import Light, light_of
from engine.offline.drawing.look import look_of
from engine.offline.drawing.panel_scene import draw_panel
from engine.offline.drawing.pen import Pen
from engine.offline.drawing.tones import toned
from models.story import PanelData, Profile, Shot

pytestmark = pytest.mark.unit

GREY, PALE, RED = (120, 120, 120), (225, 225, 225), (200, 40, 40)
CAST = [
    Profile(name=name, face=f"{skin} skin", clothes="blue coat")
    for name, skin in (("Ada", "pale"), ("Bo", "black"), ("Cy", "pale"), ("Di", "black"))
]


def test_in_tones_a_grey_line_is_unbroken_ink() -> None:
    pen = Pen(120, 60, GREY, inked=True)
    pen.stroke([(10, 30), (60, 30), (110, 30)], line=2, ink=(90, 90, 90))
    printed = toned(pen)
    assert printed.crop((20, 30, 100, 31)).getextrema()[1] < 90  # type: ignore[operator]  # one band has one pair


def test_in_tones_what_covers_a_line_hides_it_and_a_pale_line_stays_paper() -> None:
    pen = Pen(120, 60, (255, 255, 255), inked=True)
    pen.stroke([(10, 30), (110, 30)], line=2)
    pen.box(30, 10, 90, 50, (255, 255, 255), line=0)
    pen.stroke([(10, 50), (110, 50)], line=2, ink=PALE)
    printed = toned(pen)
    assert printed.getpixel((60, 30)) == 255
    assert printed.getpixel((20, 30)) == 0
    assert printed.getpixel((60, 50)) == 255


def test_a_mark_tells_what_is_left_in_sight() -> None:
    pen = Pen(100, 100, PALE)
    inside, outside = pen.mark((30, 30, 40, 40)), pen.mark((120, 40, 20, 20))
    pen.box(40, 40, 59, 59, RED, line=0)
    mark = pen.drawn(inside)
    assert pen.left_of(pen.drawn(outside)) is None
    assert [round(part) for part in pen.left_of(mark) or ()] == [40, 40, 20, 20]
    pen.box(0, 0, 49, 100, GREY, line=0)
    assert [round(part) for part in pen.left_of(mark) or ()] == [50, 40, 10, 20]
    pen.box(0, 0, 55, 100, GREY, line=0)
    assert pen.left_of(mark) is None


@pytest.mark.parametrize("shot", [shot for shot in Shot if shot is not Shot.INSERT])
@pytest.mark.parametrize("told", ["", "Ada embraces Bo.", "Cy falls. Di sits."])
def test_where_a_hand_is_told_there_is_skin(shot: Shot, told: str) -> None:
    light: Light = light_of("", "")
    for seed, size in itertools.product(range(3), [(400, 320), (240, 380)]):
        picture, boxes = draw_panel(PanelData(shot=shot, description=told, characters=CAST), *size, seed)
        for box in (box for box in boxes if box.kind == "hand"):
            skin = light.on_figure(look_of(next(one for one in CAST if one.name == box.name)).skin)
            left, top = box.x * size[0], box.y * size[1]
            part = picture.crop(
                (int(left), int(top), int(left + box.width * size[0]) + 1, int(top + box.height * size[1]) + 1)
            )
            apart = ImageChops.difference(part, Image.new("RGB", part.size, skin)).convert("L").histogram()
            assert sum(apart[:16]) / sum(apart) > 0.06, (seed, size, box)
