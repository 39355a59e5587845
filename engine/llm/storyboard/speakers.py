"""Who says each quote, how, and who is around: by tags, script lines, actions beside a quote, and taking turns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.llm.storyboard.cast import FIRST_PERSONS, mentions, resolve
from engine.llm.storyboard.words import (
    ARTICLES,
    CALLS,
    HER_TITLES,
    HIS_TITLES,
    MEN,
    PEOPLE,
    SHOUTS,
    THOUGHTS,
    TITLES,
    WHISPERS,
    WOMEN,
    words_of,
)
from engine.reading import Sentence
from engine.reading.quotes import SPEECH_VERBS
from models.story import LineKind

_HE = {"he", "him", "his", "er", "ihm", "il", "lui"}
_SHE = {"she", "her", "hers", "sie", "elle"}
_TITLE = re.compile(rf"(?:\b(?:{'|'.join(sorted(TITLES))})\b\.?\s+)+$", re.IGNORECASE)
_INTRODUCES = re.compile(r"(?:\bI am|\bI['’]m|[Mm]y name is|[Mm]y name['’]s)\s+$")
_ME = {"i", "i'm", "i'd", "i'll", "i've", "me", "my", "we", "us", "our", "ich", "mich", "mir", "je", "j'ai", "moi"}
_SOMEBODY = re.compile(rf"\b(?i:{'|'.join(ARTICLES)})\s+(?:[\w’'-]+\s+)?(?i:{'|'.join(sorted(PEOPLE))})\b")
_CLAUSE = re.compile(r"[.!?…;]")


@dataclass
class Spoken:
    """A quote with its speaker (or nobody known)."""

    text: str
    speaker: str
    kind: LineKind
    continues: bool = False


@dataclass
class Beat:
    """One sentence of a scene: its quotes, and who is named in what it tells."""

    spoken: list[Spoken] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


def attribute(parts: Sequence[Sentence], cast: Sequence[str]) -> list[Beat]:
    """The beats of a run of sentences."""
    return _Listener(tuple(cast)).listen(parts)


class _Listener:
    """Follows a conversation: who spoke last, who was named last, who is a he or a she."""

    def __init__(self, cast: tuple[str, ...]) -> None:
        self.cast = cast
        self.turns: list[str] = []
        self.recent: list[str] = []
        self.votes = {name: _titled(name) for name in cast}
        self.addressed = ""
        # Within a paragraph: who acted in it, and who spoke.
        self.actor = self.own = ""
        # Who acted last in what was told since somebody spoke: the next words are most likely theirs.
        self.leading = ""
        self.narrator = next((name for name in cast if name in FIRST_PERSONS), "")

    def listen(self, parts: Sequence[Sentence]) -> list[Beat]:
        self._learn_pronouns(parts)
        beats = []
        previous: Spoken | None = None
        marked = any(part.closes for part in parts)
        for part in parts:
            beat = self._beat(part, previous)
            if beat.spoken:
                self.leading = ""
            elif not part.cue:
                self.leading = self._last_named(beat) or self.leading
            if part.closes or not marked:
                self.actor = self.own = ""
            for spoken in beat.spoken:
                if spoken.continues and previous is not None:
                    self._settle(previous, spoken)
                previous = spoken
                if spoken.speaker and (not self.turns or self.turns[-1] != spoken.speaker):
                    self.turns.append(spoken.speaker)
            if beat.spoken:
                self.addressed = next(
                    filter(None, (addressed(said.text, self.cast) for said in reversed(beat.spoken))), ""
                )
            beats.append(beat)
        return beats

    def _learn_pronouns(self, parts: Sequence[Sentence]) -> None:
        last = ""
        for part in parts:
            for told in part.told:
                named = [mention.name for mention in mentions(told, self.cast)]
                words = set(words_of(told))
                if len(set(named)) == 1:
                    last = named[0]
                elif named:
                    last = ""
                if last:
                    self.votes[last] = self.votes.get(last, 0) + bool(words & _SHE) - bool(words & _HE)

    def _settle(self, previous: Spoken, spoken: Spoken) -> None:
        """A quote that goes on has one speaker, whichever part carries the tag."""
        spoken.speaker = spoken.speaker or previous.speaker
        spoken.kind = spoken.kind if spoken.kind is not LineKind.SPEECH else previous.kind
        previous.speaker = spoken.speaker
        previous.kind = spoken.kind

    def _beat(self, part: Sentence, previous: Spoken | None) -> Beat:
        told = " ".join(part.told)
        beat = Beat(named=list(dict.fromkeys(mention.name for mention in mentions(told, self.cast))))
        if self.narrator and not part.cue and set(words_of(told)) & _ME:
            beat.named.append(self.narrator)
        self.actor = (beat.named[0] if beat.named else self._subject(_opening(part))) or self.actor
        pieces = part.stretches
        own = self.own
        for index, piece in enumerate(pieces):
            if not piece.quoted:
                self._notice(piece.text)
                continue
            after = "" if index + 1 >= len(pieces) or pieces[index + 1].quoted else pieces[index + 1].text
            before = "" if not index or pieces[index - 1].quoted else pieces[index - 1].text
            tag = _tag_after(after) or _tag_before(before)
            if part.cue:
                speaker = resolve(part.cue, self.cast)
            elif tag:
                # "Said the vet", whoever that is, is not whoever acted last.
                speaker = self._subject(tag, beat.named) or ("" if _SOMEBODY.search(tag) else own)
            else:
                speaker = own or self.actor
            speaker = speaker or self._introduced(piece.text)
            # "A thin voice was counting." Somebody, but nobody who was seen.
            unseen = "voice" in words_of(told) and not beat.named
            if not speaker and not tag and not part.cue and not unseen:
                called = addressed(piece.text, self.cast)
                if piece.continues and previous:
                    speaker = previous.speaker
                elif self.leading and self.leading != called:
                    speaker = self.leading
                else:
                    speaker = self._next_in_turn(piece.text)
            own = speaker
            beat.spoken.append(
                Spoken(piece.text, speaker, _kind(piece.text, f"{tag} {part.direction}"), piece.continues)
            )
        for spoken in beat.spoken:
            # One unit is one paragraph's: whoever is known at its end spoke from its beginning.
            spoken.speaker = spoken.speaker or own
        self.own = own
        return beat

    def _last_named(self, beat: Beat) -> str:
        """Of those named in what is told, the last; nobody where it is only the one who tells."""
        named = [name for name in self.recent if name in beat.named and name != self.narrator]
        return named[-1] if named else ""

    def _notice(self, told: str) -> None:
        for mention in mentions(told, self.cast):
            if mention.name in self.recent:
                self.recent.remove(mention.name)
            self.recent.append(mention.name)

    def _subject(self, tag: str, near: Sequence[str] = ()) -> str:
        """Whom a tag names, by name or pronoun; `near` are those named beside it."""
        found = mentions(tag, self.cast)
        if found:
            return found[0].name
        words = set(words_of(tag))
        if words & {"i", "ich", "je"}:
            return self.narrator
        wanted = 1 if words & (_SHE | WOMEN) else -1 if words & (_HE | MEN) else 0
        if not wanted:
            return ""
        here = [name for name in near if name != self.narrator and self.votes.get(name, 0) * wanted >= -1]
        if len(here) == 1:
            return here[0]
        last = self.turns[-1] if self.turns else ""
        around = [name for name in [*self.turns[-4:], *self.recent] if name != self.narrator]
        fitting = [name for name in reversed(around) if self.votes.get(name, 0) * wanted >= 0]
        sure = [name for name in fitting if self.votes.get(name, 0) * wanted > 0]
        others = [name for name in (sure or fitting) if name != last]
        return (sure[0] if len(set(sure)) == 1 else "") or (others or fitting or [""])[0]

    def _next_in_turn(self, text: str) -> str:
        """No tag: whoever was spoken to answers; two people take turns."""
        last = self.turns[-1] if self.turns else ""
        not_them = {last, addressed(text, self.cast)}
        candidates = [self.addressed, *reversed(self.turns[-4:]), *reversed(self.recent)]
        if self.narrator and self.narrator not in self.turns[-4:]:
            candidates.append(self.narrator)
        # The cast is listed with the most present first.
        candidates += self.cast[:3]
        return next((name for name in candidates if name and name not in not_them), "")

    def _introduced(self, text: str) -> str:
        """Who says "I am Ada"."""
        for mention in mentions(text, self.cast):
            if _INTRODUCES.search(_TITLE.sub("", text[: mention.start])):
                return mention.name
        return ""


def addressed(text: str, cast: tuple[str, ...]) -> str:
    """Whom a speech calls by name."""
    for mention in mentions(text, cast):
        before, after = _TITLE.sub("", text[: mention.start]).rstrip(), text[mention.start :]
        if (not before or before[-1] in ",.!?") and re.match(r"[\w’' .-]{1,40}?[,.!?]", after):
            return mention.name
    return ""


def _titled(name: str) -> int:
    """What a title says of who bears it, worth a few pronouns."""
    words = set(words_of(name))
    return 4 * (bool(words & HER_TITLES) - bool(words & HIS_TITLES))


def _opening(part: Sentence) -> str:
    """The beginning of what is told beside a quote, where it begins with he or she: whoever acts there speaks."""
    for piece in part.stretches:
        words = words_of(piece.text)[:1] if not piece.quoted else []
        if words and words[0] in {"he", "she"}:
            return words[0]
    return ""


def _tag_after(told: str) -> str:
    """The clause behind a quote, if it says who speaks."""
    clause = _CLAUSE.split(told.lstrip(" ,—–-"), maxsplit=1)[0]
    return clause if SPEECH_VERBS & set(words_of(clause)[:7]) else ""


def _tag_before(told: str) -> str:
    """The clause that leads into a quote, if it says who speaks."""
    clauses = [clause for clause in _CLAUSE.split(told) if clause.strip()]
    if not clauses or not (told.endswith((",", ":", "：")) or SPEECH_VERBS & set(words_of(clauses[-1])[-4:])):
        return ""
    return clauses[-1] if SPEECH_VERBS & set(words_of(clauses[-1])) or told.endswith((":", "：")) else ""


def _kind(text: str, manner: str) -> LineKind:
    words = set(words_of(manner))
    if words & THOUGHTS:
        return LineKind.THOUGHT
    if words & WHISPERS:
        return LineKind.WHISPER
    loud = text.isupper() and len(text) > 3 and any(char.isalpha() for char in text)
    calls = "!" in text and (bool(words & CALLS) or (not words and len(text.split()) <= 3))
    if words & SHOUTS or loud or calls or text.endswith("!!"):
        return LineKind.SHOUT
    return LineKind.SPEECH


def is_tag(told: str) -> bool:
    """Whether a told clause only says who speaks."""
    return bool(SPEECH_VERBS & set(words_of(told)[:7]))
