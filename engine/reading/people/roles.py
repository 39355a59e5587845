"""Roles of people who also have a name: "the mate" is Croft, "the landlady" Mrs. Okell."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.reading import Sentence, at_sentence_ends
from engine.reading.people.cast import Cast, cast_of
from engine.reading.people.references import ASKS_NAME, INTRODUCES, addressed, genders, references
from engine.reading.people.words import (
    CHILDREN,
    CREATURES,
    GENERAL,
    HER_TITLES,
    HIS_TITLES,
    KIN,
    MEN,
    PEOPLE,
    PERSONS,
    RANKS,
    TITLES,
    WOMEN,
    words_of,
)

# The evidence that a role needs to be a person's, and the margin over all others.
_ENOUGH, _MARGIN = 1.0, 0.9
_SAID_OUTRIGHT = 10.0
# Within this many paragraphs before it, a name may be what a role means.
_REACH = 6
# How many ways to write a role are kept ("the mate", "the old Mate"): a text has a few.
_MOST_PHRASES = 40

KNOWN_ROLES = PEOPLE | WOMEN | MEN | CREATURES
_AGES = frozenset(
    [
        "old",
        "young",
        "new",
        "big",
        "little",
        "small",
        "poor",
        "good",
        "alte",
        "junge",
        "kleine",
        "vieux",
        "vieille",
        "jeune",
        "petite",
        "petit",
    ]
)
_ARTICLE = "(?P<article>[Tt]he|[Hh](?:is|er)(?=\\s+l)|[Mm]y|[Oo]ur|[Dd](?:er|ie|as)|[Ll][ea]|[Mm](?:ein|eine|on|a))"
_KNOWN = rf"(?P<role>(?i:{'|'.join(sorted(KNOWN_ROLES))}))\b(?!['’-]\w)"
_ROLE = re.compile(rf"\b{_ARTICLE}\s+(?:(?:{'|'.join(sorted(_AGES))})\s+)?{_KNOWN}")
_BEFORE_NAME = re.compile(rf"\b{_ARTICLE}\s+(?:\w+\s+)?{_KNOWN},?\s+$", re.IGNORECASE)
_BEHIND_NAME = re.compile(
    rf"(?:,\s+|\s+)(?:(?:was|is|war|ist|était|est)\s+)?{_ARTICLE}\s+(?:[a-z]+\s+)??{_KNOWN}",
    re.IGNORECASE,
)
_SELF = re.compile(rf",\s+(?:and\s+)?I['’ ]a?m\s+(?P<article>the)\s+(?:\w+\s+)??{_KNOWN}")
_CALLED = re.compile(
    rf"\b(?P<article>an?|the|une?|eine?)\s+(?:[\w-]+,?\s+){{0,3}}?{_KNOWN},?\s+(?:who was\s+)?"
    r"(?:called|named|namens|nommée?)\s+$",
    re.IGNORECASE,
)
# "She's called Rex", said of the animal mentioned last.
_GIVEN = re.compile(
    r"\b(?:(?:[Ss]he|[Hh]e|[Ii]t)(?:['’]s|\sis|\swas)\scalled|(?:[Hh]er|[Hh]is|[Ii]ts)\sname(?:['’]s|\sis|\swas))\s+$"
)
_ANIMAL = re.compile(rf"\b(?i:an?|the)\s+(?:\w+\s+)?(?P<role>{'|'.join(sorted(CREATURES - MEN - WOMEN - PERSONS))})\b")
_THING = re.compile(r"\b[Tt]he\s+(?P<noun>[a-z]+)\b")
_NEW = re.compile(rf"\b(?:an?|eine?|une?)\s+(?:[a-zäöüéè][\w’'-]+,?\s+){{0,2}}?{_KNOWN}", re.IGNORECASE)
_GERMAN = {"der", "die", "das", "mein", "meine"}
_DEFINITE = {"a": "the", "an": "the", "un": "le", "une": "la", "ein": "der", "eine": "die"}


@dataclass
class _Paragraph:
    """Who is named in a paragraph, sentence by sentence of its narration, and who is addressed in its speech."""

    told: list[tuple[list[str], list[str]]] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    speaks: bool = False

    def people(self) -> set[str]:
        return {one for names, roles in self.told for one in (*names, *roles)}


def linked(parts: Sequence[Sentence], found: Sequence[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The same people with their roles among their aliases; the roles' own entries are gone."""
    roles = {name.split()[-1].lower(): name for name, _ in found if is_role(name)}
    # "The station said": a thing that speaks has no trade.
    things = {match["noun"] for part in parts for told in part.told for match in _THING.finditer(told)}
    named = {name: also for name, also in found if name not in roles.values() and name.lower() not in things}
    everybody = dict(found)
    seen = _Sightings(parts, cast_of(list(named), named), genders(parts, cast_of(list(everybody), everybody)))
    also = {name: list(aliases) for name, aliases in found}
    gone: set[str] = set()
    owner = seen.owners_of_roles()
    for role, name in owner.items():
        also[name] += [phrase for phrase in seen.phrases[role] if phrase not in also[name]]
        gone.update([roles[role]] if role in roles else [])
    return [(name, also[name]) for name, _ in found if name not in gone]


