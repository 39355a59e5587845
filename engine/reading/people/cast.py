"""The people of a story, by every name that the text has for them: where each is named, and their gender."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.reading.people.words import (
    ARTICLES,
    CREATURES,
    HER_NAMES,
    HER_TITLES,
    HIS_NAMES,
    HIS_TITLES,
    LONG_NAMES,
    MEN,
    NOT_NAMES,
    PERSONS,
    TITLES,
    WOMEN,
    words_of,
)

WORD = re.compile(r"[^\W\d_][\w’'-]*")
# The narrator's word for themselves, in languages whose dialogue tags are known.
FIRST_PERSONS = frozenset({"I", "ich", "je"})
# Possessives of the narrator before a noun.
_DEFINITE = ("the", "that", "this", "der", "die", "das", "dem", "den", "des", "le", "la", "l’", "l'")


@dataclass(frozen=True)
class Mention:
    """A character named in a text, from `start` to before `end`."""

    start: int
    end: int
    name: str


class Cast:
    """Names with their aliases. An alias may be a role with its article ("the mate") or the narrator's "I"."""

    def __init__(self, names: tuple[str, ...], aliases: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self.names = names
        self.also = dict(aliases)
        called = {name: (name, *self.also.get(name, ())) for name in names}
        self.narrator = next((name for name in names if FIRST_PERSONS & set(called[name])), "")
        self.gender = {name: _gender(called[name]) for name in names}
        # Roles used as a form of address: "Aye, Captain."
        self.roles = {name: {words_of(one)[-1] for one in called[name] if words_of(one)} for name in names}
        # "It" may be an animal, a thing that speaks, or a person of whom nothing is known.
        self.creatures = {name for name in names if any(set(words_of(one)[-1:]) & CREATURES for one in called[name])}
        people = MEN | WOMEN | PERSONS
        self.beasts = {name for name in self.creatures if not any(set(words_of(one)) & people for one in called[name])}
        self._keys = _keys(names, self.also)
        longest_first = sorted(self._keys, key=lambda key: (-len(key), key))
        alternatives = "|".join(map(re.escape, longest_first))
        self._pattern = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)") if self._keys else None

    def mentions(self, text: str) -> list[Mention]:
        """Where a text names characters."""
        if self._pattern is None:
            return []
        found = self._pattern.finditer(text)
        return [Mention(match.start(), match.end(), self._keys[match.group()]) for match in found]

    def resolve(self, name: str) -> str:
        """The character that a name means, or none."""
        found = self.mentions(name) or self.mentions(name.title())
        return found[0].name if found else ""


def cast_of(names: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> Cast:
    """A cast; those who appear most come first, each once."""
    own = tuple(dict.fromkeys(names))
    return _cast(own, tuple((name, tuple(aliases[name])) for name in own if aliases.get(name)))


@lru_cache(maxsize=64)
def _cast(names: tuple[str, ...], aliases: tuple[tuple[str, tuple[str, ...]], ...]) -> Cast:
    return Cast(names, aliases)


def _keys(cast: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every way to say a name → the name: in full, each of its words that no other name has, by its title alone."""
    keys: dict[str, str] = {}
    owners: defaultdict[str, set[str]] = defaultdict(set)
    ranks: Counter[str] = Counter()
    # In a fixed order, whoever is on stage first: the same people give the same keys.
    for name in sorted(cast):
        for word in WORD.findall(name):
            ranks[word.lower()] += word.lower() in TITLES
            if word.lower() not in TITLES and word.lower() not in NOT_NAMES and (len(word) > 1 or not word.isascii()):
                owners[word].add(name)
    for word, names in owners.items():
        if len(names) == 1:
            owner = next(iter(names))
            # "The man" may be the old man; "an uneasy man" is the person being described.
            nameless = " " in owner and owner[1:].islower()
            forms = (f"the {word}", f"The {word}") if nameless else (word,)
            keys |= dict.fromkeys(forms, owner)
    for name in sorted(cast):
        for word in WORD.findall(name):
            if ranks[word.lower()] == 1 and word.lower() not in {"old", "young"}:
                keys |= {f"the {word.lower()}": name, f"The {word.lower()}": name, word.capitalize(): name}
    for name in sorted(cast):
        if " " not in name or name[1:].islower():
            for article in (*ARTICLES, "a", "an", "ein", "eine", "un", "une"):
                keys |= {f"{article} {name.lower()}": name, f"{article.capitalize()} {name.lower()}": name}
    for name in sorted(cast):
        for alias in aliases.get(name, ()):
            keys |= {key: name for key in _said(alias) if key not in cast}
    keys |= {name: name for name in cast if name not in FIRST_PERSONS}
    keys |= {key.upper(): name for key, name in list(keys.items()) if len(key) > 2}
    return keys


def _said(alias: str) -> list[str]:
    """How an alias may appear in a text."""
    if alias in FIRST_PERSONS:
        return []
    article, _, rest = alias.partition(" ")
    if rest and article.lower() in _DEFINITE:
        forms = [f"{article} {rest}", f"{article} {rest[0].upper()}{rest[1:]}"]
        return [form for one in forms for form in (one, one[0].upper() + one[1:])]
    return [alias, alias[0].upper() + alias[1:]]


def _gender(called: Sequence[str]) -> int:
    """Positive for a she, negative for a he, by titles, roles and first names; worth a few pronouns."""
    words = {word.strip(".") for name in called for word in words_of(name)}
    said = 8 * (bool(words & (HER_TITLES | WOMEN)) - bool(words & (HIS_TITLES | MEN)))
    if said:
        return said
    first = next(iter(words_of(called[0])), "")
    long = {first, LONG_NAMES.get(first, "")}
    known = bool(long & HER_NAMES) - bool(long & HIS_NAMES)
    # A name that ends in -a is usually a woman's.
    return 3 * known or 3 * (first.endswith("a") and first not in HIS_NAMES)
