"""Unicode's normal forms in linear time: the same text always has the same characters."""

import unicodedata
from typing import Literal

_MOST_ACCENTS, _JOINER = 30, "\u034f"


def normal_form(text: str, form: Literal["NFC", "NFKC", "NFKD"] = "NFC") -> str:
    """The text in a normal form. In a run of more than 30 combining marks, which no language has, a joiner follows
    every thirtieth, as in Unicode's stream-safe text (UAX 15): sorting the marks of one letter costs the square of
    their number.
    """
    return unicodedata.normalize(form, text if text.isascii() else _with_short_accents(text))


def _with_short_accents(text: str) -> str:
    pieces, run, start = [], 0, 0
    for at, sign in enumerate(text):
        run = run + 1 if unicodedata.combining(sign) else 0
        if run > _MOST_ACCENTS:
            pieces += [text[start:at], _JOINER]
            run, start = 1, at
    return "".join([*pieces, text[start:]])
