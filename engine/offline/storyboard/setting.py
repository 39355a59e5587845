"""Where and when a run of sentences happens, what the weather is like and how it feels: by word lists."""

import re
from collections import Counter
from collections.abc import Sequence

from engine.offline.storyboard.signs import place_by_name, place_by_signs
from engine.reading.people.words import MOODS, PLACES, TIMES, WEATHERS, words_of

_WHERE = re.compile(
    r"\b(?:in|into|at|on|onto|to|from|through|across|inside|outside|behind|reached|entered|left)\s+"
    r"(?P<phrase>(?:the|a|an|her|his|their|our|my)\s+(?:[\w’'-]+\s+){0,2}?(?P<noun>[a-zé]+))\b",
    re.IGNORECASE,
)
# "The surgery smelled of soap."
_SUBJECT = re.compile(r"The (?:[a-zé]+ )?(?P<noun>[a-zé]+) (?:was|were|lay|stood|smelled|smelt|opened|looked|had)\b")
_STREET = re.compile(
    r"\b(?:[A-Z][\w’']+\s){1,2}(?:Street|Road|Lane|Square|Quay|Bridge|Bay|Harbour|Station|Avenue|Park)\b"
)
_LIKE = re.compile(r"\b(?:like|as if|as though|think of|thought of)\b[^,.;!?]*", re.IGNORECASE)
_SLUG = re.compile(r"#?\s*(?:INT|EXT|INT\./EXT|I/E)\.\s*(?P<place>[^-–—]+?)(?:\s*[-–—]\s*(?P<time>.+))?$")


# So many words may pass before a word of the mood comes again.
_WORDS_A_MOOD_WORD = 180


def places(sentences: Sequence[str]) -> list[str]:
    """Places named in the text, the most named first, as short phrases."""
    counted: Counter[str] = Counter()
    for sentence in sentences:
        slug = _SLUG.match(sentence)
        if slug:
            counted[slug["place"].strip().lower()] += 5
        for match in _WHERE.finditer(sentence):
            if match["noun"].lower() in PLACES:
                counted[f"the {match['noun'].lower()}"] += 1
        begun = _SUBJECT.match(sentence)
        if begun and begun["noun"] in PLACES:
            counted[f"the {begun['noun']}"] += 1
        for street in _STREET.findall(sentence):
            counted[street] += 1
    return [place for place, _ in counted.most_common()]


def place_of(sentences: Sequence[str], told: Sequence[str], known: Sequence[str]) -> str:
    """The place of a scene, in the spelling already known: named where it begins, or told by what is there.

    What is told counts before what is said: people talk of other places.
    """
    slugs = [sentence for sentence in sentences if _SLUG.match(sentence)]
    named = places(slugs) or places(told[:6])
    words = [word for sentence in told for word in words_of(sentence)]
    signs = place_by_signs(words)
    # On board, the bridge is where the captain stands.
    if named[:1] == ["the bridge"] and signs in ("the ship", "the spaceship"):
        named = [signs]
    found = named[0] if named else place_by_name(words) or signs or next(iter(places(told) or places(sentences)), "")
    if not found:
        return ""
    bare = found.lower().removeprefix("the ")
    return next((place for place in known if place.lower().removeprefix("the ") == bare), found)


def time_of(sentences: Sequence[str]) -> str:
    """The time of day, or nothing."""
    for sentence in sentences[:3]:
        slug = _SLUG.match(sentence)
        if slug and slug["time"]:
            return slug["time"].strip().lower()
    return _named_first(sentences, TIMES)


def weather_of(told: Sequence[str]) -> str:
    """The weather, or nothing. What something is only like is not the weather."""
    return _named_first([_LIKE.sub("", sentence) for sentence in told], WEATHERS)


def mood_of(sentences: Sequence[str]) -> str:
    """The mood with the most words for it; calm where there are hardly any: one word makes no mood of a long scene."""
    words = Counter(word for sentence in sentences for word in words_of(sentence))
    scores = [(sum(words[word] for word in telling), mood) for mood, telling in MOODS]
    best = max(scores, key=lambda score: score[0])
    return best[1] if best[0] * _WORDS_A_MOOD_WORD > words.total() else "calm"


def _named_first(sentences: Sequence[str], table: Sequence[tuple[str, frozenset[str]]]) -> str:
    for sentence in sentences:
        for word in words_of(sentence):
            for label, telling in table:
                if word in telling:
                    return label
    return ""
