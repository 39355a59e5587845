"""The one verdict on a part of a chapter: for the list of stale parts, for steps, for artists and for drafts."""

from dataclasses import dataclass
from enum import StrEnum


class PartState(StrEnum):
    """How a part stands.

    `missing`: never made. `stale`: made from something else. `manual`: a person made it. `left empty`: a person left
    it empty. `current`: made from what there is now.
    """

    MISSING = "missing"
    STALE = "stale"
    MANUAL = "manual"
    LEFT_EMPTY = "left empty"
    CURRENT = "current"


@dataclass(frozen=True)
class Verdict:
    """How a part stands, and the names of the inputs that changed, also where a manual edit outweighs them."""

    state: PartState
    changed: list[str]

    @property
    def stands(self) -> bool:
        """Whether the part is there and nothing would make it again."""
        return self.state in (PartState.CURRENT, PartState.MANUAL)


def decide(*, there: bool, manual: bool, changed: list[str]) -> Verdict:
    """The verdict on a part, the same for the list of stale parts and for the step that would make the part."""
    if not there:
        return Verdict(PartState.LEFT_EMPTY if manual else PartState.MISSING, [])
    if manual:
        return Verdict(PartState.MANUAL, changed)
    return Verdict(PartState.STALE if changed else PartState.CURRENT, changed)
