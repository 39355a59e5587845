"""Scores drafts by rules: no model, no network, the same numbers for the same bytes.

A scorer is a function from a `Look` to a number from 0 (bad) to 1 (good), and one entry in `SCORERS`. A scorer returns
1 as soon as nothing is wrong, so that defects decide the total.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageStat

from engine.pages.formats import PAGE, text_size
from models.story import Box

# The short side of the examined picture, in pixels: about a panel in a reader's hand.
_SIDE = 512
# Cells per side of the grid in which calm areas are searched.
_GRID = 24
# Bits per row of a fingerprint, and rows.
_BITS = 8
# No single scorer makes the total zero: of two bad drafts, one is still better.
_FLOOR = 0.05

_LAPLACE = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=4, offset=128)
# About what a lossy codec leaves on even areas, in levels: no detail.
_CODEC = 0.5


@dataclass(frozen=True)
class Look:
    """What a scorer sees of a draft.

    `grey` is the scaled picture in levels of 0 to 255; `edges`, of the same size, how much it changes from pixel to
    pixel. `size` is the picture's own in pixels, `wanted` the panel's. `boxes` are in fractions of the picture.
    `letters` must fit into it. `fingerprint` is its own, `sisters` those of the panel's other drafts.
    """

    grey: Image.Image
    edges: Image.Image
    size: tuple[int, int]
    wanted: tuple[int, int]
    boxes: Sequence[Box]
    letters: int
    fingerprint: str
    sisters: Sequence[str]


Scorer = Callable[[Look], float]


@dataclass(frozen=True)
class Scores:
    """The number of each scorer, and the total, 0 (bad) to 1 (good). `fingerprint` has 16 hexadecimal digits."""

    values: dict[str, float]
    total: float
    fingerprint: str


def score(
    data: bytes, *, boxes: Sequence[Box], wanted: tuple[int, int], letters: int, sisters: Sequence[str]
) -> Scores:
    """Score a verified picture; CPU-bound, some 30 ms per megapixel.

    `wanted` is the panel's size in pixels, `letters` the number of characters in its words, `sisters` the fingerprints
    of the drafts that it should differ from.
    """
    with Image.open(io.BytesIO(data)) as opened:
        size = opened.size
        grey = _grey(opened)
    mark = fingerprint(grey)
    look = Look(grey, _inside(grey.filter(ImageFilter.FIND_EDGES)), size, wanted, boxes, letters, mark, sisters)
    values = {name: round(min(max(scorer(look), 0.0), 1.0), 4) for name, scorer in SCORERS.items()}
    logs = [math.log(max(value, _FLOOR)) for value in values.values()]
    return Scores(values, round(math.exp(sum(logs) / len(logs)), 4), mark)


def _grey(opened: Image.Image) -> Image.Image:
    """The picture in grey on white paper, its short side at most `_SIDE` pixels, never enlarged."""
    # Decodes a JPEG at a smaller size; no effect on other formats.
    opened.draft(None, (_SIDE, _SIDE))
    picture: Image.Image = opened
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture)
    elif picture.mode not in ("L", "RGB"):
        picture = picture.convert("RGB")
    picture = picture.convert("L")
    shrunk = min(1.0, _SIDE / min(picture.size))
    small = max(round(shrunk * picture.width), 3), max(round(shrunk * picture.height), 3)
    return picture.resize(small, Image.Resampling.BOX, reducing_gap=2.0)


def _inside(filtered: Image.Image) -> Image.Image:
    """Without its outermost pixels, which filters leave unchanged."""
    return filtered.crop((1, 1, filtered.width - 1, filtered.height - 1))


def fingerprint(grey: Image.Image) -> str:
    """64 bits: whether each place is brighter than its left neighbour. Similar pictures have similar fingerprints."""
    places = grey.resize((_BITS + 1, _BITS), Image.Resampling.BOX).tobytes()
    number = 0
    for row in range(_BITS):
        for column in range(_BITS):
            at = row * (_BITS + 1) + column
            number = number << 1 | (places[at + 1] > places[at])
    return f"{number:016x}"


def distance(one: str, other: str) -> int:
    """In how many of 64 bits two fingerprints differ; about 32 for unrelated pictures."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _between(value: float, bad: float, good: float) -> float:
    """0 at `bad`, 1 at `good`, linear in between; `bad` may be the larger one."""
    return min(max((value - bad) / (good - bad), 0.0), 1.0)


