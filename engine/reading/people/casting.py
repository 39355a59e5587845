"""The characters of a text: names found by how they are used, people without a name, and the narrator."""

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

from engine.reading import Sentence
from engine.reading.people.cast import FIRST_PERSONS
from engine.reading.people.name_evidence import NameEvidence, core_of
from engine.reading.people.roles import linked

_MOST_CHARACTERS = 24
# How many other names a person has, how many words a name that is looked up by each choice of them, and how long a
# short name such as "Teo" is.
_MOST_ALIASES, _MOST_WORDS = 40, 5
_LEAST_LETTERS, _MOST_LETTERS = 3, 16
_Key = tuple[bool, frozenset[str]]
_KeyT = TypeVar("_KeyT", bound=Hashable)
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
    groups = _Groups(elders)
    for name in known:
        groups.add(name)
    by_length = sorted(weights, key=lambda name: (-len(core_of(name)), -len(name.split()), -weights[name], name))
    presence: Counter[str] = Counter()
    for name in by_length:
        owners = {name} if name in groups.aliases else groups.sharing(name) or groups.beginning(name)
        if len(owners) == 1:
            [owner] = owners
            presence[owner] += weights[name]
            aliases = groups.aliases[owner]
            if name != owner and name not in aliases and len(aliases) < _MOST_ALIASES:
                aliases.append(name)
        elif not owners:
            groups.add(name)
            presence[name] += weights[name]
    found = sorted((name for name in groups.aliases if presence[name]), key=lambda name: (-presence[name], name))
    return [(name, groups.aliases[name]) for name in found]


class _Groups:
    """The people so far with their aliases, found by words and by beginnings, without comparing every pair of names.

    Only whether a name belongs to none, one or several matters: of each, two are kept. Elders are kept apart.
    """

    def __init__(self, elders: Collection[str]) -> None:
        self.aliases: dict[str, list[str]] = {}
        self._elders = elders
        # By each choice of its words, by all of its words, and by its first letters.
        self._within: dict[_Key, set[str]] = {}
        self._whole: dict[_Key, set[str]] = {}
        self._beginning: dict[tuple[bool, str], set[str]] = {}
        # Names with too many words to list every choice of them; texts give none, other writers few.
        self._long: dict[str, frozenset[str]] = {}

    def add(self, name: str) -> None:
        """A new person of that name."""
        if name in self.aliases:
            return
        self.aliases[name] = []
        elder, core = name in self._elders, core_of(name)
        if len(core) > _MOST_WORDS:
            self._long[name] = core
        elif core:
            _keep(self._whole, (elder, core), name)
            for words in _choices(core):
                _keep(self._within, (elder, words), name)
        if " " not in name:
            for length in range(_LEAST_LETTERS, min(len(name), _MOST_LETTERS) + 1):
                _keep(self._beginning, (elder, name[:length]), name)

    def sharing(self, name: str) -> set[str]:
        """Up to two whose words include the name's words, or are among them."""
        elder, core = name in self._elders, core_of(name)
        if not core:
            return set()
        found = {
            other
            for other, words in self._long.items()
            if (other in self._elders) == elder and (core <= words or words <= core)
        }
        if len(core) > _MOST_WORDS:
            return found | {
                other
                for (old, words), others in self._whole.items()
                if old == elder and words <= core
                for other in others
            }
        found |= self._within.get((elder, core), set())
        return found.union(*(self._whole.get((elder, words), set()) for words in _choices(core)))

    def beginning(self, name: str) -> set[str]:
        """Up to two that begin with the name: "Teo" is Teodor."""
        return self._beginning.get((name in self._elders, name), set())


def _choices(words: frozenset[str]) -> Iterator[frozenset[str]]:
    for count in range(1, len(words) + 1):
        yield from map(frozenset, combinations(sorted(words), count))


def _keep(index: dict[_KeyT, set[str]], key: _KeyT, name: str) -> None:
    kept = index.setdefault(key, set())
    if len(kept) < 2:
        kept.add(name)
