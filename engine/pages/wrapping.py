"""Breaks a text into lines, or into columns: balanced, never longer than asked, no word too long."""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.normal_form import normal_form
from engine.pages import columns, fonts
from engine.pages.languages import BOUND, bound, is_spaced, syllables
from engine.reading.emphasis import UNSPACED, stretches

_NEVER_FIRST = set("、。，．・：；？！ー」』）】〉》〕ぁぃぅぇぉっゃゅょァィゥェォッャュョ…‥%,.!?:;)]}”’")
_NEVER_LAST = set("「『（【〈《〔([{“‘")
# Two of these in a row are one sign.
_PAIRED = set("…‥―—")
_WORDS = re.compile(f"([ {BOUND}{fonts.SEAM}])")
# In other scripts than `UNSPACED`, as in Thai, a seam has to stand there: without it the sign would be one within a
# word, and no emphasis.
_SPACED = rf"[^\W_{UNSPACED}]"
_NEEDED = rf"(?<=[*_]){fonts.SEAM}(?={_SPACED})|(?<={_SPACED}){fonts.SEAM}(?=[*_])"
_SEAMS = re.compile(f"({_NEEDED})|{fonts.SEAM}")


@dataclass(frozen=True)
class Block:
    """Lines of text at one size: all measures in pixels, from the top of the first line's room.

    `widths` are the lines' lengths. Of a vertical block they run down, the first one on the right.
    """

    lines: tuple[str, ...]
    widths: tuple[float, ...]
    size: int
    vertical: bool = False
    language: str = ""

    @property
    def width(self) -> float:
        return self._across if self.vertical else self._along

    @property
    def line_height(self) -> int:
        return math.ceil(self.size * 1.2)

    @property
    def height(self) -> float:
        return self._along if self.vertical else self._across

    @property
    def _along(self) -> float:
        return max(self.widths, default=0.0)

    @property
    def _across(self) -> float:
        return float(self.line_height * len(self.lines))

    def baseline(self, line: int) -> float:
        """How far the line's baseline lies below the top of the block."""
        return line * self.line_height + 0.91 * self.size


@dataclass(frozen=True)
class _Piece:
    text: str
    spaced: bool
    width: float


def tidy(text: str, language: str = "") -> str:
    """The text on one line: control characters out, runs of white space to one space, which holds what it must hold.

    Where nothing of it would be seen, as of joiners alone, it is empty: there is nothing to set.
    """
    kept = "".join(_blank(sign) if sign.isspace() else sign for sign in text if sign.isspace() or _printable(sign))
    words = re.sub(r" *(\u00a0) *| +", lambda found: found[1] or " ", normal_form(kept))
    words = bound(words.strip(), language).strip(BOUND)
    return "" if all(sign.isspace() or fonts.invisible(sign) for sign in words) else words


def _blank(sign: str) -> str:
    return BOUND if unicodedata.decomposition(sign).startswith("<noBreak>") else " "


def emphasised(text: str) -> str:
    """The tidy text with `*bold*` and `_slanted_` words marked for drawing, and the signs around them gone."""
    for sign, mark in (("*", fonts.BOLD), ("_", fonts.SLANTED)):
        around, within = stretches(sign)
        text = within.sub(_seamed(mark), around.sub(_mark(mark), text))
    return text


def with_signs(text: str) -> str:
    """A marked text as it would be written: the opposite of `emphasised`."""
    words = []
    for word in _WORDS.split(text):
        for sign, mark in (("*", fonts.BOLD), ("_", fonts.SLANTED)):
            if mark in word:
                word = f"{sign}{word.replace(mark, '')}{sign}"
        words.append(word)
    return _SEAMS.sub(lambda seam: seam[1] or "", "".join(words))


def _mark(mark: str) -> Callable[[re.Match[str]], str]:
    return lambda found: _marked(found[1], mark)


def _seamed(mark: str) -> Callable[[re.Match[str]], str]:
    return lambda found: fonts.SEAM + _marked(found[1] or found[2], mark) + fonts.SEAM


