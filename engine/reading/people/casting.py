"""The characters of a text: names found by how they are used, people without a name, and the narrator."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from engine.reading import Sentence
from engine.reading.people.cast import FIRST_PERSONS
from engine.reading.people.name_evidence import NameEvidence, core_of
from engine.reading.people.roles import linked

_MOST_CHARACTERS = 24
# With at least this many lines that begin with a name, a text is a play.
_LINES_OF_A_PLAY = 6
_CAPITALS = re.compile(r"\b[^\W\d_a-z]{3,}\b")
# "DORIAN WELLS (45, in a robe)": how a screenplay introduces a character whose lines say only DORIAN.
_INTRODUCED = re.compile(r"\b(?P<name>[^\W\d_a-z]{2,}(?:\s[^\W\d_a-z]{2,}){1,2})(?=\s*\(\d)")


def find_cast(parts: Sequence[Sentence], known: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The characters of a text as (name, aliases), those who appear most first."""
    evidence = NameEvidence()
    for part in parts:
        evidence.read(part)
    word, named = evidence.narrator()
    weights = evidence.accepted()
    known_words = {one.casefold() for name in weights for one in name.split()}
    for part in parts:
        for match in _INTRODUCED.finditer(" ".join(part.told)):
            if known_words & set(match["name"].casefold().split()):
                weights[match["name"].title()] += 1
    if named:
        weights[named] += 1
    found = [entry for entry in _merged(weights, known, evidence.young) if entry[0] not in FIRST_PERSONS]
    if word:
        # One entry for the narrator, whichever of their names was found.
        own = next(((name, also) for name, also in found if named and named in (name, *also)), (word, []))
        found = [own, *(entry for entry in found if entry[0] != own[0])]
        if own[0] != word:
            own[1].append(word)
    return linked(parts, _played(parts, found, known)[:_MOST_CHARACTERS])


def _played(
    parts: Sequence[Sentence], found: Sequence[tuple[str, list[str]]], known: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """In a play, characters have lines or are introduced in capitals: a stuffed bear that others talk to is a thing."""
    cues = [part.cue.casefold() for part in parts if part.cue]
    if len(cues) < _LINES_OF_A_PLAY or 5 * len(cues) < len(parts):
        return list(found)
    # Headings are all capitals.
    told = " ".join(text for part in parts if not part.cue for text in part.told if text.upper() != text)
    playing = {*cues, *(word.casefold() for word in _CAPITALS.findall(told)), *(name.casefold() for name in known)}
    words = {word for name in playing for word in name.split()}
    return [(name, also) for name, also in found if any(words & set(one.casefold().split()) for one in (name, *also))]


def _merged(weights: Counter[str], known: Sequence[str], young: Collection[str]) -> list[tuple[str, list[str]]]:
    """One entry per person: shorter names go to the one longer name that contains them.

    If there is a young Tom, Old Tom is another person.
    """
    elders = {name for name in [*weights, *known] if name.split()[0] == "Old" and name.split()[-1] in young}
    groups: dict[str, list[str]] = {name: [] for name in known}
    by_length = sorted(weights, key=lambda name: (-len(core_of(name)), -len(name.split()), -weights[name], name))
    presence: Counter[str] = Counter()
    for name in by_length:
        own = core_of(name)
        others = [other for other in groups if (other in elders) == (name in elders)]
        owners = [
            other for other in others if own and (own <= core_of(other) or core_of(other) <= own) and core_of(other)
        ]
        if name in groups:
            owners = [name]
        elif not owners:
            # "Teo" is Teodor.
            owners = [other for other in others if len(name) >= 3 and other.startswith(name) and " " not in other]
        if len(owners) == 1:
            presence[owners[0]] += weights[name]
            if name != owners[0] and name not in groups[owners[0]]:
                groups[owners[0]].append(name)
        elif not owners:
            groups[name] = []
            presence[name] += weights[name]
    found = sorted((name for name in groups if presence[name]), key=lambda name: (-presence[name], name))
    return [(name, groups[name]) for name in found]
