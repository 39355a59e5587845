"""What a person decides when they run a story again."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Decided:
    """What a person decides about parts that wait: try what was lost or refused again, or skip what was refused;
    approve what waits to be looked at."""

    resume: bool = False
    skip_refused: bool = False
    approve: bool = False
    # Which draft a panel shows: scene, panel and draft, counted from 1.
    choose: Sequence[tuple[int, int, int]] = ()
