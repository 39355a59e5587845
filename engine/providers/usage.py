"""The usage that a vendor reports for a call, believed only as far as it makes sense."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

# The ledger's columns hold no more.
MOST_TOKENS = 2**31 - 1


@dataclass(frozen=True)
class Tokens:
    """Tokens of one call. The parts are contained in `input` and `output`, and priced separately.

    All zero: the usage is unknown, and the call is settled at what was reserved for it.
    """

    input: int = 0
    output: int = 0
    cached_input: int = 0
    image_input: int = 0
    image_output: int = 0


class _SenselessError(ValueError):
    """A count that cannot be one."""


def reported(
    usage: Any,
    *,
    input: Sequence[str],
    output: str,
    cached_input: str = "",
    image_input: str = "",
    image_output: str = "",
) -> Tokens:
    """The tokens in a vendor's report, each found at a dotted path; the paths of `input` are added up.

    Vendors and gateways send fractions, negative numbers, texts and lists. A report with any of these says nothing, and
    the whole usage is unknown: an answer that was paid for is not lost for it, nor does it earn money. A part is never
    more than the whole.
    """
    try:
        read = _bounded(sum(_count(usage, path) or 0 for path in input))
        written = _count(usage, output) or 0
        # Together, too: they are added up in the database.
        _bounded(read + written)
        drawn = _count(usage, image_output) if image_output else 0
        return Tokens(
            input=read,
            output=written,
            cached_input=min(_count(usage, cached_input) or 0, read),
            image_input=min(_count(usage, image_input) or 0, read),
            # All that an artist writes is the picture, unless the report says otherwise.
            image_output=written if drawn is None else min(drawn, written),
        )
    except _SenselessError:
        return Tokens()


def _count(usage: Any, path: str) -> int | None:
    """The count at a path; None if the report has none."""
    found = usage
    for name in path.split(".") if path else ():
        if found is None:
            return None
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, BaseModel):
            found = getattr(found, name, None)
        else:
            raise _SenselessError
    return None if found is None or not path else _bounded(found)


def _bounded(count: Any) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MOST_TOKENS:
        raise _SenselessError
    return count
