"""Black and white: ink, paper, and between them screentone, as manga is printed."""

import math
import re
from functools import lru_cache

from PIL import Image, ImageChops

from engine.offline.drawing.colours import words
from engine.offline.drawing.pen import SCALE, Pen

_ASKED = re.compile(
    r"\b(manga|monochrom\w*|screen ?tones?|gr[ae]yscale|black[ -]and[ -]white|black & white|b&w|pen and ink|ink wash)\b"
)
_COLOURFUL = frozenset(("colour", "colours", "color", "colors", "coloured", "colored", "colourful", "colorful"))
# Where an artist's prompt leaves the style and comes to the picture.
_SHOT = re.compile(r"\b(establishing|wide|medium|close-up|insert|over-the-shoulder|full|long)\b[^.]{0,20}")
_STYLE_ENDS = 300
# Grey levels: below the first all is ink, above the second all is paper.
_INK, _PAPER = 62, 172


def asks_for_tones(prompt: str) -> bool:
    """Whether the style that a prompt begins with wants black and white."""
    style = prompt[:_STYLE_ENDS].casefold()
    shot = _SHOT.search(style)
    style = style[: shot.start()] if shot else style
    if _ASKED.search(style):
        return not ({"full", "vivid"} & set(words(style)) and _COLOURFUL & set(words(style)))
    return {"ink", "inked", "inks"} & set(words(style)) != set() and not _COLOURFUL & set(words(style))


def toned(pen: Pen) -> Image.Image:
    """The finished picture in ink and tones: grey levels (L), of which only edges are neither black nor white."""
    grey = pen.image.convert("L").point(_CURVE)
    dots = _screen(*grey.size, max(4, round(pen.height / 130)) * SCALE)
    # Lighter than the screen at that point is paper, darker is ink.
    printed = ImageChops.subtract(grey, dots).point(_HARD)
    if pen.lines is not None:
        # Lines are ink whatever their colour was: a dotted line is no line.
        printed = ImageChops.darker(printed, pen.lines.point(_LINES))
    return printed.reduce(SCALE)


_CURVE = [0 if v < _INK else 255 if v > _PAPER else round(50 + 180 * (v - _INK) / (_PAPER - _INK)) for v in range(256)]
_HARD = [255 if v else 0 for v in range(256)]
_LINES = [255 if v < 110 else 0 for v in range(256)]


@lru_cache(maxsize=4)
def _screen(width: int, height: int, period: int) -> Image.Image:
    """Thresholds (1–254) whose level sets are dots on a grid turned by 45 degrees, one grid step `period` pixels."""
    step = 2 * math.pi / period
    tile = Image.new("L", (period, period))
    tile.putdata(
        [round(127.5 + 126 * math.cos(step * x) * math.cos(step * y)) for y in range(period) for x in range(period)]
    )
    screen = Image.new("L", (width, height))
    screen.paste(tile, (0, 0))
    # Doubling what is there covers the canvas in a few pastes.
    done = period
    while done < width:
        screen.paste(screen.crop((0, 0, done, period)), (done, 0))
        done *= 2
    done = period
    while done < height:
        screen.paste(screen.crop((0, 0, width, done)), (0, done))
        done *= 2
    return screen
