"""Who says each quote of a scene, and who is present: one decision for the whole scene, so that later tags help
earlier quotes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from engine.reading import Sentence, take_apart
from engine.reading.people.cast import Cast, cast_of
from engine.reading.people.evidence import CERTAIN, HINT, LIKELY, Heard, Link, Scene, listen
from engine.reading.people.manner import manner_of
from models.story import LineKind

# What scripts put behind the name of somebody who is not in the picture: "VOICE (OFF)", "ANN (O.S.)", "ANN (V.O.)".
_OFF = re.compile(
    r"(?:off(?:[- ](?:screen|panel|camera|stage))?(?=$|[,;/])|(?:o\.\s?[sc]|v\.\s?o)\.?(?!\w)|(?:os|vo)\b)",
    re.IGNORECASE,
)
# How many of the likeliest speakers are weighed, and from how many quotes away a certain one counts.
_MOST = 6
_NEAR = 5

# The weight of the same speaker as in the previous quote, by how the quote follows it.
_SAME = {
    Link.FIRST: 0.0,
    Link.SAME: 50.0,
    Link.BESIDE: 4.0,
    Link.TOUCHING: -2.0,
    Link.TURN: -3.0,
    Link.LATER: -0.8,
    Link.APART: 0.0,
}
# The weight of the speaker of the turn before that: two people alternate.
_BACK = {Link.TURN: 1.2, Link.LATER: 0.6}
# The person addressed answers.
_ANSWERS = {Link.TURN: 2.5, Link.LATER: 1.5, Link.APART: 0.5}


@dataclass
class Spoken:
    """A quote with its speaker (or none), and whom it addresses."""

    text: str
    speaker: str
    kind: LineKind
    calls: tuple[str, ...] = ()


@dataclass
class Beat:
    """One sentence of a scene: its quotes, and who is present in its narration."""

    spoken: list[Spoken] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


def attribute(sentences: Sequence[str], names: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> tuple[Beat, ...]:
    """The beats of a scene, one for each of its sentences."""
    return _attribute(tuple(sentences), cast_of(names, aliases))


@lru_cache(maxsize=16)
def _attribute(sentences: tuple[str, ...], cast: Cast) -> tuple[Beat, ...]:
    """Cached: every panel of a scene asks for all of it."""
    parts = take_apart(sentences)
    scene = listen(parts, cast)
    speakers = _decided(scene, cast)
    # A second pass, now that "he" after a speech can be resolved.
    scene = listen(parts, cast, speakers)
    return tuple(_beats(parts, scene, _decided(scene, cast)))


def _beats(parts: Sequence[Sentence], scene: Scene, speakers: Sequence[str]) -> list[Beat]:
    beats = [Beat(named=named) for named in scene.named]
    kind = LineKind.SPEECH
    for heard, speaker in zip(scene.quotes, speakers, strict=True):
        part = parts[heard.unit]
        if part.sound:
            beats[heard.unit].spoken.append(Spoken(heard.text, "", LineKind.SFX))
            continue
        tagged = LineKind.THOUGHT if heard.thought else manner_of(heard.text, heard.tag)
        if tagged is LineKind.SPEECH and part.cue and _OFF.match(part.direction):
            tagged = LineKind.OFF
        kind = kind if heard.link is Link.SAME and tagged is LineKind.SPEECH else tagged
        beats[heard.unit].spoken.append(Spoken(heard.text, speaker, kind, heard.calls))
    return beats


def _decided(scene: Scene, cast: Cast) -> list[str]:
    """The likeliest speakers of a run of quotes: the best path through all candidates, with a memory of two turns."""
    quotes = scene.quotes
    # State: the speakers of the previous turn and of this quote → its weight, and the path to it.
    trail: list[dict[tuple[str, str], tuple[str, str]]] = []
    worth = {("", ""): 0.0}
    for index, (heard, candidates) in enumerate(zip(quotes, _candidates(scene, cast), strict=True)):
        before = quotes[index - 1] if index else None
        following: dict[tuple[str, str], float] = {}
        came: dict[tuple[str, str], tuple[str, str]] = {}
        for name in candidates:
            own = heard.for_whom.get(name, -2 * LIKELY)
            for (earlier, last), so_far in worth.items():
                value = so_far + own + _step(before, heard, earlier, last, name, scene.votes)
                state = (earlier, name) if name == last else (last, name)
                if value > following.get(state, float("-inf")):
                    following[state], came[state] = value, (earlier, last)
        worth = following
        trail.append(came)
    found: list[str] = []
    state = max(worth, key=lambda one: (worth[one], one))
    for came in reversed(trail):
        found.append(state[1])
        state = came[state]
    return found[::-1]


def _candidates(scene: Scene, cast: Cast) -> Iterator[list[str]]:
    """For each quote: nobody, the likeliest speakers, and who is certain or addressed nearby.

    Animals are among them only if the text says outright that they speak.
    """
    certain = [[name for name, weight in one.for_whom.items() if weight > CERTAIN - LIKELY] for one in scene.quotes]
    silent = cast.beasts - {name for names in certain for name in names}
    for index, heard in enumerate(scene.quotes):
        near = range(max(0, index - _NEAR), min(len(scene.quotes), index + _NEAR + 1))
        names = ["", *(name for other in near for name in certain[other])]
        for other in scene.quotes[max(0, index - 1) : index + 2]:
            names += other.turn_calls
        names += sorted(heard.for_whom, key=lambda name: (-heard.for_whom[name], name))[:_MOST]
        yield [name for name in dict.fromkeys(names) if name not in silent]


def _step(before: Heard | None, heard: Heard, earlier: str, last: str, name: str, votes: Mapping[str, int]) -> float:
    """The weight of `name` after `last`, who followed `earlier`."""
    if before is None:
        return 0.0
    value = 0.0
    if name == last:
        value += _SAME[heard.link] if name else min(_SAME[heard.link], 0.0) / 2 + (heard.link is Link.SAME) * 50
    else:
        value += _BACK.get(heard.link, 0.0) * (name == earlier and name != "")
        if before.turn_calls:
            value += _ANSWERS.get(heard.link, 0.0) * (name in before.turn_calls)
        if heard.turn_calls and last in heard.turn_calls and heard.link in _ANSWERS:
            value += HINT
        # "Yes, ma'am" is said to her, and she answers.
        if heard.link in _ANSWERS:
            value += _polite(heard.polite, votes.get(last, 0)) + _polite(before.polite, votes.get(name, 0))
    return value


def _polite(called: int, vote: int) -> float:
    return LIKELY * ((called * vote > 0) - (called * vote < 0))
