"""Whom a sentence of narration concerns, by name or pronoun, and whom a speech addresses."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.reading import Sentence, at_sentence_ends
from engine.reading.people.cast import WORD, Cast
from engine.reading.people.words import CHILDREN, PREPOSITIONS, TITLES, words_of

HE, SHE, IT, THEY, ME, WE = "he", "she", "it", "they", "i", "we"
_SUBJECTS = {
    "he": HE, "she": SHE, "it": IT, "they": THEY, "we": WE, "er": HE, "ihn": HE, "ihm": HE, "il": HE,
    "sie": SHE, "elle": SHE, "ils": THEY, "elles": THEY, "wir": WE, "nous": WE,
    "everyone": THEY, "everybody": THEY, "both": THEY, "neither": THEY, "nobody": THEY, "niemand": THEY,
}  # fmt: skip
_OBJECTS = {"him": HE, "hers": SHE, "them": THEY, "us": WE, "lui": HE, "me": ME, "mich": ME, "mir": ME, "moi": ME}
_NARRATOR = re.compile(r"(?:I|i['’](?:m|d|ll|ve)|ich|je|j['’]\w+)$", re.IGNORECASE)
# "On his desk" may be another person's: half the weight of "he".
_HE = {"himself", "he", "er", "il"}
_SHE = {"herself", "she", "elle"}
_HIS = {"his", "sein", "seine", "seinen", "seiner"}
_HERS = {"hers"}
# "The pilot found her": another person; "her hat" may be the pilot's own.
_HER_OWN = re.compile(
    r"\bher\s+(?!(?:and|but|to|in|on|with|at|the|a|that|as|by|from|before|again|when|up|down|there|here|then|now|alone|so)\b)[^\W\d_]",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s?\s+\w")
# "The three of them", "the children": several people without names.
_MANY = re.compile(
    r"\b(?:(?:the|all)\s+(?:two|three|four)\s+of\s+(?:them|us)|alle\s+(?:drei|vier)|die\s+beiden"
    r"|(?:tous\s+|toutes\s+)?les\s+(?:deux|trois|quatre)(?!\s+\w+s\b)"
    r"|the\s+(?:children|boys|girls|couple|pair)|die\s+kinder|les\s+enfants)\b",
    re.IGNORECASE,
)
_YOUNG = re.compile(r"\b(?:children|kinder|enfants)\b", re.IGNORECASE)
_NUMBERS = {"three": 3, "drei": 3, "trois": 3, "four": 4, "vier": 4, "quatre": 4}
# "Ada's face" is Ada; "Ada's hat" may lie anywhere.
_BODY = re.compile(
    r"['’]s?\s+(?:\w+\s+)?(?:face|eyes?|hands?|fingers?|voice|head|shoulders?|mouth|lips|cheeks?|arms?|back|feet|foot|ears?"
    r"|hair|brow|jaw|knees|nose|chin|breath|smile|thumb)\b"
)
_CLAUSE = re.compile(r"[,;:—–]\s|\s(?:and|but|while|as|when|und|et|mais|aber)\s")
_TITLE = re.compile(rf"(?:\b(?:{'|'.join(sorted(TITLES | {'mister'}))})\b\.?\s+)+$", re.IGNORECASE)
_CALL = re.compile(r"(?:^|[,.!?…—–]\s*|\b(?:my|yes|no|aye|hello|hey|oh|dear|old)\s+)$", re.IGNORECASE)
_INNER = re.compile(r"‘[^‘’]{2,}?[,.!?…]’|“[^“”]{2,}?”|(?<!\w)'[^']{2,}?[,.!?…]'(?!\w)|‚[^‚‘]{2,}?‘")
_CALLED = re.compile(r"\s*(?:$|[,.!?…—–])")
_ROLE_CALL = re.compile(r"(?:^|,\s|[.!?…]\s)(?:my\s+|old\s+|dear\s+)*(?P<role>[^\W\d_]+)\s*(?=[,.!?…]|$)")
# Words before the speaker's own name.
INTRODUCES = re.compile(
    r"(?:\bI am|\bI['’]m|[Mm]y name is|[Mm]y name['’]s|[Ii]ch bin|[Ii]ch heiße|[Jj]e suis)\s+"
    r"(?:(?:[A-Z]\w+\.?|maître|monsieur|madame)\s+)?$"
)
# Questions that are answered with a name.
ASKS_NAME = re.compile(
    r"\b(?:your name|a name|who are you|who['’]s there|who is it|what do they call you|what are you called"
    r"|wie hei(?:ßt du|ßen Sie)|wer (?:bist du|sind Sie)"
    r"|comment (?:t['’]appelles|vous appelez)|qui (?:es-tu|êtes-vous))\b"
    r"[^.!]*\?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reference:
    """A person in a sentence of narration: a character, or a pronoun that is not resolved yet."""

    start: int
    end: int
    name: str
    pronoun: str
    subject: bool


@lru_cache(maxsize=8192)
def references(text: str, cast: Cast) -> tuple[Reference, ...]:
    """Everybody in one sentence of narration, in order, without the owners of things ("Ada's hat")."""
    mentions = cast.mentions(text)
    covered = [range(mention.start, mention.end) for mention in mentions]
    found = [(mention.start, mention.end, mention.name, "") for mention in mentions]
    for match in WORD.finditer(text):
        if any(match.start() in span for span in covered):
            continue
        pronoun = _pronoun(match.group(), text[match.end() :])
        if pronoun:
            found.append((match.start(), match.end(), cast.narrator if pronoun == ME else "", pronoun))
    for match in _MANY.finditer(text):
        if not any(match.start() in span for span in covered):
            found.append((match.start(), match.end(), "", THEY))
    starts = [0, *(match.end() for match in _CLAUSE.finditer(text))]
    taken: set[int] = set()
    made = []
    for start, end, name, pronoun in sorted(found):
        if pronoun == ME and not cast.narrator:
            continue
        if not pronoun and _POSSESSIVE.match(text[end:]) and not _BODY.match(text[end:]):
            continue
        before = words_of(text[:start])[-1:]
        clause = max(one for one in starts if one <= start)
        word = text[start:end].lower()
        led = bool(before) and before[0] in PREPOSITIONS
        subject = clause not in taken and not led and (not pronoun or word not in _OBJECTS) and word != "her"
        if subject:
            taken.add(clause)
        made.append(Reference(start, end, name, pronoun, subject))
    return tuple(made)


def _pronoun(word: str, after: str) -> str:
    lower = re.split("['’]", word.lower())[0]
    if _NARRATOR.match(word):
        return ME
    if lower in _SUBJECTS:
        return _SUBJECTS[lower]
    if lower == "her":
        # "Her hat" is a thing, "told her" is somebody.
        following = re.match(r"\s+[^\W\d_]", after)
        return "" if following and not re.match(r"\s+(?:and|to|in|on|with|at|the|a|that|as|by|from)\b", after) else SHE
    return _OBJECTS.get(lower, "")


@lru_cache(maxsize=8192)
def addressed(text: str, cast: Cast) -> tuple[str, ...]:
    """Whom a speech addresses, by name ("Come, Ada.") or role ("Aye, Captain.")."""
    found: dict[str, None] = {}
    text = outer(text)
    for mention in cast.mentions(text):
        before = _TITLE.sub("", text[: mention.start])
        # "Ada," alone may be an answer; "Ada!" addresses her.
        alone = not before.strip() and not WORD.search(text[mention.end :]) and text[mention.end :][:1] not in "!?"
        if _CALL.search(before) and _CALLED.match(text[mention.end :]) and not alone:
            found[mention.name] = None
    for match in _ROLE_CALL.finditer(text):
        role = match["role"].lower()
        owners = [name for name in cast.names if role in cast.roles[name]]
        if len(owners) == 1 and len(text.split()) > 1:
            found[owners[0]] = None
    return tuple(found)


def outer(said: str) -> str:
    """A speech with its inner quotes blanked out at the same length: people addressed there are elsewhere."""
    return _INNER.sub(lambda match: " " * len(match.group()), said)


def genders(parts: Sequence[Sentence], cast: Cast) -> dict[str, int]:
    """Positive for a she, negative for a he: by names and roles, and the pronouns directly after them."""
    votes = dict(cast.gender)
    alone: set[str] = set()
    for part in parts:
        for told in part.told:
            for sentence in at_sentence_ends(told):
                mentions = [mention for mention in cast.mentions(sentence) if mention.name != cast.narrator]
                alone |= {mention.name for mention in mentions}
                if len(alone) == 1:
                    # Only one person was named since the paragraph began: its pronouns are theirs.
                    behind = sentence[mentions[0].end :] if mentions else " ".join(words_of(sentence)[:1])
                    votes[next(iter(alone))] += _vote(behind)
        if part.closes or not part.text:
            alone = set()
    return votes


def _vote(behind: str) -> int:
    words = set(words_of(behind))
    hers = bool(words & _HERS) or _HER_OWN.search(behind) is not None
    return 2 * (bool(words & _SHE) - bool(words & _HE)) + hers - bool(words & _HIS)


class Memory:
    """Who was there last, so that "he" and "they" can be resolved."""

    def __init__(self, cast: Cast, votes: dict[str, int], around: Collection[str]) -> None:
        self.cast, self.votes, self.around = cast, votes, around
        self.recent: list[str] = []

    def notice(self, name: str) -> None:
        """A person did or said something: pronouns mean them next."""
        if name:
            if name in self.recent:
                self.recent.remove(name)
            self.recent.insert(0, name)

    def agrees(self, pronoun: str, name: str) -> int:
        """1 if a pronoun fits a person, -1 if it does not, 0 if nothing is known."""
        if pronoun == IT:
            return 1 if name in self.cast.creatures else -1
        vote = self.votes.get(name, 0) * {HE: -1, SHE: 1}.get(pronoun, 0)
        return (vote > 0) - (vote < 0)

    def meant(self, pronoun: str, not_them: Sequence[str] = ()) -> str:
        """Whom "he", "she" or "it" means: the last one whom it fits for certain, else the last whom it may fit."""
        others = [name for name in self.recent if name != self.cast.narrator and name not in not_them]
        sure = [name for name in others if self.agrees(pronoun, name) > 0]
        if pronoun == IT:
            return sure[0] if sure and others[0] == sure[0] else ""
        may = [name for name in others[:3] if self.agrees(pronoun, name) == 0]
        if sure or may:
            return (sure or may)[0] if not (sure and may and others.index(sure[0]) > 4) else may[0]
        # Nobody whom it fits was named yet: a scene may open with "she", who is named later or leads the story.
        later = [name for name in self.cast.names if name in self.around and name not in (*not_them, *self.recent)]
        later.sort(key=lambda name: name in self.cast.beasts)
        for names, least in ((later, 1), (later, 0), (self.cast.names[:2], 1), (self.cast.names[:1], 0)):
            lead = [name for name in names if self.agrees(pronoun, name) >= least and name != self.cast.narrator]
            # A robot or a dog of which nothing is said is not who "he" means.
            lead = [name for name in lead if name in self.around or name not in self.cast.creatures]
            if lead:
                return lead[0]
        return ""

    def _they(self, told: str) -> list[str]:
        """Those who were there last; two if no number is given.

        In a scene that opens with "they", the leads of the story.
        """
        young = [name for name in self.cast.names if self.cast.roles[name] & CHILDREN]
        if len(young) > 1 and _YOUNG.search(told):
            return young
        many = max((_NUMBERS.get(word, 2) for word in words_of(told)), default=2)
        people = [name for name in self.cast.names[:many] if name in self.around and name not in self.cast.beasts]
        opening = [name for name in people if name != self.cast.narrator]
        return self.recent[:many] or opening

    def read(self, sentence: str) -> tuple[list[tuple[str, Reference]], list[str]]:
        """A sentence of narration: its people with their references, and those whom "they" means."""
        found: list[tuple[str, Reference]] = []
        crowd: list[str] = []
        subject = ""
        for reference in references(sentence, self.cast):
            name = reference.name
            if reference.pronoun in {THEY, WE}:
                crowd += [one for one in self._they(sentence[reference.start : reference.end]) if one not in crowd]
                if reference.pronoun == WE and self.cast.narrator:
                    crowd.append(self.cast.narrator)
                continue
            if not name:
                same = [subject] if subject and not reference.subject else []
                name = self.meant(reference.pronoun, same)
            if not name:
                continue
            if reference.subject:
                subject = subject or name
            found.append((name, reference))
            if not reference.pronoun:
                self.notice(name)
        # The subject is remembered before the object.
        self.notice(subject)
        return found, crowd
