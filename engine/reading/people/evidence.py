"""Evidence for the speaker of a quote: tags, actions beside it, who is addressed, who is present."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from engine.reading import Sentence, at_sentence_ends
from engine.reading.people.cast import Cast
from engine.reading.people.references import (
    ASKS_NAME,
    HE,
    INTRODUCES,
    IT,
    SHE,
    Memory,
    Reference,
    addressed,
    genders,
    references,
)
from engine.reading.people.tags import speaker_in, tag_after, tag_before
from engine.reading.people.words import ARTICLES, PEOPLE, words_of

# Weights, from what leaves no doubt to what only breaks a tie.
CERTAIN, TOLD, LIKELY, HINT, SLIGHT = 14.0, 4.0, 2.0, 1.0, 0.3
_AGAINST = -6.0

_SOMEBODY = re.compile(
    rf"\b(?i:{'|'.join(ARTICLES)}|an?|ein|eine|une?)\s+(?:[\w’'-]+\s+)?(?i:{'|'.join(sorted(PEOPLE))})\b"
)
_PASSIVE = re.compile(r"\b(?:was|were|is)\s+(?:told|asked|answered|informed|reminded)\b")
_IT_WAS = re.compile(r"(?:it|this|that) (?:was|is)\s", re.IGNORECASE)
_YOU_TWO = re.compile(
    r"\b(?:both of you|you (?:two|both)|ihr (?:beiden|zwei)|vous deux|tous les deux)\b", re.IGNORECASE
)
_ABSENT = re.compile(
    r"\b(?:about|like|than|without|remembered|missed|(?:thought|spoke|dreamed|heard|memory|picture|portrait) of)\s+$",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(r"[”\"»’'“«]\s*$")


class Link(Enum):
    """How a quote follows the previous one."""

    FIRST = "no quote before"
    SAME = "the same quote goes on"
    BESIDE = "one paragraph, telling between"
    TOUCHING = "one paragraph, nothing between"
    TURN = "the next paragraph"
    LATER = "telling between the paragraphs"
    APART = "much telling between"


@dataclass
class Heard:
    """A quote, the evidence for each speaker, and how it follows the previous one."""

    text: str
    unit: int
    link: Link
    tag: str = ""
    cue: str = ""
    thought: bool = False
    calls: tuple[str, ...] = ()
    # Who is addressed in its whole paragraph.
    turn_calls: tuple[str, ...] = ()
    polite: int = 0
    for_whom: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


@dataclass
class Scene:
    """A scene's quotes, and who is present in the narration of each unit."""

    quotes: list[Heard]
    named: list[list[str]]
    # Positive for a she, negative for a he.
    votes: dict[str, int] = field(default_factory=dict)


@dataclass
class _Piece:
    unit: int
    text: str
    quoted: bool
    continues: bool
    thought: bool


def listen(parts: Sequence[Sentence], cast: Cast, speakers: Sequence[str] = ()) -> Scene:
    """The quotes of a scene with their evidence; `speakers`, from a first pass, resolve "he" after a quote."""
    return _Ear(parts, cast, speakers).scene