def is_role(name: str) -> bool:
    """Whether a person is known by a role, not by a name."""
    words = name.split()
    return words[-1].lower() in KNOWN_ROLES and (name[1:].islower() or len(words) == 1)


class _Sightings:
    """Where names and roles appear, and which of them the text itself equates."""

    def __init__(self, parts: Sequence[Sentence], cast: Cast, votes: Mapping[str, int]) -> None:
        self.cast = cast
        # Positive for a she, negative for a he, as the text speaks of them; includes roles with an entry.
        self.votes = votes
        # Role → how it appears in the text: "the old man", "my uncle".
        self.phrases: defaultdict[str, list[str]] = defaultdict(list)
        self.outright: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.paragraphs = [_Paragraph()]
        # Name → the paragraph in which a person gives it as their own.
        self.given: dict[str, int] = {}
        self.asked = False
        # The animal mentioned last.
        self.animal = ""
        # Roles that are a person's name, or were introduced as a new person.
        self.somebody: set[str] = set()
        self.taken = {word for name in cast.names for word in words_of(name)}
        for part in parts:
            self._introduce(part)
            self.somebody.update(words_of(part.cue)[-1:])
            for stretch in part.stretches:
                self._equate(stretch.text, stretch.quoted)
                self.animal = next(reversed(_ANIMAL.findall(stretch.text)), self.animal)
                if stretch.quoted:
                    self._give(stretch.text)
                    self.paragraphs[-1].speaks = True
                    self.paragraphs[-1].calls.update(addressed(stretch.text, cast))
                else:
                    self._tell(stretch.text)
            if part.closes:
                self.paragraphs.append(_Paragraph())

    def _introduce(self, part: Sentence) -> None:
        """ "I'm Fern," said the woman."""
        named = [
            mention.name
            for said in part.said
            for mention in self.cast.mentions(said.text)
            if INTRODUCES.search(said.text[: mention.start])
        ]
        roles = [match for told in part.told for match in _ROLE.finditer(told)]
        if len(named) == 1 and len(roles) == 1 and self._fits(roles[0]["role"].lower(), named[0]):
            self._phrase(roles[0]["role"].lower(), roles[0].group().lower())
            self.outright[roles[0]["role"].lower()][named[0]] += 1

    def _give(self, said: str) -> None:
        """ "Your name?" "Fern." Who says so is Fern."""
        for mention in self.cast.mentions(said):
            if INTRODUCES.search(said[: mention.start]) or (self.asked and not mention.start):
                self.given.setdefault(mention.name, len(self.paragraphs) - 1)
        self.asked = ASKS_NAME.search(said) is not None

    def _equate(self, text: str, said: bool) -> None:
        for mention in self.cast.mentions(text):
            before, after = text[: mention.start], text[mention.end :]
            tries = (
                [_SELF.match(after)]
                if said
                else [_BEFORE_NAME.search(before), _BEHIND_NAME.match(after), _CALLED.search(before)]
            )
            animals = _ANIMAL.findall(before) or [self.animal]
            if _GIVEN.search(before) and animals[-1]:
                self._phrase(animals[-1], f"the {animals[-1]}")
                self.outright[animals[-1]][mention.name] += 1
            for match in filter(None, tries):
                role, article = match["role"].lower(), match["article"].lower()
                if role not in _AGES and self._fits(role, mention.name):
                    self._phrase(role, f"{_DEFINITE.get(article, article)} {match['role']}")
                    self.outright[role][mention.name] += 1

    def _phrase(self, role: str, phrase: str) -> None:
        if phrase not in self.phrases[role] and len(self.phrases[role]) < _MOST_PHRASES:
            self.phrases[role].append(phrase)

    def _tell(self, text: str) -> None:
        self.somebody.update(match["role"].lower() for match in _NEW.finditer(text))
        # German writes every noun with a capital.
        capital = [match for match in _ROLE.finditer(text) if match["role"][0].isupper()]
        self.somebody.update(match["role"].lower() for match in capital if match["article"].lower() not in _GERMAN)
        for sentence in at_sentence_ends(text):
            names = [one.name for one in references(sentence, self.cast) if one.name]
            roles = []
            for match in _ROLE.finditer(sentence):
                role = match["role"].lower()
                if role not in self.taken:
                    phrase = " ".join(match.group().split())
                    self._phrase(role, phrase[0].lower() + phrase[1:])
                    roles.append(role)
            self.paragraphs[-1].told.append((names, roles))

    def owners_of_roles(self) -> dict[str, str]:
        """Role → name: by what the text says outright, else by who is near, answers to it, and is never beside it."""
        score: defaultdict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        told = {name for paragraph in self.paragraphs for name in paragraph.people()}
        for role, titles in RANKS.items():
            bearers = [name for name in self.cast.names if set(words_of(name)) & titles]
            if len(bearers) == 1 and self.phrases[role]:
                self.outright[role][bearers[0]] += 1
        for role in ("man", "woman"):
            # "The old man" is Old Hob, if nobody else is called Old.
            elders = [name for name in self.cast.names if name.startswith("Old ") and self._fits(role, name)]
            if not elders:
                # Else the only person with a title, among people who go by their first names.
                elders = [name for name in self.cast.names if self._titled(name) and self._fits(role, name)]
            if len(elders) == 1 and f"the old {role}" in self.phrases[role]:
                self.outright[role][elders[0]] += 1
        for name, index in self.given.items():
            # A name that is given and never used in narration: they are mentioned by their role.
            around = self.paragraphs[max(0, index - 2 * _REACH) : index + _REACH]
            roles = {role for one in around for _, found in one.told for role in found if self._fits(role, name)}
            people = sorted(role for role in roles if role not in CREATURES and self._sure(role, name))
            if name not in told and len(people) == 1:
                self.outright[people[0]][name] += 1
        for role, names in self.outright.items():
            score[role].update({name: _SAID_OUTRIGHT * often for name, often in names.items()})
        # Role → who is mentioned before it or addressed near it.
        nearby: defaultdict[str, set[str]] = defaultdict(set)
        for index, (before, own, after) in enumerate(self._neighbours()):
            near = {name for one in self.paragraphs[max(0, index - _REACH) : index] for name in one.people()}
            about = self.paragraphs[max(0, index - _REACH) : index + _REACH // 2]
            called = {name for one in about for name in one.calls}
            for role in sorted({role for _, roles in own.told for role in roles}):
                for name in self.cast.names:
                    if name in told and self._fits(role, name):
                        worth = _worth(role, name, before, own, after) + 0.3 * (name in near)
                        score[role][name] += worth + 0.2 * (role in WOMEN | MEN and self._sure(role, name))
                        nearby[role].update({name} & (near | called))
        self._only(score)
        self._only_sure({role: names for role, names in score.items() if role not in KIN}, nearby)
        owner = _best(score)
        # A child has no trade: "the boy" is neither "the engineer" nor "the man", unless the text says so.
        children = {owner[role] for role in sorted(CHILDREN & set(owner))}
        for role in sorted(set(score) - CHILDREN):
            for name in children:
                if score[role].get(name, 0.0) < _SAID_OUTRIGHT:
                    score[role].pop(name, None)
        self._only(score)
        # Nor is a child a mother.
        self._only_sure({role: names for role, names in score.items() if role in KIN}, nearby)
        # Nobody has two trades: the likelier one is theirs, unless the text says both.
        for name in self.cast.names:
            trades = [role for role in sorted(score) if role not in GENERAL and score[role][name] < _SAID_OUTRIGHT]
            for role in sorted(trades, key=lambda one: -score[one][name])[1:]:
                del score[role][name]
        return _best(score)

    def _only(self, score: Mapping[str, dict[str, float]]) -> None:
        """If only one person is possible, that counts as much as a name nearby."""
        for role, names in score.items():
            if len(names) == 1 and self._sure(role, next(iter(names))):
                names[next(iter(names))] += 0.0 if role in self.somebody else 0.8

    def _only_sure(self, score: Mapping[str, dict[str, float]], nearby: Mapping[str, set[str]]) -> None:
        """A he among people of whom nothing is known: another person known to be one is preferred.

        Not if the role was introduced as a new person ("a captain") or is a name ("the Captain").
        """
        for role, names in score.items():
            # If only a pronoun shows a role's gender, nobody else may be possible.
            known = role in WOMEN | MEN
            sure = [name for name in names if (name in nearby[role] or not known) and self._sure(role, name)]
            other = role in self.somebody or role in CREATURES
            if len(sure) != 1 or other or set(words_of(sure[0])) & TITLES:
                continue
            if sure[0] in nearby[role] and names[sure[0]] >= 0:
                names[sure[0]] += _ENOUGH

    def _sure(self, role: str, name: str) -> bool:
        return self._gender_of_role(role) != 0 and self._gender_of(name) != 0

    def _gender_of_role(self, role: str) -> int:
        """Positive for a she, negative for a he: by the word, else by how the text speaks of them."""
        return (role in WOMEN) - (role in MEN) or _sign(self.votes.get(role.capitalize(), 0))

    def _gender_of(self, name: str) -> int:
        return self.cast.gender[name] or _sign(self.votes.get(name, 0), 2)

    def _neighbours(self) -> list[tuple[_Paragraph, _Paragraph, _Paragraph]]:
        padded = [_Paragraph(), *self.paragraphs, _Paragraph()]
        return list(zip(padded, padded[1:], padded[2:], strict=False))

    def _titled(self, name: str) -> bool:
        return bool(set(words_of(name)) & (HER_TITLES | HIS_TITLES | TITLES - {"old", "young", "little"}))

    def _fits(self, role: str, name: str) -> bool:
        titled = self._titled(name)
        if role in CHILDREN and titled:
            return False
        if role in RANKS and not set(words_of(name)) & RANKS[role]:
            # A rank belongs to the person who bears it.
            return False
        beast = role in CREATURES and role not in WOMEN | MEN | CHILDREN and titled
        suits = self._gender_of_role(role) * self._gender_of(name) >= 0
        return suits and name != self.cast.narrator and not beast


def _sign(vote: int, least: int = 1) -> int:
    """The sign of a vote of at least that weight: a single "his" or "her" may be another's."""
    return (vote >= least) - (vote <= -least)


def _best(score: Mapping[str, dict[str, float]]) -> dict[str, str]:
    """The one with enough evidence, clearly ahead of the next."""
    owner: dict[str, str] = {}
    for alias in sorted(score):
        ranked = sorted(score[alias].items(), key=lambda item: (-item[1], item[0]))
        runner_up = ranked[1][1] if len(ranked) > 1 else 0.0
        if ranked and ranked[0][1] >= _ENOUGH and ranked[0][1] >= runner_up + _MARGIN:
            owner[alias] = ranked[0][0]
    return owner


def _worth(role: str, name: str, before: _Paragraph, own: _Paragraph, after: _Paragraph) -> float:
    """The evidence of one paragraph with a role in it that it is a person's."""
    value = 0.0
    seen = False
    for names, roles in own.told:
        if role in roles and name in names:
            # Two in one sentence are two people.
            value -= 3.0
        elif role in roles and seen:
            value += 1.0
        seen = seen or name in names
    if own.speaks and name in own.calls:
        value -= 3.0
    if own.speaks and ((before.speaks and name in before.people()) or (after.speaks and name in after.people())):
        # One answers the other.
        value -= 1.5
    elif name in before.people():
        value += 0.5
    # The person addressed answers, or is answered by name.
    if name in before.calls or (own.speaks and name in after.calls):
        value += 1.5
    return value
