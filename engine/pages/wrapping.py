"""Breaks a text into lines: balanced, never wider than asked, no word too long."""

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from engine.pages import fonts

_NEVER_FIRST = set("、。，．・：；？！ー」』）】〉》〕ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥%,.!?:;)]}”’")
_NEVER_LAST = set("「『（【〈《〔([{“‘")


@dataclass(frozen=True)
class Block:
    """Lines of text at one size: all measures in pixels, from the top of the first line's room."""

    lines: tuple[str, ...]
    widths: tuple[float, ...]
    size: int

    @property
    def width(self) -> float:
        return max(self.widths, default=0.0)

    @property
    def line_height(self) -> int:
        return math.ceil(self.size * 1.2)

    @property
    def height(self) -> float:
        return float(self.line_height * len(self.lines))

    def baseline(self, line: int) -> float:
        """How far the line's baseline lies below the top of the block."""
        return line * self.line_height + 0.91 * self.size


@dataclass(frozen=True)
class _Piece:
    text: str
    spaced: bool
    width: float


def tidy(text: str) -> str:
    """The text on one line: control characters out, runs of white space to one space."""
    kept = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or _printable(sign))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def emphasised(text: str) -> str:
    """The tidy text with `*bold*` and `_slanted_` words marked for drawing, and the signs around them gone."""
    for sign, mark in (("*", fonts.BOLD), ("_", fonts.SLANTED)):
        span = rf"(?<![^\W_]){re.escape(sign)}(?=[^\s{sign}])([^{sign}]+)(?<=\S){re.escape(sign)}(?![^\W_])"
        text = re.sub(span, _mark(mark), text)
    return text


def written(text: str) -> str:
    """A marked text as it would be written: the opposite of `emphasised`."""
    words = []
    for word in text.split(" "):
        for sign, mark in (("*", fonts.BOLD), ("_", fonts.SLANTED)):
            if mark in word:
                word = f"{sign}{word.replace(mark, '')}{sign}"
        words.append(word)
    return " ".join(words)


def _mark(mark: str) -> Callable[[re.Match[str]], str]:
    return lambda found: " ".join(mark + word for word in found[1].split(" "))


def block(text: str, size: int, room: float) -> Block:
    """The tidy text in as few lines as `room` pixels allow, made as equal in width as those lines can be."""
    pieces = _pieces(text, size, room)
    lines = _fill(pieces, size, room)
    low, high = max((piece.width for piece in pieces), default=0.0), room
    low = max(low, sum(piece.width for piece in pieces) / max(len(lines), 1))
    while high - low > size * 0.25:
        middle = (low + high) / 2
        tried = _fill(pieces, size, middle)
        if len(tried) <= len(lines):
            lines, high = tried, middle
        else:
            low = middle
    return Block(tuple(lines), tuple(fonts.width(line, size) for line in lines), size)


def _printable(sign: str) -> bool:
    return unicodedata.category(sign) not in ("Cc", "Cs") and sign not in (fonts.BOLD, fonts.SLANTED)


def _fill(pieces: list[_Piece], size: int, room: float) -> list[str]:
    space = fonts.width(" ", size)
    lines: list[str] = []
    current, used = "", 0.0
    for piece in pieces:
        gap = space if piece.spaced and current else 0.0
        if current and used + gap + piece.width > room:
            lines.append(current)
            current, used = piece.text, piece.width
        else:
            current += (" " if gap else "") + piece.text
            used += gap + piece.width
    return [*lines, current] if current else lines


def _pieces(text: str, size: int, room: float) -> list[_Piece]:
    found: list[_Piece] = []
    for marked in text.split(" "):
        spaced = True
        word = fonts.plain(marked)
        marks = "".join(mark for mark in (fonts.BOLD, fonts.SLANTED) if mark in marked)
        for part in _breakable(word):
            for piece in (marks + each for each in _chop(part, size, room)):
                found.append(_Piece(piece, spaced, fonts.width(piece, size)))
                spaced = False
    return found


def _breakable(word: str) -> list[str]:
    """A word at the places where a line may end without a hyphen: after dashes and between ideographs."""
    parts: list[str] = []
    for at, sign in enumerate(word):
        before = word[at - 1] if at else ""
        wide = unicodedata.east_asian_width(sign) in "WF" or (before and unicodedata.east_asian_width(before) in "WF")
        after_dash = before in "-–—/" and len(parts[-1]) > 1 if parts else False
        glued = sign in _NEVER_FIRST or before in _NEVER_LAST or _joins(sign, before)
        if parts and (glued or not (wide or (after_dash and sign.isalpha()))):
            parts[-1] += sign
        else:
            parts.append(sign)
    return parts


def _chop(word: str, size: int, room: float) -> list[str]:
    """A word that fits no line, cut between letters with a hyphen where the script knows one."""
    if fonts.width(word, size) <= room:
        return [word]
    letters: list[str] = []
    for sign in word:
        if letters and _joins(sign, letters[-1][-1]):
            letters[-1] += sign
        else:
            letters.append(sign)
    hyphen = "-" if unicodedata.name(word[0], "").startswith(("LATIN", "GREEK", "CYRILLIC")) else ""
    mark = fonts.width(hyphen, size) if hyphen else 0.0
    parts: list[str] = []
    current, used = "", 0.0
    for letter in letters:
        # Letters measured one by one: a little more than the joined word takes, never less than a line holds.
        wide = fonts.width(letter, size) + 0.02 * size
        if current and used + wide + mark > room:
            parts.append(current + hyphen)
            current, used = "", 0.0
        current += letter
        used += wide
    return [*parts, current]


def _joins(sign: str, before: str) -> bool:
    return bool(unicodedata.combining(sign)) or fonts.invisible(sign) or before == "\u200d"
