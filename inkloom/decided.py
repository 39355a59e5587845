"""Decisions that a user adds when running a story again."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Decided:
    """Decisions about waiting parts: try lost or refused calls again, skip refused parts, approve what waits for a
    review.
    """

    resume: bool = False
    skip_refused: bool = False
    approve: bool = False
    # The draft that a panel shows: scene, panel and draft, counted from 1.
    choose: Sequence[tuple[int, int, int]] = ()
