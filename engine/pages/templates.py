"""How panels stand together: a page is tiers from top to bottom, a tier is columns, a column is panels above each
other.

(1, 1, 1) is a plain row of three, (1, 2) a tall panel beside two stacked ones. Every tier has one height at which it
is as wide as the page and crops no picture: shapes follow from pictures, not the other way round.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Tier = tuple[int, ...]

ROWS: tuple[Tier, ...] = ((1,), (1, 1), (1, 1, 1))
# Four in a row are for beats only.
BEATS: Tier = (1, 1, 1, 1)
# The cost of each compared with plain rows: only its shape tells readers to read down a column first.
STACKS: dict[Tier, float] = {(1, 2): 0.06, (2, 1): 0.18, (1, 3): 0.2}
TIERS: tuple[Tier, ...] = (*ROWS, BEATS, *STACKS)


@dataclass(frozen=True)
class Place:
    """Where a panel stands, in pixels from the top left corner of what it stands in."""

    x: float
    y: float
    width: float
    height: float


def natural_height(tier: Tier, aspects: Sequence[float], width: float, gutter: int) -> float:
    """The height at which the tier fills `width` and no picture is cropped; `aspects` are width / height, in order."""
    leans = [sum(1 / aspect for aspect in column) for column in _columns(tier, aspects)]
    gaps = sum((count - 1) * gutter / lean for count, lean in zip(tier, leans, strict=True))
    return (width - (len(tier) - 1) * gutter + gaps) / sum(1 / lean for lean in leans)


def places(tier: Tier, aspects: Sequence[float], width: float, height: float, gutter: int) -> list[Place]:
    """The panels of a tier of `width` × `height`, in reading order from the left.

    If the height is not the natural one, each panel is that much taller or lower for its width.
    """
    natural = natural_height(tier, aspects, width, gutter)
    found: list[Place] = []
    x = 0.0
    for column in _columns(tier, aspects):
        lean, gaps = sum(1 / aspect for aspect in column), (len(column) - 1) * gutter
        wide = (natural - gaps) / lean
        y = 0.0
        for aspect in column:
            tall = (height - gaps) / lean / aspect
            found.append(Place(x, y, wide, tall))
            y += tall + gutter
        x += wide + gutter
    return found


def _columns(tier: Tier, aspects: Sequence[float]) -> Iterator[Sequence[float]]:
    first = 0
    for count in tier:
        yield aspects[first : first + count]
        first += count
