"""Evidence that a word names a person: how capitalised words are used, who acts without a name, who says I."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from engine.reading import Sentence
from engine.reading.people.cast import WORD
from engine.reading.people.references import ASKS_NAME, INTRODUCES, outer
from engine.reading.people.roles import KNOWN_ROLES
from engine.reading.people.words import (
    ARTICLES,
    HER_TITLES,
    HIS_TITLES,
    KIN,
    LONG_NAMES,
    MEN,
    NOBODY,
    NOT_NAMES,
    RANKS,
    STREET_WORDS,
    TITLES,
    WOMEN,
    words_of,
)
from engine.reading.quotes import SPEECH_VERBS

_ACTS = """
was had is has said went came stood sat ran took gave held put looked turned saw knew felt thought kept let got made
left rose fell shook spoke told began climbed drew hung woke slept ate drank wore and would could did laid led lit met
paid rode rang sang sank sent set shot shut slid spat split spread sprang stole struck swam swept swung taught threw
understood won wrote brought bought caught chose cut dug fed fought found flew forgot froze grew heard hid hit knelt lay
leant leapt lost bent bit blew broke drove fled is does comes goes takes puts looks turns sits stands runs gets makes
opens picks pulls walks holds leans nods smiles waits reads lifts steps reaches
"""
_ACTIONS = frozenset(_ACTS.split())
# "The judge had gone" mentions a person who is not there.
_HERE = "|".join(sorted(_ACTIONS - {"had", "has", "would", "could"}))
_PRONOUNS = frozenset(["he", "she", "his", "her", "him"])

_ARTICLE = rf"(?i:{'|'.join(ARTICLES)})"
_VERB = rf"(?i:{'|'.join(sorted(SPEECH_VERBS))})"
_PERSON = rf"(?:{'|'.join(sorted(KNOWN_ROLES))})\b"
# "the sailor", "the goose girl": a word before the noun may distinguish one girl from another.
_SOMEBODY = rf"{_ARTICLE}\s+(?P<noun>(?:[a-zäöü][\w’'-]*\s+)?{_PERSON}(?!\s+{_PERSON})|[^\W\d_][\w’'-]+)"
_NOUN = re.compile(rf"\b{_SOMEBODY}")
_NEW = re.compile(r"\b(?:an?|ein|eine|une?)\s+(?:[a-zäöü][\w’'-]+\s+){0,2}?(?P<noun>[^\W\d_][\w’'-]+)", re.IGNORECASE)
_NOUN_ACTS = re.compile(rf"\b(?:{_SOMEBODY}|(?i:an?|eine?|une?)\s+(?P<new>(?i:{_PERSON})))\s+(?:{_HERE}|\w+ed)\b")
_YOUNG = re.compile(r"\b(?i:young|junge|jeune)\s+(?P<name>[^\W\d_a-z][\w’-]+)")
_VERB_NOUN = re.compile(rf"\b{_VERB}\s+{_SOMEBODY}")
_NOUN_VERB = re.compile(rf"\b{_SOMEBODY}\s+{_VERB}\b")
_TAGS = re.compile(rf"^\W*(?:\w+\s+)?{_SOMEBODY}")
# "Said Mother", "Granny put down the pot": relatives without another name.
_FAMILY = re.compile(
    r"(?:\b(?P<verb>[^\W\d_]+)\s+|^|[.!?,]\s+|\b(?:and|but|und|et)\s+)"
    r"(?P<name>Mother|Father|Mum|Mom|Mama|Dad|Papa|Granny|Gran|Grandma|Grandpa|Grandmother|Grandfather|Auntie"
    r"|Mutter|Vater|Oma|Opa|Mama|Maman)\b(?!['’]?\s*[A-Z]|,\s*[A-Z])(?:\s+(?P<does>[^\W\d_]+))?"
)
_CALL_ME = re.compile(
    r"\b(?:[Mm]y name (?:is|was)|[Cc]all me|[Ii]ch heiße|[Jj]e m['’]appelle)\s+(?P<name>[^\W\d_a-z][\w’-]+)"
)
# "A tall, sad man called Abara"; "a badge that said EZRA" is none.
_NAMED = re.compile(r"\b(?:called|named|namens|nommée?|appelée?)\s+$")


class NameEvidence:
    """The evidence that a capitalised word is a person's name."""

    def __init__(self) -> None:
        self.words = self.capitals = 0
        self.speaks: Counter[str] = Counter()
        self.acts: Counter[str] = Counter()
        self.inside: Counter[str] = Counter()
        self.opening: Counter[str] = Counter()
        self.located: Counter[str] = Counter()
        self.introduced: dict[str, None] = {}
        self.called: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.once: Counter[str] = Counter()
        self.lower: set[str] = set()
        self.new: Counter[str] = Counter()
        self.nameless: Counter[str] = Counter()
        self.nouns: Counter[str] = Counter()
        self.doing: Counter[str] = Counter()
        self.young: set[str] = set()
        self.told_by: Counter[str] = Counter()
        self.call_me = ""
        self.asked = False
        self.family: Counter[str] = Counter()

    def read(self, part: Sentence) -> None:
        if part.cue:
            name = part.cue.title() if part.cue.isupper() and len(part.cue) > 1 else part.cue
            self.speaks[name] += 1
        said = ""
        goes_on = any(stretch.text[:1].islower() for stretch in part.said[1:])
        for stretch in part.stretches:
            if stretch.quoted and goes_on and stretch.text.endswith(",") and len(stretch.text.split()) == 1:
                # "Nell," said Gus, "did you feed it?"
                self.called[stretch.text.strip(",")] += 2
            text = outer(stretch.text) if stretch.quoted else stretch.text
            self._read_stretch(text, not stretch.quoted, beside_quote=bool(part.said), tags=said.endswith(","))
            if not stretch.quoted and not part.cue:
                self._read_nameless(stretch.text, beside_quote=bool(part.said))
                if said.endswith(","):
                    self._count(self.nameless, _TAGS, stretch.text[:60])
            said = stretch.text if stretch.quoted else ""
            if stretch.quoted:
                self.asked = ASKS_NAME.search(stretch.text) is not None

    def _read_nameless(self, text: str, *, beside_quote: bool) -> None:
        """A speaker without a name, and the narrator."""
        self._count(self.nouns, _NOUN, text)
        self._count(self.doing, _NOUN_ACTS, text)
        self.young.update(match["name"] for match in _YOUNG.finditer(text))
        self.new.update(match["noun"].lower() for match in _NEW.finditer(text))
        self.told_by.update(filter(None, map(_first_person, WORD.findall(text))))
        for family in _FAMILY.finditer(text):
            does = family["does"] or ""
            says = (family["verb"] or "").lower() in SPEECH_VERBS
            if says or (not family["verb"] and (does in SPEECH_VERBS or does in _ACTIONS or does.endswith("ed"))):
                self.speaks[family["name"]] += says or does in SPEECH_VERBS
                self.family[family["name"]] += 1
        named = _CALL_ME.search(text)
        self.call_me = self.call_me or (named["name"] if named else "")
        if beside_quote:
            for pattern in (_VERB_NOUN, _NOUN_VERB):
                self._count(self.nameless, pattern, text)

    @staticmethod
    def _count(counts: Counter[str], pattern: re.Pattern[str], text: str) -> None:
        for match in pattern.finditer(text):
            noun = (match["noun"] or match["new"]).lower()
            counts.update({noun, noun.split()[-1]})

    def _read_stretch(self, text: str, told: bool, beside_quote: bool, tags: bool) -> None:
        self.lower.update(word for word in WORD.findall(text) if word[0].islower())
        for name, start, end in self._names(text):
            before, after = text[:start].rstrip(), WORD.match(text, end + 1)
            preceding = before.split()[-1].lower().strip(",") if before else ""
            following = after.group() if after else ""
            does = following.endswith(("ed", "ait")) or following in _ACTIONS
            # "Hello," Ana tried: after a comma comes the speaker, whatever the verb.
            if (
                told
                and beside_quote
                and (preceding in SPEECH_VERBS or following in SPEECH_VERBS or (tags and not start))
            ):
                self.speaks[name] += 1
            elif told and (does or text[end : end + 2] in {"'s", "’s"}):
                self.acts[name] += 1
            if told and _NAMED.search(text[:start]):
                self.speaks[name] += 1
            # "Slowly, Teodor rose": a capital within a sentence, and a person who acts.
            first_and_last = " " in name and not set(words_of(name)) & TITLES
            rest = first_and_last or set(words_of(text[end : end + 80])) & _PRONOUNS
            self.once[name] += told and does and ((bool(before) and before[-1] not in ".!?…") or bool(rest))
            if preceding in {"the", "in", "at", "near", "a", "an", "of"}:
                self.located[name] += 1
            self.told[name] += told
            if not told and (
                INTRODUCES.search(text[:start]) or (self.asked and not start and text[end : end + 1] in {",", "."})
            ):
                self.speaks[name] += 1
            # "Come, Ada!" addresses a person; a single word between two full stops may be anything.
            behind = text[end : end + 1]
            commas = (before[-1:] == ",") + (behind == "," and bool(WORD.search(text[end:])))
            if not told and commas and behind in {*",.!?…", ""} and (not before or before[-1] in ",.!?…—–"):
                self.called[name] += 1 + (behind != ",")
            opens = not before or before[-1] in ".!?…:—–“\"'‘"
            (self.opening if opens else self.inside)[name] += 1
            if " " in name and (told or not opens or name.split()[0].lower().strip(".") in TITLES):
                # In speech, the first word may be an order: "Fetch Finch".
                self.introduced[name] = None

    def _names(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Runs of capitalised words with their positions: "Mr. Tom Reed"."""
        run: list[re.Match[str]] = []
        for match in WORD.finditer(text):
            self.words += 1
            word = match.group()
            capital = word[0].isupper() and (len(word) > 1 or not word.isascii())
            joins = bool(run) and text[run[-1].end() : match.start()] in {" ", ". "}
            full_stop = bool(run) and text[run[-1].end() : match.start()] == ". "
            if run and not (capital and joins and (not full_stop or run[-1].group().lower() in TITLES)):
                yield from self._closed(text, run)
                run = []
            if capital:
                before = text[: match.start()].rstrip()
                self.capitals += bool(before) and before[-1] not in ".!?…:"
                run.append(match)
        yield from self._closed(text, run)

    def _closed(self, text: str, run: list[re.Match[str]]) -> Iterator[tuple[str, int, int]]:
        while run and _bare(run[0].group()).lower() in NOT_NAMES and run[0].group().lower() not in TITLES:
            run = run[1:]
        words = [_bare(match.group()) for match in run]
        while words and words[-1].lower() in NOT_NAMES:
            words.pop()
        if words and len(words) <= 4 and any(word.lower() not in TITLES for word in words):
            last = run[len(words) - 1]
            start, end = run[0].start(), last.start() + len(words[-1])
            yield text[start:end], start, end

    def accepted(self) -> Counter[str]:
        """Names with the weight of their evidence. In languages that capitalise nouns, only speakers count."""
        nouns_too = self.capitals > 0.12 * max(self.words, 1) and self.words > 120
        weights: Counter[str] = Counter()
        for name in sorted({*self.speaks, *self.inside, *self.opening} - {*self.family}):
            speaks, acts, inside = self.speaks[name], self.acts[name], self.inside[name]
            total = inside + self.opening[name]
            is_place = name.split()[-1].lower() in STREET_WORDS or 2 * self.located[name] > total
            acting = total >= 2 and acts >= 1 and inside + acts >= 2 and not is_place and not nouns_too
            # A word that also occurs in lower case is no name: "Wait, Mother" is a person, "Geese! Geese!" is none.
            word = name.lower() in self.lower
            called = self.called[name] >= 1 and not is_place and not nouns_too and not word
            once = self.once[name] and not is_place and not nouns_too and not word and name.lower() not in KNOWN_ROLES
            if speaks or acting or once or (called and (total >= 2 or inside or self.called[name] >= 2)):
                weights[name] = 3 * speaks + acts + total
        for name, often in self.family.items():
            weights[name] = 3 * self.speaks[name] + often
        for name in self.introduced:
            own = self.inside[name] + self.opening[name]
            title = name.split()[0].lower().strip(".")
            # "Barnaby Finch", named once, is the Finch who speaks.
            known = any(word in weights and word.lower() not in TITLES for word in name.split())
            if name in weights or name.split()[-1].lower() in STREET_WORDS:
                continue
            if known:
                weights[name] = own
            elif title in TITLES:
                # "Sergeant Wick", who is "the sergeant" from then on.
                ranks = [title, *(role for role, titles in RANKS.items() if title in titles)]
                often = sum(self.nouns[rank] for rank in ranks)
                if often:
                    weights[name] = own + often
        bearers = _Bearers(weights)
        longer_nouns = _counts_of_longer(self.nouns)
        for noun, often in sorted((self.nouns | self.doing).items(), key=lambda item: item[0]):
            head, speaks = noun.split()[-1], self.nameless[noun]
            kin = head in KIN and not speaks and often < 3
            titled = head in TITLES and head in bearers.words
            enough = speaks or often >= 3 or self.doing[noun] if head in KNOWN_ROLES else (speaks and often >= 3)
            if not enough or head in NOBODY or titled or kin:
                continue
            # A girl who is usually called the goose girl is known by that; one who is once called tired is a girl.
            longer = 2 * longer_nouns.get(noun, 0) > often
            shorter = noun != head and 2 * often <= self.nouns[head]
            if not longer and not shorter and not self._means_another(head, bearers):
                weights[noun.capitalize()] = 3 * speaks + often
                bearers.add(noun.capitalize())
        return weights

    def _means_another(self, noun: str, bearers: "_Bearers") -> bool:
        """ "The landlady" is Mrs. Okell, if she is the only Mrs. and no "landlady" was introduced first."""
        titled = bearers.hers if noun in WOMEN else bearers.his if noun in MEN else frozenset()
        return len(titled) == 1 and not self.new[noun]

    def narrator(self) -> tuple[str, str]:
        """The narrator's word for themselves, and their name, if others or they give it; most stories have none."""
        word, often = max(self.told_by.items(), key=lambda pair: pair[1], default=("", 0))
        if often < 3 or often * 60 < self.words:
            return "", ""
        # The one whom others address by a name that the narration never uses: nobody mentions themselves by name.
        told = {word for name, count in self.told.items() if count for word in core_of(name)}
        called = [name for name, count in self.called.items() if count and told.isdisjoint(core_of(name))]
        called = [name for name in called if name.lower() not in self.lower]
        called.sort(key=lambda name: (" " in name, -self.called[name]))
        name = self.call_me or next(iter(called), "")
        # "Pri" is Priya.
        longer = [one for one in called if name and one.startswith(name)]
        return word, max(longer, key=len, default=name)


class _Bearers:
    """The words of the names accepted so far, and who among them bears a title."""

    def __init__(self, names: Iterable[str]) -> None:
        self.words: set[str] = set()
        self.hers: set[frozenset[str]] = set()
        self.his: set[frozenset[str]] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        words = name.lower().split()
        self.words.update(words)
        title = words[0].strip(".")
        if title in HER_TITLES:
            self.hers.add(core_of(name))
        if title in HIS_TITLES:
            self.his.add(core_of(name))


def _counts_of_longer(nouns: Mapping[str, int]) -> dict[str, int]:
    """For "girl", how often the most frequent longer noun occurs that ends in it, such as "goose girl"."""
    counts: dict[str, int] = {}
    for noun, count in nouns.items():
        for gap in re.finditer(" ", noun):
            ending = noun[gap.end() :]
            counts[ending] = max(count, counts.get(ending, 0))
    return counts


def _first_person(word: str) -> str:
    """The narrator's word for a word form: "I've" is "I", "Ich" at the start of a sentence "ich"."""
    start = re.split("['’]", word)[0]
    if start == "I":
        return start
    return {"ich": "ich", "je": "je", "j": "je"}.get(start.lower(), "")


def _bare(word: str) -> str:
    return re.sub(r"['’]s$|['’]$", "", word)


def core_of(name: str) -> frozenset[str]:
    """A name's words without titles, short names in full: what two spellings of one person share."""
    words = [word.lower() for word in WORD.findall(name) if word.lower() not in TITLES]
    return frozenset(LONG_NAMES.get(word, word) for word in words)
