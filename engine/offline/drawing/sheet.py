"""A character's reference sheet: the whole figure, the head large and in three moods, the colours, the name."""

from PIL import Image, ImageDraw, ImageFont

from engine.offline.drawing.colours import INK, Colour, Light, light_of
from engine.offline.drawing.creatures import ground_of, reach_of
from engine.offline.drawing.dice import dice_for
from engine.offline.drawing.face import Expression, Head
from engine.offline.drawing.figure import draw_figure, draw_portrait
from engine.offline.drawing.look import look_of
from engine.offline.drawing.panel_scene import box_of
from engine.offline.drawing.pen import Pen
from engine.offline.drawing.poses import Pose, height_of
from models.story import Attributes, Box


def draw_sheet(profile: Attributes, width: int, height: int, seed: int) -> tuple[Image.Image, list[Box]]:
    """The sheet (RGB, `width` × `height`); boxes mark the heads and the figure."""
    dice = dice_for("sheet", seed)
    colours: tuple[Colour, ...]
    light: Light = light_of("", "")
    look = look_of(profile)
    pen = Pen(width, height, (246, 242, 232))
    line = max(1.0, height / 850)
    for step in range(1, 9):
        y = height * (0.1 + 0.1 * step)
        pen.stroke([(0.03 * width, y), (0.46 * width, y)], line=line * 0.7, ink=(222, 216, 202))
    creature = look.creature
    tall = ground_of(creature, "stand") if creature else height_of(look)
    behind, front = reach_of(creature, "stand") if creature else (2.0, 2.0)
    half = min(0.8 * height / (tall + 1.3), 0.4 * width / (behind + front))
    head = Head(0.04 * width + behind * half, 0.92 * height - tall * half, half, 0.4 if creature else 0.0)
    middle = 0.04 * width + (behind + front) / 2 * half
    pen.ellipse(middle, 0.92 * height, 0.6 * (behind + front) * half, 0.34 * half, (224, 217, 202), line=0)
    pen.line = max(1.2, half / 24)
    drawn = draw_figure(pen, head, look, Expression(), Pose("down", dice.choice(("hip", "down", "open")), 0.3), light)
    heads = [drawn.head]
    big = min(0.17 * height, 0.15 * width)
    for mood, x, y, size, facing in (
        ("calm", 0.72, 0.32, big, dice.choice((-0.45, 0.45))),
        ("happy", 0.59, 0.72, 0.42 * big, 0.0),
        ("angry", 0.73, 0.72, 0.42 * big, 0.3),
        ("surprised", 0.87, 0.72, 0.42 * big, -0.3),
    ):
        face = Head(x * width, y * height, size, facing)
        pen.line = max(1.2, size / 26)
        draw_portrait(pen, face, look, Expression(mood), light)
        heads.append((face.x - 0.92 * size, face.y - 1.1 * size, 1.84 * size, 2.15 * size))
    colours = (look.hair, look.skin, look.top, look.legs, look.accent)
    if creature:
        colours = (creature.coat, creature.pale, *([creature.collar] if creature.collar else []))
    side = 0.07 * min(width, height)
    for number, colour in enumerate(colours):
        x = 0.54 * width + number * 1.15 * side
        pen.line = line * 1.5
        pen.box(x, 0.86 * height, x + side, 0.86 * height + side, colour)
    picture = pen.finished()
    _name(picture, profile.name)
    boxes = [box_of("head", profile.name, part, width, height) for part in heads]
    boxes.append(box_of("figure", profile.name, drawn.body, width, height))
    return picture, [box for box in boxes if box is not None]


def _name(picture: Image.Image, name: str) -> None:
    """The name in Pillow's own face: this side of the engine sets no lettering, and a sheet is for the artist alone."""
    size = max(14, picture.height // 26)
    font = ImageFont.load_default(size)
    text = " ".join(name.split()) or "?"
    while font.getlength(text) > 0.44 * picture.width and len(text) > 1:
        text = text[:-2].rstrip() + "…"
    ImageDraw.Draw(picture).text((0.52 * picture.width, 0.05 * picture.height), text, font=font, fill=INK)
