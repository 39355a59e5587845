"""How much room a panel gets, in which shape, and whether it is a beat or a splash.

Known from the panel alone, before any page is laid out, so that its picture can be requested in that shape.
"""

import math
import unicodedata
from functools import lru_cache

from engine.pages.formats import PAGE, WEBTOON, PageSize, size_for, text_size
from models.options import PageFormat, PageSizeName
from models.story import LineKind, PanelData, Shot

_ASPECT = {
    Shot.ESTABLISHING: 1.8,
    Shot.WIDE: 1.5,
    Shot.MEDIUM: 1.1,
    Shot.CLOSE_UP: 0.9,
    Shot.INSERT: 1.05,
    Shot.OVER_THE_SHOULDER: 1.25,
}
# The relative room of a shot, before its text is counted.
_WEIGHT = {
    Shot.ESTABLISHING: 1.45,
    Shot.WIDE: 1.2,
    Shot.MEDIUM: 1.0,
    Shot.CLOSE_UP: 0.8,
    Shot.INSERT: 0.6,
    Shot.OVER_THE_SHOULDER: 1.0,
}
# The share of the picture left for words: faces are large in some shots.
_FREE = {
    Shot.ESTABLISHING: 0.9,
    Shot.WIDE: 0.85,
    Shot.MEDIUM: 0.72,
    Shot.CLOSE_UP: 0.52,
    Shot.INSERT: 0.85,
    Shot.OVER_THE_SHOULDER: 0.68,
}
# Beats have one shape, so that those of a tier are equally wide.
_BEAT = (0.95, 0.6)
_FEW, _OPENING, _LOUD = 12, 140, 60
# Two panels with more of a page than this do not fit beside each other.
_HALF = 0.32
# The least share of its wanted room that a panel gets beside another; wider shapes have a row of their own.
_SHARED, _WIDE = 0.8, 1.4
# Loud panels are large even where they share a page.
_LOUDER = 1.5
_MOST_PIXELS = 1_190_000
_LEAST_PIXELS = 620_000
_STEP = 16
_SHAPES = (0.62, 1.95)


def beat(panel: PanelData) -> bool:
    """A moment with hardly a word: a thing, a face."""
    return panel.shot in (Shot.INSERT, Shot.CLOSE_UP) and _signs(panel) <= _FEW


def splash(panel: PanelData, *, opener: bool) -> bool:
    """Whether a panel may carry a page alone: it opens the chapter (`opener`), or one loud thing happens in it."""
    if panel.shot not in (Shot.ESTABLISHING, Shot.WIDE):
        return False
    loud = [line.kind in (LineKind.SHOUT, LineKind.SFX) for line in panel.dialogue]
    return (opener and _signs(panel) <= _OPENING) or (loud == [True] and _signs(panel) <= _LOUD)


def wanted(panel: PanelData, size: PageSize) -> float:
    """Square pixels that a panel should have on a page of this size."""
    return max(_shot_area(panel, size), 1.75 * _text_area(panel, size) / _FREE[panel.shot])


def needed(panel: PanelData, size: PageSize) -> float:
    """Square pixels below which its words crowd it."""
    return 1.1 * _text_area(panel, size) / _FREE[panel.shot]


def holds(width: int, height: int, panel: PanelData, format: PageFormat, page_size: PageSizeName = "us-comic") -> bool:
    """Whether a panel's words have room in a cell of so many pixels."""
    return needed(panel, size_for(format, page_size)) <= 1.02 * width * height


def picture_size(
    panel: PanelData, format: PageFormat, page_size: PageSizeName = "us-comic", *, opener: bool = False
) -> tuple[int, int]:
    """The pixels (width, height) to ask the artist for: multiples of 16, between 1:2 and 2:1, at most 1.2 megapixels.

    Known from the panel alone: the shot gives the shape; the text makes it larger and taller, because balloons take
    their room above the heads. A possible splash has the page's shape.
    """
    size = size_for(format, page_size)
    area = wanted(panel, size)
    if format == "page" and splash(panel, opener=opener):
        return _rounded(_MOST_PIXELS, size.width / size.height)
    crowded = area / _shot_area(panel, size)
    aspect = (_BEAT[0] if beat(panel) else _ASPECT[panel.shot]) / math.sqrt(min(crowded, 2.0))
    across, down = size.content
    row = across**2 / area
    if format == "webtoon":
        aspect = min(0.85 * aspect, row)
    elif area > _HALF * across * down:
        # With this much text it takes a whole row, and is shaped to fill one.
        aspect = row
    elif aspect < _WIDE:
        # It shares a row with another: as tall as it must be there.
        aspect = min(aspect, across**2 / 4 / (_SHARED * area))
    scale = (PAGE.width / WEBTOON.width) ** 2 if format == "webtoon" else 1.0
    pixels = min(max(area * scale, _LEAST_PIXELS), _MOST_PIXELS)
    return _rounded(pixels, min(max(aspect, _SHAPES[0]), _SHAPES[1]))


def _rounded(pixels: float, aspect: float) -> tuple[int, int]:
    return int(math.sqrt(pixels * aspect)) // _STEP * _STEP, int(math.sqrt(pixels / aspect)) // _STEP * _STEP


def _signs(panel: PanelData) -> int:
    return sum(len(text.strip()) for text in (panel.caption, *(line.text for line in panel.dialogue)))


def _shot_area(panel: PanelData, size: PageSize) -> float:
    width, height = size.content
    weight = _BEAT[1] if beat(panel) else _WEIGHT[panel.shot]
    return (_LOUDER if splash(panel, opener=False) else 1.0) * weight * width * height / size.panels


def _text_area(panel: PanelData, size: PageSize) -> float:
    """Square pixels that the lettering covers at its nominal size, balloons included."""
    letter = text_size(size.width).nominal
    area = 0.0
    for text in [panel.caption, *(line.text for line in panel.dialogue)]:
        if text.strip():
            area += _ems(text) * letter * letter * 1.22 * 1.6 + 5 * letter * letter
    return area


# A layout weighs every panel in dozens of tiers: three quarters of its time went into these sums.
@lru_cache(maxsize=4096)
def _ems(text: str) -> float:
    """About how wide a text is in one line, in ems."""
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.5 for sign in text)