def sharpness(look: Look) -> float:
    """How much a slight blur removes: little from a picture that is blurred already."""
    before = _roughness(look.grey)
    lost = before - _roughness(look.grey.filter(ImageFilter.BoxBlur(1)))
    return _between(lost / (before + _CODEC), 0.18, 0.54)


def _roughness(grey: Image.Image) -> float:
    """The spread of the second derivative, in levels."""
    return float(ImageStat.Stat(_inside(grey.filter(_LAPLACE))).stddev[0])


def exposure(look: Look) -> float:
    """Neither too dark nor too bright, and not mostly black or white; white paper around a drawing does not count."""
    counts = look.grey.histogram()
    pixels = sum(counts)
    mean = sum(level * count for level, count in enumerate(counts)) / pixels
    black, white = sum(counts[:4]) / pixels, sum(counts[252:]) / pixels
    return min(
        _between(mean, 8, 48),
        _between(mean, 252, 225),
        _between(black, 0.9, 0.5),
        _between(white, 0.97, 0.7),
    )


def detail(look: Look) -> float:
    """Whether there is something to see: different levels, and edges in more than a corner of the picture."""
    levels = look.grey.entropy()
    busy = sum(level > 6 for level in _cells(look.edges)) / _GRID**2
    return min(_between(levels, 0.3, 3.0), _between(busy, 0.0, 0.2))


def distinctness(look: Look) -> float:
    """How much it differs from the most similar sister."""
    nearest = min((distance(look.fingerprint, sister) for sister in look.sisters), default=64)
    return _between(nearest, 2, 12)


def room(look: Look) -> float:
    """Whether the panel's words fit: calm areas count fully, busy areas and figures less, heads not at all."""
    if look.letters <= 0:
        return 1.0
    letter = text_size(PAGE.width).nominal
    # A letter is half as wide as high; lines have a distance, and a balloon is larger than its text.
    words = look.letters * 0.5 * letter * letter * 1.22 * 1.6 + 5 * letter * letter
    needed = 1.5 * words / max(look.wanted[0] * look.wanted[1], 1)
    worth = [1.0 if level <= 6 else 0.5 for level in _cells(look.edges)]
    for box in sorted(look.boxes, key=lambda box: box.kind == "head"):
        share = {"head": 0.0, "figure": 0.35}.get(box.kind)
        if share is None:
            continue
        for row in _rows(box.y, box.height):
            for column in _rows(box.x, box.width):
                at = row * _GRID + column
                worth[at] = min(worth[at], share)
    return _between(sum(worth) / _GRID**2 / needed, 0.2, 1.0)


def _rows(start: float, length: float) -> range:
    """The grid's rows (or columns) whose centre lies within a span of fractions."""
    first, last = math.ceil(start * _GRID - 0.5), math.floor((start + length) * _GRID - 0.5)
    return range(max(first, 0), min(last, _GRID - 1) + 1)


def _cells(edges: Image.Image) -> bytes:
    """The mean of each cell of the grid, row by row, in levels."""
    return edges.resize((_GRID, _GRID), Image.Resampling.BOX).tobytes()


def aspect(look: Look) -> float:
    """How much remains when it is cropped to the panel's shape; half of it scores 0."""
    width, height = look.size
    ratio = (width * max(look.wanted[1], 1)) / (height * max(look.wanted[0], 1))
    return _between(min(ratio, 1 / ratio), 0.5, 1.0)


SCORERS: dict[str, Scorer] = {
    "sharpness": sharpness,
    "exposure": exposure,
    "detail": detail,
    "distinctness": distinctness,
    "room": room,
    "aspect": aspect,
}
