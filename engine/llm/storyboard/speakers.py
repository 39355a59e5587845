"""Who says each quote, how, and who is around: by tags, script lines, actions beside a quote, and taking turns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.llm.storyboard.cast import mentions, resolve
from engine.llm.storyboard.words import SHOUTS, THOUGHTS, TITLES, WHISPERS, words_of
from engine.reading import Sentence
from engine.reading.quotes import SPEECH_VERBS
from models.story import LineKind

_HE = {"he", "him", "his"}
_SHE = {"she", "her", "hers"}
_TITLE = re.compile(rf"(?:\b(?:{'|'.join(sorted(TITLES))})\b\.?\s+)+$", re.IGNORECASE)
_INTRODUCES = re.compile(r"(?:\bI am|\bI['’]m|[Mm]y name is|[Mm]y name['’]s)\s+$")
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
        self.votes: dict[str, int] = {}
        self.addressed = ""

    def listen(self, parts: Sequence[Sentence]) -> list[Beat]:
        self._learn_pronouns(parts)
        beats = []
        previous: Spoken | None = None
        for part in parts:
            beat = self._beat(part, previous)
            for spoken in beat.spoken:
                if spoken.continues and previous is not None:
                    self._settle(previous, spoken)
                previous = spoken
                if spoken.speaker and (not self.turns or self.turns[-1] != spoken.speaker):
                    self.turns.append(spoken.speaker)
            if beat.spoken:
                self.addressed = next(filter(None, (self._vocative(said.text) for said in reversed(beat.spoken))), "")
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
        pieces = part.stretches
        own = ""
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
                speaker = self._subject(tag) or own
            else:
                speaker = own or (beat.named[0] if beat.named else "")
            speaker = speaker or self._introduced(piece.text)
            # "A thin voice was counting." Somebody, but nobody who was seen.
            unseen = "voice" in words_of(told) and not beat.named
            if not speaker and not tag and not part.cue and not unseen:
                speaker = previous.speaker if piece.continues and previous else self._next_in_turn(piece.text)
            own = speaker
            beat.spoken.append(
                Spoken(piece.text, speaker, _kind(piece.text, f"{tag} {part.direction}"), piece.continues)
            )
        for spoken in beat.spoken:
            # One unit is one paragraph's: whoever is known at its end spoke from its beginning.
            spoken.speaker = spoken.speaker or own
        return beat

    def _notice(self, told: str) -> None:
        for mention in mentions(told, self.cast):
            if mention.name in self.recent:
                self.recent.remove(mention.name)
            self.recent.append(mention.name)

    def _subject(self, tag: str) -> str:
        found = mentions(tag, self.cast)
        if found:
            return found[0].name
        words = set(words_of(tag))
        if words & {"i", "we"}:
            return ""
        wanted = 1 if words & _SHE else -1 if words & _HE else 0
        if not wanted:
            return ""
        last = self.turns[-1] if self.turns else ""
        around = [*self.turns[-4:], *self.recent]
        fitting = [name for name in reversed(around) if self.votes.get(name, 0) * wanted >= 0]
        sure = [name for name in fitting if self.votes.get(name, 0) * wanted > 0]
        others = [name for name in (sure or fitting) if name != last]
        return (sure[0] if len(set(sure)) == 1 else "") or (others or fitting or [""])[0]

    def _next_in_turn(self, text: str) -> str:
        """No tag: whoever was spoken to answers; two people take turns."""
        last = self.turns[-1] if self.turns else ""
        not_them = {last, self._vocative(text)}
        candidates = [self.addressed, *reversed(self.turns[-4:]), *reversed(self.recent)]
        if len(self.cast) <= 3:
            candidates += self.cast
        return next((name for name in candidates if name and name not in not_them), "")

    def _introduced(self, text: str) -> str:
        """Who says "I am Ada"."""
        for mention in mentions(text, self.cast):
            if _INTRODUCES.search(_TITLE.sub("", text[: mention.start])):
                return mention.name
        return ""

    def _vocative(self, text: str) -> str:
        for mention in mentions(text, self.cast):
            before, after = _TITLE.sub("", text[: mention.start]).rstrip(), text[mention.start :]
            if (not before or before[-1] in ",.!?") and re.match(r"[\w’' .-]{1,40}?[,.!?]", after):
                return mention.name
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
    if words & SHOUTS or loud or text.endswith("!!"):
        return LineKind.SHOUT
    return LineKind.SPEECH


def is_tag(told: str) -> bool:
    """Whether a told clause only says who speaks."""
    return bool(SPEECH_VERBS & set(words_of(told)[:7]))
