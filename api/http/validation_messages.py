"""What does not fit in a request, in words for people. The library's own are for those who wrote the document."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.texts import UNFIT

# By the library's name of the error; what is in braces is what it tells besides.
_WORDS: Mapping[str, str] = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field here.",
    "string_type": "This must be a text.",
    "string_unicode": "This text has half a character in it.",
    "string_too_short": "This must have at least {min_length} characters.",
    "string_too_long": "This may have {max_length} characters at most.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_from_float": "This must be a whole number.",
    "float_type": "This must be a number.",
    "float_parsing": "This must be a number.",
    "finite_number": "This must be a number, and not an endless one.",
    "decimal_type": "This must be a number.",
    "decimal_parsing": "This must be a number.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "greater_than": "This must be more than {gt}.",
    "greater_than_equal": "This must be {ge} or more.",
    "less_than": "This must be less than {lt}.",
    "less_than_equal": "This may be {le} at most.",
    "uuid_type": "This is no id.",
    "uuid_parsing": "This is no id.",
    "enum": "This must be {expected}.",
    "literal_error": "This must be {expected}.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "too_short": "This must have at least {min_length} in it.",
    "too_long": "This may have {max_length} in it at most.",
    "json_invalid": "This is not JSON: {error}.",
    "timezone_naive": "Say the offset from UTC too, like 2026-01-31T12:00:00Z.",
    "datetime_type": "Give a date and a time with its offset, like 2026-01-31T12:00:00Z.",
    "datetime_parsing": "Give a date and a time with its offset, like 2026-01-31T12:00:00Z.",
    "datetime_from_date_parsing": "Give a date and a time with its offset, like 2026-01-31T12:00:00Z.",
}
# What has a form of its own, by the field's name.
_FORMS: Mapping[str, str] = {
    "cursor": "This is no cursor: pass `next_cursor` of the page before as it was.",
    "url": "An address begins with http:// or https:// and has no blanks.",
    "grant_type": "This must be `password`.",
    "budget_usd": "An amount looks like 12.5, with at most six digits before and after the point.",
    "idempotency-key": "A key has 1 to 255 letters, digits and signs, and no blanks.",
    "language": "A language is said like en, pt-BR or zh-Hant.",
    "metadata": "A name has up to 40 letters, digits and `_.-`; in a filter its value follows a colon.",
    "from": "A month looks like 2026-01.",
    "to": "A month looks like 2026-01.",
}


def in_words(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors as a sentence."""
    said: Callable[[Mapping[str, Any]], str] | None = _OTHERWISE.get(error["type"])
    if said is not None:
        return said(error)
    words = _WORDS.get(error["type"])
    # What we have no words for is still told.
    return str(error["msg"]) if words is None else words.format_map(error.get("ctx", {}))


def form_of(where: Sequence[str | int], pattern: str) -> str | None:
    """What is said of a text at a place of a request that does not have the form of its pattern, if anything is."""
    if pattern in UNFIT:
        return UNFIT[pattern]
    return next((_FORMS[part] for part in reversed(where) if isinstance(part, str) and part in _FORMS), None)


def _form(error: Mapping[str, Any]) -> str:
    return form_of(error["loc"], error["ctx"]["pattern"]) or "This does not have the form that is documented."


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
