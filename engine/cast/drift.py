"""Finds where a chapter's prompts depart from its characters: missing or contradicted attributes, and strangers.

Compares text only, word by word, with short lists of colours and garments: unknown words are not judged, and pictures
are not looked at.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from engine.cast.descriptions import FIXED, named_off_stage, stretches
from engine.cast.vocabulary import COLOURS, EYES, GARMENTS, HAIR, colours_in, same_colour, words_of
from models.story import Attributes


class Kind(StrEnum):
    """What is wrong: an attribute is missing or contradicted; a person is named who is absent, or not named who is
    present.
    """

    MISSING = "missing"
    CONTRADICTED = "contradicted"
    STRANGER = "stranger"
    UNNAMED = "unnamed"


@dataclass(frozen=True)
class PromptedPanel:
    """A panel's prompt, and who should be in it. `given` is other text that may name people: the style, the
    location's look.
    """

    panel_id: UUID
    prompt: str
    characters: Sequence[Attributes]
    absent: Sequence[str] = ()
    given: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Finding:
    """One place where a prompt departs from a character. `found` is the prompt's own words, if it has any."""

    panel_id: UUID
    character: str
    kind: Kind
    attribute: str = ""
    expected: str = ""
    found: str = ""


_COLOUR = "|".join(sorted(COLOURS))
_WORD = r"(?!(?:of|and|or|in|on|at|with|from|the|an?|his|her|their)\b)[a-zß-ÿ-]+,?\s+"
_SOME = rf"(?:{_WORD}){{0,2}}?"
_HAIR = re.compile(rf"\b(?P<colour>{_COLOUR}),?\s+{_SOME}(?:{'|'.join(sorted(HAIR))})\b", re.IGNORECASE)
_EYES = re.compile(rf"\b(?P<colour>{_COLOUR}),?\s+{_SOME}(?:{'|'.join(sorted(EYES))})\b", re.IGNORECASE)
_GARMENT = "|".join(sorted(map(re.escape, GARMENTS), key=len, reverse=True))
# "In a red coat", "wearing her old dress".
_WORN = re.compile(
    r"\b(?:in|wear(?:s|ing)?|wore|dressed\s+in|clad\s+in|has\s+on|puts?\s+on)\s+(?:an?\s+|the\s+|his\s+|her\s+|their\s+)?"
    rf"(?P<phrase>(?:{_WORD}){{0,3}}?(?P<noun>{_GARMENT}))\b(?![\w’'-])",
    re.IGNORECASE,
)
_COLOURED = re.compile(rf"\b(?P<phrase>(?:{_COLOUR})\s+{_SOME}(?P<noun>{_GARMENT}))\b(?![\w’'-])", re.IGNORECASE)
# A person with hair of that colour.
_CALLED = re.compile(
    r"\b(?P<word>blonde?|redhead(?:ed)?|brunette|bald)\b(?!\s+(?:hair|braid|curls|beard))", re.IGNORECASE
)
_MEANS = {"redhead": "red", "redheaded": "red", "brunette": "brown"}


def drift(panels: Iterable[PromptedPanel]) -> list[Finding]:
    """All findings, panel by panel in the given order."""
    return [finding for panel in panels for finding in _of_panel(panel)]


def _of_panel(panel: PromptedPanel) -> Iterator[Finding]:
    described: dict[str, list[str]] = {}
    for stretch in stretches(panel.prompt, panel.characters):
        described.setdefault(stretch.name, []).append(stretch.text)
    for who in panel.characters:
        if who.name not in described:
            yield Finding(panel.panel_id, who.name, Kind.UNNAMED)
        for attribute in FIXED:
            expected: str = getattr(who, attribute)
            if expected and expected not in panel.prompt:
                yield Finding(panel.panel_id, who.name, Kind.MISSING, attribute, expected)
        otherwise = [one for text in described.get(who.name, []) for one in _otherwise(who, text)]
        for attribute, found in dict.fromkeys(otherwise):
            yield Finding(panel.panel_id, who.name, Kind.CONTRADICTED, attribute, getattr(who, attribute), found)
    text = panel.prompt
    for piece in filter(None, panel.given):
        text = text.replace(piece, " ")
    for name in named_off_stage(text, panel.characters, panel.absent, [" ".join(panel.given)]):
        yield Finding(panel.panel_id, name, Kind.STRANGER, found=name)


def _otherwise(who: Attributes, text: str) -> Iterator[tuple[str, str]]:
    """The attributes that a part contradicts, with its words for them."""
    rest = text
    for piece in sorted([*(getattr(who, one) for one in FIXED), *who.props], key=len, reverse=True):
        rest = rest.replace(piece, " ") if piece else rest
    for attribute, pattern in (("hair", _HAIR), ("face", _EYES)):
        known = colours_in(f"{who.hair} {who.face}")
        for match in pattern.finditer(rest):
            own = known if attribute == "hair" else colours_in(who.face)
            if own and not _suits(match["colour"], own):
                yield attribute, match.group()
    for match in _CALLED.finditer(rest):
        word = match["word"].lower()
        own = colours_in(who.hair)
        bald = word == "bald" and who.hair and "bald" not in words_of(who.hair)
        if bald or (word != "bald" and own and not _suits(_MEANS.get(word, word), own)):
            yield "hair", match["word"]
    if not who.clothes:
        return
    worn = set(words_of(f"{who.clothes} {' '.join(who.props)}"))
    for match in (*_WORN.finditer(rest), *_COLOURED.finditer(rest)):
        noun, colours = match["noun"].lower(), colours_in(match["phrase"])
        own = colours_in(who.clothes)
        another_colour = noun in worn and colours and own and not any(_suits(one, own) for one in colours)
        another_garment = noun not in worn and match.re is _WORN
        if another_colour or another_garment:
            yield "clothes", match["phrase"]


def _suits(colour: str, own: Iterable[str]) -> bool:
    return any(same_colour(colour.lower(), one) for one in own)
