"""Who a text is about: names found by how they are used, and mentions found by known names."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.llm.storyboard.words import NOT_NAMES, STREET_WORDS, TITLES
from engine.reading import Sentence
from engine.reading.quotes import SPEECH_VERBS

_WORD = re.compile(r"[^\W\d_][\w’'-]*")
_MOST_CHARACTERS = 12
_ACTS = """
was had is has said went came stood sat ran took gave held put looked turned saw knew felt thought kept let got made
left rose fell shook spoke told began climbed drew hung woke slept ate drank wore and would could did
"""
_ACTIONS = frozenset(_ACTS.split())


@dataclass(frozen=True)
class Mention:
    """A known character named in a text, from `start` on."""

    start: int
    name: str


@lru_cache(maxsize=256)
def _keys(cast: tuple[str, ...]) -> tuple[dict[str, str], re.Pattern[str] | None]:
    """Every way to say a name → the name: in full, and each of its words that no other name has."""
    keys: dict[str, str] = {}
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for name in cast:
        for word in _WORD.findall(name):
            if word.lower() not in TITLES and word.lower() not in NOT_NAMES and (len(word) > 1 or not word.isascii()):
                owners[word].add(name)
    for word, names in owners.items():
        if len(names) == 1:
            keys[word] = next(iter(names))
    ranks = Counter(word.lower() for name in cast for word in _WORD.findall(name) if word.lower() in TITLES)
    for name in cast:
        for word in _WORD.findall(name):
            if ranks[word.lower()] == 1 and word.lower() not in {"old", "young"}:
                keys.update({f"the {word.lower()}": name, f"The {word.lower()}": name, word.capitalize(): name})
    keys.update({name: name for name in cast})
    keys.update({key.upper(): name for key, name in list(keys.items()) if len(key) > 2})
    if not keys:
        return {}, None
    longest_first = sorted(keys, key=lambda key: (-len(key), key))
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    return keys, pattern


def mentions(text: str, cast: tuple[str, ...]) -> list[Mention]:
    """Where a text names members of the cast."""
    keys, pattern = _keys(cast)
    if pattern is None:
        return []
    return [Mention(match.start(), keys[match.group()]) for match in pattern.finditer(text)]


def resolve(name: str, cast: tuple[str, ...]) -> str:
    """The member of the cast that a name means, or nobody."""
    found = mentions(name, cast) or mentions(name.title(), cast)
    return found[0].name if found else ""


def find_cast(parts: Sequence[Sentence], known: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The characters of a text as (name, aliases), the most present first."""
    evidence = _Evidence()
    for part in parts:
        evidence.read(part)
    return _merged(evidence.accepted(), known)


class _Evidence:
    """What speaks for a capitalised word being somebody's name."""

    def __init__(self) -> None:
        self.words = self.capitals = 0
        self.speaks: Counter[str] = Counter()
        self.acts: Counter[str] = Counter()
        self.inside: Counter[str] = Counter()
        self.opening: Counter[str] = Counter()
        self.located: Counter[str] = Counter()
        self.introduced: dict[str, None] = {}

    def read(self, part: Sentence) -> None:
        if part.cue:
            name = part.cue.title() if part.cue.isupper() and len(part.cue) > 1 else part.cue
            self.speaks[name] += 1
        for stretch in part.stretches:
            self._read_stretch(stretch.text, not stretch.quoted, beside_quote=bool(part.said))

    def _read_stretch(self, text: str, told: bool, beside_quote: bool) -> None:
        for name, start, end in self._names(text):
            before, after = text[:start].rstrip(), _WORD.match(text, end + 1)
            preceding = before.split()[-1].lower().strip(",") if before else ""
            following = after.group() if after else ""
            if told and beside_quote and (preceding in SPEECH_VERBS or following in SPEECH_VERBS):
                self.speaks[name] += 1
            elif following.endswith("ed") or following in _ACTIONS or text[end : end + 2] in {"'s", "’s"}:
                self.acts[name] += 1
            if preceding in {"the", "in", "at", "near", "a", "an", "of"}:
                self.located[name] += 1
            opens = not before or before[-1] in ".!?…:—–“\"'‘"
            (self.opening if opens else self.inside)[name] += 1
            if " " in name and (told or not opens):
                # In speech an opening capital may be an order: "Fetch Finch".
                self.introduced[name] = None

    def _names(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Runs of capitalised words: "Mr. Tom Reed", with where they stand."""
        run: list[re.Match[str]] = []
        for match in _WORD.finditer(text):
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
        """Names with the weight of their evidence. Where nouns are capitalised too, only speakers count."""
        nouns_too = self.capitals > 0.12 * max(self.words, 1) and self.words > 120
        weights: Counter[str] = Counter()
        for name in {*self.speaks, *self.inside, *self.opening}:
            speaks, acts, inside = self.speaks[name], self.acts[name], self.inside[name]
            total = inside + self.opening[name]
            is_place = name.split()[-1].lower() in STREET_WORDS or 2 * self.located[name] > total
            acting = total >= 2 and acts >= 1 and inside + acts >= 2 and not is_place and not nouns_too
            if speaks or acting:
                weights[name] = 3 * speaks + acts + total
        for name in self.introduced:
            # "Barnaby Finch", named once, is the Finch who speaks.
            known = any(word in weights and word.lower() not in TITLES for word in name.split())
            if known and name not in weights and name.split()[-1].lower() not in STREET_WORDS:
                weights[name] = self.inside[name] + self.opening[name]
        return weights


def _bare(word: str) -> str:
    return re.sub(r"['’]s$|['’]$", "", word)


def _merged(weights: Counter[str], known: Sequence[str]) -> list[tuple[str, list[str]]]:
    """One entry for each person: shorter names go to the one longer name that contains them."""
    groups: dict[str, list[str]] = {name: [] for name in known}
    by_length = sorted(weights, key=lambda name: (-len(name.split()), -weights[name], name))
    presence: Counter[str] = Counter()
    for name in by_length:
        own = _core(name)
        owners = [other for other in groups if own and (own <= _core(other) or _core(other) <= own) and _core(other)]
        if name in groups:
            owners = [name]
        if len(owners) == 1:
            presence[owners[0]] += weights[name]
            if name != owners[0] and name not in groups[owners[0]]:
                groups[owners[0]].append(name)
        elif not owners:
            groups[name] = []
            presence[name] += weights[name]
    found = sorted((name for name in groups if presence[name]), key=lambda name: (-presence[name], name))
    return [(name, groups[name]) for name in found[:_MOST_CHARACTERS]]


def _core(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name) if word.lower() not in TITLES)
