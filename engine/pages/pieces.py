"""Splits a long text into pieces for several balloons: at sentence ends, else at commas, else between words."""

import re
import unicodedata

# Marks that stand alone after a blank, as in French, belong to what they close.
_CLOSING = r"(?!(?:[!?;:\"”’»)\]]\s?)+(?:\s|$))"
_SENTENCE = re.compile(rf"(?<=[.!?…])[\"”’»)\]]*\s+{_CLOSING}|(?<=[.!?…]\s[\"”’»)\]])\s+|(?<=[。！？])(?![」』）])")
_CLAUSE = re.compile(rf"(?<=[,;:–—،、])\s+{_CLOSING}|(?<=、)")
_WORD = re.compile(rf"\s+{_CLOSING}")


def pieces(text: str, most: int) -> list[str]:
    """The text in order, in pieces of about `most` characters; wide ones count double, and no word is broken.

    Pieces joined again, with or without a space as the text had it, are the text.
    """
    return _packed(text, most, (_SENTENCE, _CLAUSE, _WORD))


def _packed(text: str, most: int, ends: tuple[re.Pattern[str], ...]) -> list[str]:
    if _length(text) <= most or not ends:
        return [text]
    packed: list[str] = []
    start = reached = 0
    marks = [found.end() for found in ends[0].finditer(text)]
    # Pieces of equal length read better than a full one and a short rest.
    even = _length(text) / max(round(_length(text) / most + 0.4), 1)
    for end in [*marks, len(text)]:
        if reached > start and _length(text[start:end].strip()) > min(most, 1.15 * even):
            packed.append(text[start:reached])
            start = reached
        reached = end
    packed.append(text[start:])
    return [small for piece in packed for small in _packed(piece.strip(), most, ends[1:]) if small]


def _length(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
