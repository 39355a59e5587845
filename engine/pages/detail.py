"""How much detail each part of a picture has: balloons go where there is little."""

from dataclasses import dataclass
from itertools import accumulate

from PIL import Image, ImageChops

from engine.pages.balloons import Rect

_FINE, _COARSE = 256, 48


@dataclass(frozen=True)
class Detail:
    """A coarse grid over a panel of `width` × `height` pixels; `sums[row][column]` add up all above and left of it."""

    width: float
    height: float
    sums: tuple[tuple[float, ...], ...]

    @property
    def mean(self) -> float:
        """Over the whole panel."""
        return self.sums[-1][-1] / ((len(self.sums) - 1) * (len(self.sums[0]) - 1))

    def under(self, rect: Rect) -> float:
        """The mean over an area, relative to that of the whole panel, which is 1."""
        rows, columns = len(self.sums) - 1, len(self.sums[0]) - 1
        left, right = _span(rect.x, rect.right, self.width, columns)
        top, bottom = _span(rect.y, rect.bottom, self.height, rows)
        above, below = self.sums[top], self.sums[bottom]
        total = below[right] - below[left] - above[right] + above[left]
        return total / ((right - left) * (bottom - top)) / (self.mean or 1.0)


def detail_of(picture: Image.Image, width: float, height: float) -> Detail:
    """The gradient of the picture's grey, shown on a panel of so many pixels."""
    scale = min(1.0, _FINE / max(picture.size))
    fine = (max(round(picture.width * scale), 2), max(round(picture.height * scale), 2))
    grey = picture.convert("L").resize(fine, Image.Resampling.BOX, reducing_gap=2.0)
    across = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0))
    down = ImageChops.difference(grey, ImageChops.offset(grey, 0, 1))
    changes = ImageChops.add(across, down)
    # An offset wraps around: the first column and row would compare one edge with the other.
    changes.paste(0, (0, 0, 1, fine[1]))
    changes.paste(0, (0, 0, fine[0], 1))
    scale = min(1.0, _COARSE / max(fine))
    columns, rows = max(round(fine[0] * scale), 1), max(round(fine[1] * scale), 1)
    values = changes.resize((columns, rows), Image.Resampling.BOX).tobytes()
    sums = [(0.0,) * (columns + 1)]
    for row in range(rows):
        along = accumulate(values[row * columns : (row + 1) * columns], initial=0.0)
        sums.append(tuple(here + above for here, above in zip(along, sums[-1], strict=True)))
    return Detail(width, height, tuple(sums))


def _span(low: float, high: float, length: float, cells: int) -> tuple[int, int]:
    first = min(max(int(low / length * cells), 0), cells - 1)
    last = min(max(round(high / length * cells), first + 1), cells)
    return first, last
