"""Validation errors of requests as sentences for users; pydantic's own messages are for programmers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.texts import UNFIT

# By pydantic's error type; braces hold values from the error's context.
_WORDS: Mapping[str, str] = {
    "missing": "This is required.",
    "extra_forbidden": "Unknown field.",
    "string_type": "This must be a string.",
    "string_unicode": "This string contains an incomplete character.",
    "string_too_short": "At least {min_length} characters.",
    "string_too_long": "At most {max_length} characters.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_from_float": "This must be a whole number.",
    "float_type": "This must be a number.",
    "float_parsing": "This must be a number.",
    "finite_number": "This must be a finite number.",
    "decimal_type": "This must be a number.",
    "decimal_parsing": "This must be a number.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "greater_than": "This must be more than {gt}.",
    "greater_than_equal": "This must be {ge} or more.",
    "less_than": "This must be less than {lt}.",
    "less_than_equal": "This must be {le} or less.",
    "uuid_type": "This must be a UUID.",
    "uuid_parsing": "This must be a UUID.",
    "enum": "This must be {expected}.",
    "literal_error": "This must be {expected}.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "too_short": "At least {min_length} items.",
    "too_long": "At most {max_length} items.",
    "json_invalid": "This is not valid JSON: {error}.",
    "timezone_naive": "Add the offset from UTC, e.g. 2026-01-31T12:00:00Z.",
    "datetime_type": "Use a date and time with offset, e.g. 2026-01-31T12:00:00Z.",
    "datetime_parsing": "Use a date and time with offset, e.g. 2026-01-31T12:00:00Z.",
    "datetime_from_date_parsing": "Use a date and time with offset, e.g. 2026-01-31T12:00:00Z.",
}
# Messages for fields with a pattern, by the name of the field.
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


def in_words(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors as a sentence."""
    said: Callable[[Mapping[str, Any]], str] | None = _OTHERWISE.get(error["type"])
    if said is not None:
        return said(error)
    words = _WORDS.get(error["type"])
    # Without a message of our own, pydantic's is used.
    return str(error["msg"]) if words is None else words.format_map(error.get("ctx", {}))


def form_of(where: Sequence[str | int], pattern: str) -> str | None:
    """The message for a string that does not match its pattern, by its place in the request; None if there is none."""
    if pattern in UNFIT:
        return UNFIT[pattern]
    return next((_FORMS[part] for part in reversed(where) if isinstance(part, str) and part in _FORMS), None)


def _form(error: Mapping[str, Any]) -> str:
    return form_of(error["loc"], error["ctx"]["pattern"]) or "This does not have the documented form."


def _too_short(error: Mapping[str, Any]) -> str:
    least = error["ctx"]["min_length"]
    return "This must not be empty." if least == 1 else _WORDS[error["type"]].format(min_length=least)


def _ours(error: Mapping[str, Any]) -> str:
    said = str(error["ctx"]["error"])
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."


_OTHERWISE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_pattern_mismatch": _form,
    "string_too_short": _too_short,
    "too_short": _too_short,
    "value_error": _ours,
}
