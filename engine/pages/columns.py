"""Text that runs down: how long a column is, and how it is drawn.

Wide signs stand upright one below the other, in the forms that their font has for columns. What is written from left to
right is turned on its side, but one or two letters, digits or marks stand upright in the room of one sign.
"""

import itertools
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from PIL import Image, ImageDraw

from engine.pages import fonts
from engine.pages.fonts import Colour, Run

_MOST_UPRIGHT = 2
# Of no width of their own; fonts have them for columns.
_AS_WIDE = "…‥—―‘’“”"


@lru_cache(maxsize=20_000)
def length(text: str, size: int) -> float:
    """Pixels from the top of the first sign to the foot of the last."""
    return sum(_length(run, way, size) for run, way in _stretches(text))


def draw(
    canvas: ImageDraw.ImageDraw, middle: float, top: float, text: str, size: int, ink: Colour, language: str = ""
) -> None:
    """One column around the line x = `middle`, from `top` on. Slanted words stand upright here."""
    for run, way in _stretches(text):
        long = _length(run, way, size)
        if run.face is None:
            half = 0.31 * size
            for number in range(len(run.text)):
                y = top + number * size
                box = (middle - half, y + 0.14 * size, middle + half, y + 0.86 * size)
                canvas.rectangle(box, outline=ink, width=max(1, size // 14))
        elif way == "down":
            font, heavy = run.face.at(size), run.stroke(size)
            canvas.text(
                (middle, top),
                run.text,
                font=font,
                fill=ink,
                anchor="st",
                direction="ttb",
                language=fonts.forms(language),
                stroke_width=heavy,
            )
        elif way == "upright":
            spot = (middle, top + 0.88 * size)
            canvas.text(spot, run.text, font=run.face.at(size), fill=ink, anchor="ms", stroke_width=run.stroke(size))
        else:
            _turned(canvas, middle, top, run, size, ink)
        top += long


def _turned(canvas: ImageDraw.ImageDraw, middle: float, top: float, run: Run, size: int, ink: Colour) -> None:
    """A run on its side, its head to the right."""
    if run.face is None:
        return
    mask = Image.new("L", (round(_length(run, "turned", size)) + 2 * size, 2 * size))
    pen = ImageDraw.Draw(mask)
    pen.text(
        (size, 1.36 * size), run.text, font=run.face.at(size), fill=255, anchor="ls", stroke_width=run.stroke(size)
    )
    canvas.bitmap((round(middle) - size, round(top) - size), mask.transpose(Image.Transpose.ROTATE_270), fill=ink)


def _length(run: Run, way: str, size: int) -> float:
    if run.face is None:
        return float(size * len(run.text))
    if way == "down":
        return float(run.face.at(size).getlength(run.text, direction="ttb"))
    return float(size) if way == "upright" else float(run.face.at(size).getlength(run.text))


def _stretches(text: str) -> Iterator[tuple[Run, str]]:
    """The text in runs of one face, each with the way in which it is set: down, upright or turned."""
    for run in fonts.runs(text):
        for wide, signs in itertools.groupby(run.text, key=_stands):
            piece = "".join(signs)
            if wide:
                yield Run(run.face, piece, run.bold), "down"
                continue
            for word in _words(piece):
                few = len(word) <= _MOST_UPRIGHT and not word.isspace()
                yield Run(run.face, word, run.bold), "upright" if few else "turned"


def _stands(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF" or sign in _AS_WIDE


def _words(text: str) -> Iterator[str]:
    for _, signs in itertools.groupby(text, key=str.isspace):
        yield "".join(signs)
