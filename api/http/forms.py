"""What a string has to look like, for people: no error message shows a regular expression."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.texts import UNFIT

# By the name of the field; `models.texts` describes the patterns that several fields share.
_FORMS: Mapping[str, str] = {
    "cursor": "Invalid cursor: pass `next_cursor` of the previous page unchanged.",
    "url": "A URL begins with http:// or https:// and contains no spaces.",
    "grant_type": "This must be `password`.",
    "budget_usd": "Write an amount like 12.5, with at most six digits before and after the point.",
    "idempotency-key": "A key has 1 to 255 letters, digits and punctuation marks, and no spaces.",
    "language": "Use a BCP 47 tag such as en, pt-BR or zh-Hant.",
    "metadata": "A name has up to 40 letters, digits and `_.-`; in a filter its value follows a colon.",
    "from": "Write a month like 2026-01.",
    "to": "Write a month like 2026-01.",
}


def message_of(error: Mapping[str, Any]) -> str:
    """The message of one of pydantic's errors: pydantic's own, but for patterns and for checks of ours."""
    match error["type"]:
        case "string_pattern_mismatch":
            return form_of(error["loc"], error["ctx"]["pattern"]) or "This does not have the documented form."
        case "value_error":
            message = str(error["ctx"]["error"])
            return f"{message[:1].upper()}{message[1:].rstrip('.')}."
        case _:
            return str(error["msg"])


def form_of(location: Sequence[str | int], pattern: str) -> str | None:
    """The message for a string that does not match its pattern, by its place in the request; None if there is none."""
    if pattern in UNFIT:
        return UNFIT[pattern]
    names = (part for part in reversed(location) if isinstance(part, str))
    return next((_FORMS[name] for name in names if name in _FORMS), None)
