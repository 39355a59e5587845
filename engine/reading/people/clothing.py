"""Finds changes of clothes: who puts on, wears or takes off what, where the text says so explicitly.

Wishes, plans, denials and dialogue do not count; nor do hats and gloves.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.cast.outfits import WITHOUT
from engine.cast.vocabulary import ACCESSORIES, GARMENTS, telling, words_of
from engine.reading import Sentence, at_sentence_ends, take_apart
from engine.reading.people.cast import Cast, cast_of
from engine.reading.people.references import Memory, Reference, genders
from engine.reading.people.speakers import attribute

_NOUNS = "|".join(sorted(map(re.escape, GARMENTS), key=len, reverse=True))
_BESIDES = "|".join(sorted(map(re.escape, GARMENTS | ACCESSORIES), key=len, reverse=True))
_OWN = (
    r"an?|the|his|her|their|my|our|eine[nmrs]?|ein|de[nmr]|das|die|ihre[nmrs]?|ihr|seine[nmrs]?|sein|mein(?:e[nm]?)?"
    r"|une?|des|les?|la|son|sa|ses|mon|ma|mes"
)
_ADJECTIVE = (
    r"(?!(?:and|or|of|in|on|off|at|to|from|with|over|under|into|und|et|de|the|a|an|his|her|their|coat|jacket)\b)"
    r"[a-zß-ÿ][\wß-ÿ-]*"
)
# A coat's pocket, a dress shop, a shirt-sleeve: the noun does not stand for the garment.
_ITSELF = (
    r"(?![\w’'-])"
    r"(?!\s+(?:pocket|sleeve|room|rack|hook|hanger|shop|collar|button|tail|drawer|cupboard|maker)s?\b)"
)
# In French the colour follows the noun.
_BEHIND = r"(?:\s+(?:jaunes?|rouges?|noire?s?|bleue?s?|verte?s?|blanche?s?|grise?s?|brune?s?))?"
_PAIR = rf"(?:\s+(?:and|und|et)\s+(?:(?:{_OWN})\s+)?(?:{_ADJECTIVE},?\s+){{0,2}}?(?:{_BESIDES}){_BEHIND}{_ITSELF})?"
_CLOTHES = (
    rf"(?P<clothes>(?:(?P<own>{_OWN})\s+)?(?:{_ADJECTIVE},?\s+){{0,3}}?(?P<noun>{_NOUNS}){_BEHIND}{_ITSELF}{_PAIR})"
)

_ON = (
    rf"(?:puts?|putting|pulls?|pulled|pulling|threw|throws|slipped|slips|shrugged|shrugs|tugged|drew|got|flung)\s+on\s+{_CLOTHES}",
    rf"(?:puts?|putting|pulls?|pulled|pulling|threw|slipped|shrugged|tugged|drew|flung)\s+{_CLOTHES}\s+on\b(?!\s+(?:the|a|an|top)\b)",
    rf"(?:chang(?:ed?|es|ing)|dressed|got|gets|stepped|steps|slipped|slips|shrugged|climbed|struggled|wriggled)\s+into\s+{_CLOTHES}",
    rf"(?:don(?:ned|s|ning)|buttoned|buttons|zipped|zips|wrapped|belted)\s+(?:up\s+)?(?:(?:him|her)self\s+(?:in|into)\s+)?{_CLOTHES}",
    rf"(?:wears?|wore|wearing|dressed\s+in|clad\s+in|had\s+on|has\s+on)\s+(?:now\s+|only\s+|nothing\s+but\s+)?{_CLOTHES}",
    rf"(?:was|is|stood|stands|sat|sits|waited|waits)\s+(?:\w+\s+){{0,2}}?in\s+{_CLOTHES}",
    rf"(?:came|comes|appeared|appears|returned|returns|walked|entered)\s+(?:\w+\s+){{0,4}}?in\s+{_CLOTHES}",
    rf"(?:zog|zieht|streifte|streift|warf|wirft)\s+(?:sich\s+)?{_CLOTHES}\s+(?:an|über)\b",
    rf"(?:schlüpfte|schlüpft|stieg|steigt)\s+in\s+{_CLOTHES}",
    rf"(?:trug|trägt)\s+(?:jetzt\s+|nun\s+)?{_CLOTHES}",
    rf"(?:enfil(?:a|e)|mit|met|revêtit|passa|endossa|portait|porte)\s+{_CLOTHES}",
)
_OFF = (
    rf"(?:took|takes|taking|pulled|pulls|threw|slipped|shrugged|peeled|stripped|tore)\s+off\s+{_CLOTHES}",
    rf"(?:took|takes|taking|pulled|pulls|slipped|shrugged|peeled)\s+{_CLOTHES}\s+off\b",
    rf"(?:slipped|slips|stepped|steps|climbed|shrugged|wriggled)\s+out\s+of\s+{_CLOTHES}",
    rf"(?:shed|hung\s+up|hangs\s+up)\s+{_CLOTHES}",
    rf"(?:zog|zieht|legte|legt|streifte)\s+{_CLOTHES}\s+(?:aus|ab)\b",
    rf"(?:ôta|ôte|enleva|enlève|retira|retire)\s+{_CLOTHES}",
)
_CHANGES = [(re.compile(rf"\b{one}", re.IGNORECASE), True) for one in _ON] + [
    (re.compile(rf"\b{one}", re.IGNORECASE), False) for one in _OFF
]
# Words before a verb of which nothing happens.
_UNDONE = re.compile(
    r"(?:\b(?:not|never|would|could|should|might|must|will|can|may|to|if|let|without|before|until|having|used|once|or"
    r"|nicht|nie|würde|könnte|sollte|wollte|ne|pour|sans)\b|n['’]t\b|n['’])(?:\s+\w+){0,2}\s*$",
    re.IGNORECASE,
)
_FORMERLY = re.compile(r"\b(?:had|hatte|avait)\s+(?:\w+\s+)?$", re.IGNORECASE)
_THEIRS = re.compile(r"\b(?:their|ihre|leurs?)\b", re.IGNORECASE)
_WORN = re.compile(rf"\b(?:{_NOUNS})\b", re.IGNORECASE)
_PLURAL = re.compile(r"(?:s|pyjamas|jeans|armou?r)$", re.IGNORECASE)
_LONGEST_QUOTE = 200
# At most this many sentences about clothes are reported, each with the previous one.
_MOST_TOLD = 12


@dataclass(frozen=True)
class Change:
    """A character wears something from here on, or has taken it off. `quote` is the sentence that says so."""

    name: str
    clothes: str
    noun: str
    on: bool
    quote: str


def changes(sentences: Sequence[str], names: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> tuple[Change, ...]:
    """The changes of clothes in a scene, in order."""
    # Most scenes have none, and then nobody needs to be identified.
    if not any(pattern.search(sentence) for sentence in sentences if _WORN.search(sentence) for pattern, _ in _CHANGES):
        return ()
    return _changes(tuple(sentences), cast_of(names, aliases))


def clothing_sentences(sentences: Sequence[str]) -> list[str]:
    """The sentences of a scene about changes of clothes, each with the previous one, which shows whom it concerns."""
    found = [
        index
        for index, sentence in enumerate(sentences)
        if _WORN.search(sentence) and any(pattern.search(sentence) for pattern, _ in _CHANGES)
    ]
    return [
        " ".join(part.strip() for part in sentences[max(0, index - 1) : index + 1]) for index in found[-_MOST_TOLD:]
    ]


def outfits_after(before: Mapping[str, str], found: Iterable[Change]) -> dict[str, str]:
    """What characters wear after these changes, apart from their usual clothes, by name."""
    state = dict(before)
    for one in found:
        had = state.get(one.name, "")
        if one.on:
            bare = telling(one.clothes) == [one.noun]
            # "The coat" that they wear already is the same one.
            if not (bare and one.noun in words_of(had) and not had.startswith(WITHOUT)):
                state[one.name] = one.clothes
        elif not had:
            state[one.name] = f"{WITHOUT}{one.clothes}"
        elif one.noun in words_of(had) and not had.startswith(WITHOUT):
            del state[one.name]
    return state


@lru_cache(maxsize=256)
def _changes(sentences: tuple[str, ...], cast: Cast) -> tuple[Change, ...]:
    """Cached: every later scene of the chapter asks for it."""
    parts = take_apart(sentences)
    beats = attribute(sentences, cast.names, cast.also)
    around = {name for beat in beats for name in (*beat.named, *(spoken.speaker for spoken in beat.spoken)) if name}
    memory = Memory(cast, genders(parts, cast), around)
    found: list[Change] = []
    # Who was named since the paragraph began.
    named: set[str] = set()
    for part, beat in zip(parts, beats, strict=True):
        speakers = iter(beat.spoken)
        for stretch in part.stretches:
            if stretch.quoted:
                spoken = next(speakers, None)
                memory.notice(spoken.speaker if spoken else "")
                continue
            for sentence in at_sentence_ends(stretch.text):
                found += _in_sentence(sentence, memory, part, named)
        if part.closes:
            named = set()
    return tuple(found)


def _in_sentence(sentence: str, memory: Memory, part: Sentence, named: set[str]) -> list[Change]:
    people, crowd = memory.read(sentence)
    named |= {name for name, one in people if not one.pronoun}
    people = [(name, one) for name, one in people if not one.pronoun or _certain(name, one.pronoun, memory, named)]
    found: dict[int, Change] = {}
    for pattern, on in _CHANGES:
        for match in pattern.finditer(sentence):
            if match.start("noun") in found or _UNDONE.search(sentence[: match.start()]):
                continue
            # "Had worn" was earlier; "had put on" is true now.
            if _FORMERLY.search(sentence[: match.start()]) and match.group().lower().startswith(("wor", "portait")):
                continue
            name = _who(people, crowd, match.start())
            if name and not (match["own"] and _THEIRS.match(match["own"]) and crowd):
                quote = (sentence if sentence in part.text else match.group()).strip()
                if len(quote) > _LONGEST_QUOTE:
                    quote = match.group()
                found[match.start("noun")] = Change(name, _clothes(match), match["noun"].lower(), on, quote)
    return [found[at] for at in sorted(found)]


def _certain(name: str, pronoun: str, memory: Memory, named: Collection[str]) -> bool:
    """Whether "she" can only be one person: nobody else there fits, or nobody else is named in the paragraph.

    Who changes clothes must not be guessed: all following panels would show it.
    """
    if name == memory.cast.narrator:
        return True
    # A robot or a dog is "she" only if that is known.
    least = {one: int(one in memory.cast.creatures) for one in memory.around if one != memory.cast.narrator}
    suits = {one for one, worth in least.items() if memory.agrees(pronoun, one) >= worth}
    return suits <= {name} or suits & set(named) == {name}


def _who(people: Sequence[tuple[str, Reference]], crowd: Sequence[str], at: int) -> str:
    """Who does the verb at this place: the last subject before it, else the first after it ("Pulling on …")."""
    before = [name for name, one in people if one.subject and one.start < at]
    behind = [name for name, one in people if one.subject and one.start > at]
    if before:
        return before[-1]
    return behind[0] if behind and not crowd else ""


def _clothes(match: re.Match[str]) -> str:
    """The garment without its owner: "her nightgown" is "a nightgown"."""
    clothes, own = match["clothes"], match["own"]
    bare = clothes[len(own) :].strip() if own else clothes.strip()
    if own and own.lower() in {"her", "his", "their", "my", "our", "the", "a", "an"}:
        if _PLURAL.search(match["noun"]) and not match["noun"].lower().endswith("dress"):
            return bare
        return f"{'an' if bare[:1].lower() in 'aeio' else 'a'} {bare}"
    return clothes.strip()
