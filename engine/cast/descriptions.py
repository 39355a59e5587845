"""Which part of a prompt describes which person: from a name to the next name on stage."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.story import Attributes

FIXED = ("age", "build", "hair", "face", "clothes")


@dataclass(frozen=True)
class Stretch:
    """A part of a prompt that describes one person, beginning with their name."""

    name: str
    text: str


def stretches(prompt: str, people: Sequence[Attributes]) -> list[Stretch]:
    """The parts of a prompt in order, one per mention. A name inside an attribute begins none."""
    names = {who.name for who in people if who.name}
    if not names:
        return []
    known = sorted(names | {value for who in people for value in _values(who).values()}, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)")
    starts = [(match.start(), match.group()) for match in pattern.finditer(prompt) if match.group() in names]
    ends = [start for start, _ in starts[1:]] + [len(prompt)]
    # One more end than starts if the prompt names nobody.
    return [Stretch(name, prompt[start:end]) for (start, name), end in zip(starts, ends, strict=False)]


def described(prompt: str, people: Sequence[Attributes]) -> dict[str, str]:
    """The part with all fixed attributes of a person, by name; people without such a part are missing."""
    found: dict[str, str] = {}
    own = {who.name: _values(who).values() for who in people}
    for one in stretches(prompt, people):
        if all(value in one.text for value in own[one.name]):
            found[one.name] = one.text
    return found


def mixed_up(prompt: str, people: Sequence[Attributes]) -> list[str]:
    """What keeps two or more people of a prompt from being distinguished, as sentences for its writer."""
    notes = []
    found = described(prompt, people)
    for who in people:
        if who.name not in found:
            notes.append(f"{who.name}: all attributes must follow the name, before anybody is named again")
            continue
        rest = found[who.name]
        for piece in sorted([*_values(who).values(), *filter(None, who.props)], key=len, reverse=True):
            rest = rest.replace(piece, " ")
        notes += [
            f"{other.name}: {field} ({value}) stands with {who.name}"
            for other in people
            for field, value in _values(other).items()
            # A single word may describe anything.
            if other.name != who.name and " " in value and value in rest
        ]
    return notes


def named_off_stage(
    text: str, on_stage: Sequence[Attributes], absent: Iterable[str], given: Iterable[str] = ()
) -> list[str]:
    """The absent characters that a prompt names nevertheless.

    Names, aliases and attributes of those on stage do not count, so that "Ada" is not found in "Ada Reed"; nor does
    `given`, the text that the prompt must repeat, such as the style and the look of the location.
    """
    names = {who.name for who in on_stage}
    own = set(given)
    for who in on_stage:
        own |= {who.name, *who.aliases, *who.props, *_values(who).values()}
    for piece in sorted(filter(None, own), key=len, reverse=True):
        text = text.replace(piece, " ")
    return [name for name in absent if name and name not in names and _has_word(text, name)]


def _has_word(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _values(who: Attributes) -> dict[str, str]:
    return {field: value for field in FIXED if (value := getattr(who, field))}
