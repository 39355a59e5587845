"""How a language breaks lines: where a word may be hyphenated, which words stay together, which way lines run."""

import re
import unicodedata
from functools import lru_cache

import pyphen

from models.story import Direction

# Holds two words on one line. The lettering face has it, and all other non-breaking spaces become this one.
BOUND = "\u00a0"
_LEAST_BEFORE, _LEAST_AFTER = 2, 3

# Languages in which a one-letter word must not end a line.
_PROCLITIC = frozenset({"be", "bg", "cs", "hr", "mk", "pl", "ru", "sk", "sl", "sr", "uk"})
# Titles that stay on one line with the name after them.
_BEFORE_NAMES = {
    "de": ("Dr.", "Fr.", "Hr.", "Prof.", "St."),
    "en": ("Dr.", "Mr.", "Mrs.", "Ms.", "Mx.", "Prof.", "St."),
    "es": ("D.", "Dr.", "Dra.", "Sr.", "Sra.", "Srta."),
    "fr": ("M.", "Dr", "Me", "Mgr", "Mlle", "Mme", "Pr"),
    "it": ("Dr.", "Sig.", "Sig.ra"),
    "nl": ("Dhr.", "Dr.", "Mevr."),
    "pt": ("Dr.", "Dra.", "Sr.", "Sra."),
}
# A space before these belongs to them, as in French, or is a mistake; after those it does.
_CLOSING, _OPENING = "!?;:%»›…", "«‹¿¡"
# A dash that opens a speech stays with its first word.
_SPEECH_DASH = re.compile(r"^([–—―]) ")
_UNIT = re.compile(r"(?<=\d) (?=(?:[kcm]?m|k?g|h|s|°C?|€|\$|£)(?!\w))")
_KANA = re.compile(r"[\u3040-\u30ff]")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def bound(text: str, language: str) -> str:
    """The text with non-breaking spaces where no line may end; `language` may be empty."""
    text = re.sub(rf" (?=[{_CLOSING}])", BOUND, text)
    text = re.sub(rf"(?<=[{_OPENING}]) ", BOUND, text)
    text = _UNIT.sub(BOUND, _SPEECH_DASH.sub(rf"\1{BOUND}", text))
    primary = _primary(language)
    for title in _BEFORE_NAMES.get(primary, ()):
        text = re.sub(rf"(?<!\w){re.escape(title)} ", title + BOUND, text)
    if primary in _PROCLITIC:
        text = re.sub(r"(?<!\w)([^\W\d_]) (?=\w)", rf"\1{BOUND}", text)
    return text


@lru_cache(maxsize=20_000)
def syllables(word: str, language: str) -> tuple[str, ...]:
    """The word split where it may be hyphenated, by its language's dictionary; whole without one."""
    dictionary = _dictionary(language)
    letters = [at for at, sign in enumerate(word) if sign.isalpha()]
    if dictionary is None or not letters:
        return (word,)
    first, last = letters[0] + _LEAST_BEFORE, letters[-1] + 1 - _LEAST_AFTER
    # If hyphenation changes the spelling, the word stays whole: the text is set as written.
    cuts = [int(at) for at in dictionary.positions(word) if at.data is None and first <= at <= last]
    return tuple(word[start:end] for start, end in zip([0, *cuts], [*cuts, len(word)], strict=True))


def is_vertical(text: str, language: str, direction: Direction) -> bool:
    """Whether a text is set in columns: Japanese and Chinese are, on pages read from the right."""
    if direction != "rtl" or not _EAST_ASIAN.search(text):
        return False
    return _primary(language) in ("ja", "zh") or (not language and _KANA.search(text) is not None)


def is_spaced(sign: str) -> bool:
    """Whether this script has spaces between words although its letters are wide, like Korean."""
    return unicodedata.name(sign, "").startswith("HANGUL")


def _primary(language: str) -> str:
    return language.split("-")[0].casefold()


@lru_cache(maxsize=64)
def _dictionary(language: str) -> pyphen.Pyphen | None:
    named = {"no": "nb"}.get(language, language)
    found = pyphen.language_fallback(named.replace("-", "_")) if named else None
    return pyphen.Pyphen(lang=found) if found else None
