"""Page formats: their trimmed sizes, margins and gutters, and the sizes of letters.

Everything is in pixels at 300 dpi, so letters have the same size on every printed page.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.options import PageFormat, PageSizeName

_DOTS_A_MM = 300 / 25.4


@dataclass(frozen=True)
class PageSize:
    """A trimmed page in pixels; `margin` keeps words away from the trim, `gutter` separates panels.

    `panels` is how many usually fit on it, `bleed_mm` the bleed that printers want.
    """

    width: int
    height: int
    margin: int
    gutter: int
    panels: float
    bleed_mm: float = 3.0

    @property
    def content(self) -> tuple[int, int]:
        """Width and height between the margins."""
        return self.width - 2 * self.margin, self.height - 2 * self.margin

    def is_of(self, width: int, height: int) -> bool:
        """Whether a page of this many pixels has this size; slices of a strip may have any height."""
        return width == self.width and (self == WEBTOON or height == self.height)


@dataclass(frozen=True)
class TextSize:
    """Lettering in pixels: the nominal size, and the smallest readable one."""

    nominal: int
    minimum: int


def _trimmed(width: float, height: float, margin: float, gutter: float, panels: float) -> PageSize:
    """A size in millimetres."""
    wide, high, around, between = (round(side * _DOTS_A_MM) for side in (width, height, margin, gutter))
    return PageSize(wide, high, around, between, panels)


PAGE = PageSize(width=1988, height=3075, margin=84, gutter=30, panels=5.5, bleed_mm=3.175)
SIZES: Mapping[PageSizeName, PageSize] = {
    "us-comic": PAGE,
    "manga-b5": _trimmed(182, 257, 7.5, 2.6, 5.5),
    "manga-b6": _trimmed(128, 182, 5.5, 2.2, 3.6),
    "a4": _trimmed(210, 297, 9, 3, 6.6),
    "square": _trimmed(210, 210, 9, 3, 4.6),
}
# A slice of a strip, as tall as sites accept. The gutter is the neutral gap.
WEBTOON = PageSize(width=800, height=1280, margin=28, gutter=56, panels=1.9)


def size_of(width: int, height: int) -> PageSize:
    """The size that a page of this many pixels was laid out for: no two sizes are equal, and none is as narrow as a
    strip.
    """
    if width == WEBTOON.width:
        return WEBTOON
    return next((size for size in SIZES.values() if (size.width, size.height) == (width, height)), PAGE)


def size_for(format: PageFormat, page_size: PageSizeName) -> PageSize:
    """The size that a request lays out its pages for; a strip has one size."""
    return WEBTOON if format == "webtoon" else SIZES[page_size]


def text_size(page_width: int) -> TextSize:
    """The lettering of a page this wide: about 9 points in print, larger in proportion on a phone's strip."""
    return TextSize(27, 21) if page_width <= WEBTOON.width else TextSize(38, 28)