def _marked(words: str, mark: str) -> str:
    return "".join(part if _WORDS.fullmatch(part) or not part else mark + part for part in _WORDS.split(words))


@lru_cache(maxsize=8192)
def block(text: str, size: int, room: float, language: str = "", *, vertical: bool = False) -> Block:
    """The tidy text in as few lines as `room` pixels allow, made as equal in length as those lines can be."""
    pieces = _pieces(text, size, room, language, vertical)
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
    return measured(lines, size, language, vertical=vertical)


def measured(lines: Sequence[str], size: int, language: str = "", *, vertical: bool = False) -> Block:
    """These lines as they are broken."""
    length = columns.length if vertical else fonts.width
    return Block(tuple(lines), tuple(length(line, size) for line in lines), size, vertical, language)


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
    return [line.strip(fonts.SEAM) for line in ([*lines, current] if current else lines)]


def _pieces(text: str, size: int, room: float, language: str, vertical: bool) -> list[_Piece]:
    length = columns.length if vertical else fonts.width
    found: list[_Piece] = []
    for spaced_word in text.split(" "):
        spaced = True
        words = [word for word in spaced_word.split(fonts.SEAM) if word]
        for marked in words:
            marks = "".join(mark for mark in (fonts.BOLD, fonts.SLANTED) if mark in marked)
            seam = fonts.SEAM if len(words) > 1 else ""
            for part in _breakable(fonts.plain(marked)):
                for piece in (marks + each + seam for each in _chop(part, size, room, language)):
                    found.append(_Piece(piece, spaced, length(piece, size)))
                    spaced = False
    return found


def _breakable(word: str) -> list[str]:
    """A word at the places where a line may end without a hyphen: after dashes and between ideographs."""
    parts: list[str] = []
    for at, sign in enumerate(word):
        before = word[at - 1] if at else ""
        wide = _ideographic(sign) or (before != "" and _ideographic(before))
        after_dash = before in "-–—/" and len(parts[-1]) > 1 if parts else False
        paired = sign in _PAIRED and sign == before
        glued = sign in _NEVER_FIRST or before in _NEVER_LAST or paired or _joins(sign, before)
        if parts and (glued or not (wide or (after_dash and sign.isalpha()))):
            parts[-1] += sign
        else:
            parts.append(sign)
    return parts


def _ideographic(sign: str) -> bool:
    """Whether a line may end beside this sign as it may between words."""
    return unicodedata.east_asian_width(sign) in "WF" and not is_spaced(sign)


def _chop(word: str, size: int, room: float, language: str) -> list[str]:
    """A word that fits no line, cut with a hyphen where the script knows one, between syllables if it may be."""
    if fonts.width(word, size) <= room:
        return [word]
    letter = next((sign for sign in word if sign.isalpha()), " ")
    hyphen = "-" if unicodedata.name(letter, "").startswith(("LATIN", "GREEK", "CYRILLIC")) else ""
    mark = fonts.width(hyphen, size) if hyphen else 0.0
    units = syllables(word, language)
    if any(fonts.width(unit, size) + mark > room for unit in units):
        units = _letters(word)
    parts: list[str] = []
    current, used = "", 0.0
    for number, unit in enumerate(units, 1):
        # Measured one by one: a little more than the joined word takes, never less than a line holds.
        wide = fonts.width(unit, size) + 0.02 * size
        if current and used + wide + (mark if number < len(units) else 0.0) > room:
            parts.append(current + hyphen)
            current, used = "", 0.0
        current += unit
        used += wide
    return [*parts, current]


def _letters(word: str) -> tuple[str, ...]:
    letters: list[str] = []
    for sign in word:
        if letters and _joins(sign, letters[-1][-1]):
            letters[-1] += sign
        else:
            letters.append(sign)
    return tuple(letters)


def _joins(sign: str, before: str) -> bool:
    return bool(unicodedata.combining(sign)) or fonts.invisible(sign) or before == "\u200d"