class _Ear:
    """Reads a scene once from its beginning to its end."""

    def __init__(self, parts: Sequence[Sentence], cast: Cast, speakers: Sequence[str]) -> None:
        self.parts, self.cast, self.speakers = parts, cast, speakers
        self.scene = Scene([], [[] for _ in parts])
        # Who did or said something so far; who is mentioned at all.
        self.there: dict[str, int] = {}
        self.around = {mention.name for part in parts for told in part.told for mention in cast.mentions(told)}
        self.around |= {name for part in parts for said in part.said for name in addressed(said.text, cast)}
        self.around |= {cast.resolve(part.cue) for part in parts if part.cue}
        self.memory = Memory(cast, genders(parts, cast), self.around)
        self.scene.votes.update(self.memory.votes)
        # The subject with which the narration before a speech ends.
        self.pointed: list[tuple[str, float]] = []
        self.gap = 2
        self.open = False
        for number, paragraph in enumerate(_paragraphs(parts)):
            self._paragraph(number, paragraph)

    def _paragraph(self, number: int, pieces: Sequence[_Piece]) -> None:
        """Read the narration and speech of a paragraph, then remember what it passes on to the next."""
        subjects: list[tuple[str, float]] = []
        first = True
        for index, piece in enumerate(pieces):
            if not piece.quoted:
                subjects = self._tell(number, piece) or subjects
                continue
            before = pieces[index - 1] if index and not pieces[index - 1].quoted else None
            after = pieces[index + 1] if index + 1 < len(pieces) and not pieces[index + 1].quoted else None
            link = self._link(piece, first, touching=not first and before is None)
            if link is Link.TOUCHING and piece.thought and pieces[index - 1].thought:
                link = Link.SAME
            self._hear(number, piece, before, after, link)
            first = False
        own = self.scene.quotes[len(self.scene.quotes) - sum(piece.quoted for piece in pieces) :]
        turn_calls = tuple(dict.fromkeys(name for one in own for name in one.calls))
        for heard in own:
            heard.turn_calls = turn_calls
        if first:
            self.gap += 1
            self.pointed = subjects
        else:
            self.gap = 0
            last = pieces[-1]
            raw = self.parts[last.unit].text.rstrip()
            self.open = last.quoted and not last.thought and not _UNFINISHED.search(raw) and raw[:1] in "“\"«„‘'"
            self.pointed = []

    def _link(self, piece: _Piece, first: bool, touching: bool) -> Link:
        if not self.scene.quotes:
            return Link.FIRST
        if piece.continues:
            return Link.SAME
        if not first:
            return Link.TOUCHING if touching else Link.BESIDE
        if self.open and not self.gap:
            return Link.SAME
        return (Link.TURN, Link.LATER, Link.APART)[min(self.gap, 2)]

    def _tell(self, number: int, piece: _Piece) -> list[tuple[str, float]]:
        """Register everybody in a stretch of narration; returns the subjects of its last sentence."""
        ending: list[tuple[str, float]] = []
        for sentence in at_sentence_ends(piece.text):
            found, crowd = self.memory.read(sentence)
            # "She thought of Tom", "without Tom", "like Tom": he is somewhere else.
            here = [name for name, one in found if not _ABSENT.search(sentence[: one.start])] + crowd
            self.scene.named[piece.unit] += [name for name in here if name not in self.scene.named[piece.unit]]
            for name in here:
                self.there[name] = number
            subjects = [name for name, reference in found if reference.subject]
            if subjects:
                ending = [(subjects[-1], HINT)]
        return ending

    def _hear(self, number: int, piece: _Piece, before: _Piece | None, after: _Piece | None, link: Link) -> None:
        part = self.parts[piece.unit]
        heard = Heard(piece.text, piece.unit, link, cue=part.cue, thought=piece.thought)
        self.scene.quotes.append(heard)
        heard.calls = addressed(piece.text, self.cast)
        if self._asked():
            # "Your name?" "Hobbs, madam." is an answer and addresses nobody of that name.
            opening = {mention.name for mention in self.cast.mentions(piece.text) if not mention.start}
            heard.calls = tuple(name for name in heard.calls if name not in opening)
        heard.polite = _polite(piece.text)
        score = heard.for_whom
        if part.cue:
            heard.tag = part.direction
            score[self.cast.resolve(part.cue)] += 10 * CERTAIN
        elif part.sound:
            score[""] += 10 * CERTAIN
        else:
            self._tags(heard, before, after)
            self._speech(heard)
            self._presence(heard, number)
            self._name_alone(heard)
        if link in {Link.TURN, Link.LATER, Link.APART, Link.FIRST}:
            for name, weight in self.pointed:
                score[name] += weight if name != self.cast.narrator else weight / 2
        known = self.speakers[len(self.scene.quotes) - 1] if self.speakers else _certain(heard)
        if _YOU_TWO.search(piece.text):
            others = [name for name in self.memory.recent if name not in {known, *heard.calls}]
            heard.calls = (*heard.calls, *others[: max(0, 2 - len(heard.calls))])
        for name in heard.calls:
            self.memory.notice(name)
            self.there[name] = number
        if known:
            self.memory.notice(known)
            self.there[known] = number

    def _tags(self, heard: Heard, before: _Piece | None, after: _Piece | None) -> None:
        """The narration directly before and after the quote."""
        leads = tag_before(before.text) if before else ""
        follows = tag_after(after.text, heard.text) if after else ""
        heard.tag = follows or leads
        if heard.tag:
            self._tag(heard, heard.tag)
        rest = at_sentence_ends(after.text)[1 if follows else 0 :] if after else []
        if before and not (leads and not follows):
            self._beat(heard, at_sentence_ends(before.text)[-1:], TOLD)
        if rest:
            self._beat(heard, rest[:1], TOLD - 1 if not follows else HINT)

    def _tag(self, heard: Heard, tag: str) -> None:
        """Who says so, by name or pronoun."""
        score = heard.for_whom
        who = speaker_in(tag, self.cast)
        if _PASSIVE.search(tag):
            for name, _ in self._understood(tag)[:1]:
                score[name] += _AGAINST
                heard.calls = (*heard.calls, name)
            return
        somebody = _SOMEBODY.search(tag)
        if somebody and (who is None or (who.start > somebody.end() and not who.pronoun)):
            # "Said the vet": a person outside the cast.
            score[""] += CERTAIN / 2
            return
        if who is None:
            return
        if who.name:
            score[who.name] += CERTAIN
            return
        self._pronoun(heard, who.pronoun, TOLD)

    def _understood(self, text: str) -> list[tuple[str, Reference]]:
        """Whom a text means, without registering them."""
        copy = Memory(self.cast, self.memory.votes, self.around)
        copy.recent = list(self.memory.recent)
        return copy.read(text)[0]

    def _pronoun(self, heard: Heard, pronoun: str, weight: float) -> None:
        """Everybody whom it fits may be meant; most likely the last one who did something."""
        if pronoun not in {HE, SHE, IT}:
            return
        fitting = [name for name in self.cast.names if name in self.around and self.memory.agrees(pronoun, name) >= 0]
        for name in self.cast.names:
            agrees = self.memory.agrees(pronoun, name)
            # A robot or a dog of which nothing is said is not who "he" means.
            if name not in self.around and (fitting or (name in self.cast.creatures and pronoun != IT)):
                continue
            if name == self.cast.narrator or agrees < 0:
                heard.for_whom[name] += _AGAINST if pronoun != IT else -HINT
            else:
                # People who appear later may be meant, but are less likely.
                heard.for_whom[name] += weight if agrees and name in self.there else weight / 2
        meant = self.memory.meant(pronoun, heard.calls)
        if meant:
            heard.for_whom[meant] += LIKELY

    def _beat(self, heard: Heard, sentences: Sequence[str], weight: float) -> None:
        """Who acts beside a quote says it."""
        for sentence in sentences:
            everybody = references(sentence, self.cast)
            first = next((one for one in everybody if one.subject), None)
            if first is None:
                continue
            if _IT_WAS.match(sentence) and len(everybody) > 1:
                first, weight = everybody[1], weight + TOLD
            if first.name:
                heard.for_whom[first.name] += weight
            elif first.start == 0:
                self._pronoun(heard, first.pronoun, weight - 1)

    def _speech(self, heard: Heard) -> None:
        """The quote itself: people do not address themselves, and few mention themselves by name."""
        score = heard.for_whom
        for name in heard.calls:
            score[name] += _AGAINST
        for mention in self.cast.mentions(heard.text):
            if INTRODUCES.search(heard.text[: mention.start]) or (self._asked() and not mention.start):
                score[mention.name] += CERTAIN - TOLD
            elif mention.name not in heard.calls:
                score[mention.name] -= LIKELY

    def _asked(self) -> bool:
        """Whether the previous quote asked for a name."""
        return len(self.scene.quotes) > 1 and ASKS_NAME.search(self.scene.quotes[-2].text) is not None

    def _name_alone(self, heard: Heard) -> None:
        """ "Dutch," said the judge: a lone name, said by another person, addresses them."""
        named = {mention.name for mention in self.cast.mentions(heard.text)}
        speaker = _certain(heard)
        if len(named) == 1 and speaker and speaker not in named and len(words_of(heard.text)) <= 2:
            heard.calls = tuple(named)

    def _presence(self, heard: Heard, number: int) -> None:
        """People who were there a moment ago are more likely to speak; the lead breaks ties."""
        score = heard.for_whom
        for rank, name in enumerate(self.cast.names):
            score[name] -= 0.02 * min(rank, 20)
            if name in self.there:
                score[name] += HINT + SLIGHT if number - self.there[name] <= 4 else HINT / 2
            elif name == self.cast.narrator:
                score[name] += SLIGHT
            elif name not in self.around:
                score[name] -= 2 * LIKELY
        score[""] -= 2 * LIKELY + HINT


def _paragraphs(parts: Sequence[Sentence]) -> Iterator[list[_Piece]]:
    """The stretches of each paragraph; without marked ends, each sentence is one."""
    marked = any(part.closes for part in parts)
    pieces: list[_Piece] = []
    for unit, part in enumerate(parts):
        for stretch in part.stretches:
            pieces.append(_Piece(unit, stretch.text, stretch.quoted, stretch.continues, stretch.thought))
        if part.closes or not marked:
            yield pieces
            pieces = []
    if pieces:
        yield pieces


def _certain(heard: Heard) -> str:
    return next((name for name, weight in heard.for_whom.items() if weight >= CERTAIN / 2), "")


def _polite(text: str) -> int:
    """Whether a person is addressed as sir (-1) or madam (1)."""
    words = set(words_of(text))
    return bool(words & {"ma'am", "ma’am", "madam", "madame", "miss", "milady"}) - bool(words & {"sir", "monsieur"})
