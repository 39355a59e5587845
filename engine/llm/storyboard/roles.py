"""Roles that mean somebody who also has a name: "the mate" is Croft, "the landlady" Mrs. Okell."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.llm.storyboard.cast import Cast, cast_of
from engine.llm.storyboard.words import CREATURES, MEN, PEOPLE, WOMEN, words_of
from engine.reading import Sentence, at_sentence_ends

# What a role must be worth to be somebody's, and by how much more than anybody else's.
_ENOUGH, _MARGIN = 2.0, 1.0
# So many sentences back a name may be what a role means.
_REACH = 4

_ROLE = re.compile(
    r"\b(?:[Tt]he|[Dd](?:er|ie|as)|[Ll][ea])\s+(?:(?:old|young|new|big|little|poor|alte|junge|vieux|vieille)\s+)?"
    rf"(?P<role>(?i:{'|'.join(sorted(PEOPLE | WOMEN | MEN | CREATURES))}))\b(?!['’-]\w)"
)
_BEFORE_NAME = re.compile(r"\b(?:the|my|our|der|die|das|le|la)\s+(?:\w+\s+)?(?P<role>[\w-]+),?\s+$", re.IGNORECASE)
_BEHIND_NAME = re.compile(
    r",?\s+(?:(?:was|is|war|ist|était|est)\s+)?(?:the|my|our|der|die|das|le|la|notre|unser)\s+"
    r"(?:[a-z]+\s+)?(?P<role>[^\W\d_][\w-]+)\b",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:an?|the)\s+(?:[\w-]+,?\s+){0,3}?(?P<role>[\w-]+),?\s+(?:who was\s+)?(?:called|named)\s+$", re.IGNORECASE
)


def linked(parts: Sequence[Sentence], found: Sequence[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The same people with the roles that mean them among their aliases; a role that had its own entry loses it."""
    nameless = {name: name.split()[-1].lower() for name, _ in found if _is_role(name)}
    named = [(name, also) for name, also in found if name not in nameless]
    if not named:
        return list(found)
    cast = cast_of([name for name, _ in named], dict(named))
    owner = _owners(_Sightings(parts, cast), cast)
    also = {name: list(aliases) for name, aliases in found}
    gone = {name for name, role in nameless.items() if role in owner}
    for role, (name, article) in owner.items():
        if f"{article} {role}" not in also[name]:
            also[name].append(f"{article} {role}")
    return [(name, also[name]) for name, _ in found if name not in gone]


def _is_role(name: str) -> bool:
    words = name.split()
    return words[-1].lower() in PEOPLE and (name[1:].islower() or len(words) == 1)


class _Sightings:
    """Where names and roles stand, sentence by sentence, and what the text itself equates."""

    def __init__(self, parts: Sequence[Sentence], cast: Cast) -> None:
        self.cast = cast
        self.articles: dict[str, str] = {}
        self.equated: Counter[tuple[str, str]] = Counter()
        # Per sentence: the names and the roles in it, in order; per paragraph: who is said to speak.
        self.names: list[list[str]] = []
        self.roles: list[list[str]] = []
        self.tags: list[str] = []
        for part in parts:
            for text, told in _clauses(part):
                self._read(text, told)

    def _read(self, text: str, told: bool) -> None:
        mentions = self.cast.mentions(text)
        for mention in mentions:
            before, after = text[: mention.start], text[mention.end :]
            for match in (_BEFORE_NAME.search(before), _BEHIND_NAME.match(after), _CALLED.search(before)):
                if match and match["role"].lower() in PEOPLE | WOMEN | MEN | CREATURES:
                    self.equated[match["role"].lower(), mention.name] += 1
                    self.articles.setdefault(match["role"].lower(), "the")
        if not told:
            # Who is called by name in a speech is there, as good as named in what is told.
            self.names.append([mention.name for mention in mentions])
            self.roles.append([])
            return
        roles = []
        for match in _ROLE.finditer(text):
            role = match["role"].lower()
            self.articles.setdefault(role, match.group().split()[0].lower())
            roles.append(role)
        self.names.append([mention.name for mention in mentions])
        self.roles.append(roles)


def _clauses(part: Sentence) -> Iterator[tuple[str, bool]]:
    for stretch in part.stretches:
        if stretch.quoted:
            yield stretch.text, False
        else:
            yield from ((sentence, True) for sentence in at_sentence_ends(stretch.text))


def _owners(seen: _Sightings, cast: Cast) -> dict[str, tuple[str, str]]:
    """Role → (name, article): by what the text says outright, else by who was named right before and nobody else."""
    score: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (role, name), often in seen.equated.items():
        score[role][name] += 10 * often
    for index, roles in enumerate(seen.roles):
        for role in roles:
            near: dict[str, float] = {}
            for back in range(min(_REACH, index) + 1):
                for name in reversed(seen.names[index - back]):
                    if _fits(role, name, cast):
                        near.setdefault(name, -3.0 if not back else 1.0 / back)
            score[role].update(near)
    owner: dict[str, tuple[str, str]] = {}
    for role in sorted(role for role in score if score[role]):
        ranked = sorted(score[role].items(), key=lambda item: (-item[1], item[0]))
        best, runner_up = ranked[0], ranked[1][1] if len(ranked) > 1 else 0.0
        if best[1] >= _ENOUGH and best[1] >= runner_up + _MARGIN:
            owner[role] = best[0], seen.articles[role]
    return owner


def _fits(role: str, name: str, cast: Cast) -> bool:
    gender = (role in WOMEN) - (role in MEN)
    return gender * cast.gender[name] >= 0 and name != cast.narrator


__all__ = ["linked", "pairwise"]
