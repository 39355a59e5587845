"""Where and when a run of sentences happens, what the weather is like and how it feels: by word lists."""

import re
from collections import Counter
from collections.abc import Sequence

from engine.llm.storyboard.words import MOODS, PLACES, TIMES, WEATHERS, words_of

_WHERE = re.compile(
    r"\b(?:in|into|at|on|onto|to|from|through|across|inside|outside|behind|reached|entered|left)\s+"
    r"(?P<phrase>(?:the|a|an|her|his|their|our|my)\s+(?:[\w’'-]+\s+){0,2}?(?P<noun>[a-zé]+))\b",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:[A-Z][\w’']+\s){1,2}(?:Street|Road|Lane|Square|Quay|Bridge|Bay|Harbour|Station|Avenue|Park)\b"
)
_SLUG = re.compile(r"#?\s*(?:INT|EXT|INT\./EXT|I/E)\.\s*(?P<place>[^-–—]+?)(?:\s*[-–—]\s*(?P<time>.+))?$")


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
        for street in _STREET.findall(sentence):
            counted[street] += 1
    return [place for place, _ in counted.most_common()]


def place_of(sentences: Sequence[str], known: Sequence[str]) -> str:
    """The place of a scene: the one its beginning names, in the spelling already known."""
    opening = places(sentences[:6]) or places(sentences)
    if not opening:
        return ""
    words = {opening[0].lower(), opening[0].lower().removeprefix("the ")}
    return next((place for place in known if place.lower().removeprefix("the ") in words), opening[0])


def time_of(sentences: Sequence[str]) -> str:
    """The time of day, or nothing."""
    for sentence in sentences[:3]:
        slug = _SLUG.match(sentence)
        if slug and slug["time"]:
            return slug["time"].strip().lower()
    return _named_first(sentences, TIMES)


def weather_of(sentences: Sequence[str]) -> str:
    """The weather, or nothing."""
    return _named_first(sentences, WEATHERS)


def mood_of(sentences: Sequence[str]) -> str:
    """The mood with the most words for it; calm when there are none."""
    words = Counter(word for sentence in sentences for word in words_of(sentence))
    scores = [(sum(words[word] for word in telling), mood) for mood, telling in MOODS]
    best = max(scores, key=lambda score: score[0])
    return best[1] if best[0] else "calm"


def _named_first(sentences: Sequence[str], table: Sequence[tuple[str, frozenset[str]]]) -> str:
    for sentence in sentences:
        for word in words_of(sentence):
            for label, telling in table:
                if word in telling:
                    return label
    return ""
