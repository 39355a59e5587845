"""Sentences → panels: where one ends, how near the camera is, who is on stage."""

from collections.abc import Sequence

from engine.offline.storyboard.telling import clipped, shortened, shown_sentences
from engine.reading import Sentence, count_tokens, heading_text, is_heading, take_apart
from engine.reading.people.speakers import Beat, attribute
from engine.reading.people.words import PLACES, PROPS, words_of
from engine.tasks.panels import task as panels
from models.story import LineKind, Shot

_COMFORTABLE = 70
_LONGEST_DESCRIPTION = 220


def answer(data: panels.In) -> panels.Out:
    """The panels of a run of sentences."""
    parts = take_apart(data.sentences)
    beats = attribute(data.sentences, data.cast or data.characters, data.aliases)
    groups = _grouped(data.sentences, parts)
    if data.max_panels is not None and len(groups) > data.max_panels:
        groups = _fewer(data.sentences, data.max_panels)
    found: list[panels.Panel] = []
    shots = [data.last_shot] if data.last_shot else []
    company: list[str] = []
    marked = any(part.closes for part in parts)
    for group in groups:
        around = _around(parts, group) if marked else group
        on_stage = _on_stage(beats, group, around, data.characters) or company[:1]
        company = [*on_stage, *(name for name in company if name not in on_stage)]
        shot = _shot(
            parts[group.start : group.stop], beats[group.start : group.stop], on_stage, data.first + group.start, shots
        )
        shots.append(shot)
        found.append(
            panels.Panel(
                first=data.first + group.start,
                last=data.first + group.stop - 1,
                shot=shot,
                description=_description(data, parts[group.start : group.stop], on_stage),
                characters=on_stage,
            )
        )
    return panels.Out(panels=found)


def _grouped(sentences: Sequence[str], parts: Sequence[Sentence]) -> list[range]:
    """One moment a panel: a few sentences, at most a short exchange."""
    groups: list[range] = []
    start, size, quotes = 0, 0, 0
    for index, part in enumerate(parts):
        tokens, said = count_tokens(sentences[index]) + 1, len(part.said)
        only_headings = all(is_heading(sentence) for sentence in sentences[start:index])
        goes_on = bool(part.said) and part.said[0].continues
        full = size + tokens > (panels.MOST_TEXT - 5 if only_headings else _COMFORTABLE)
        # A caption is read before the balloons: what is told after a quote wants a panel of its own.
        crowded = quotes + said > 3 or (quotes > 0 and not part.said and tokens > 12)
        if index > start and (
            full or crowded or is_heading(sentences[index]) or (goes_on and size > _COMFORTABLE // 2)
        ):
            groups.append(range(start, index))
            start, size, quotes = index, 0, 0
        size += tokens
        quotes += said
    groups.append(range(start, len(sentences)))
    return groups


def _fewer(sentences: Sequence[str], most: int) -> list[range]:
    """The sentences in `most` groups of about the same amount of text."""
    weights = [count_tokens(sentence) + 1 for sentence in sentences]
    most = min(most, len(sentences))
    total, done, start = sum(weights), 0, 0
    groups: list[range] = []
    for index, weight in enumerate(weights):
        done += weight
        left = len(sentences) - index - 1
        needed = most - len(groups) - 1
        if needed and (done * most >= total * (len(groups) + 1) or left == needed):
            groups.append(range(start, index + 1))
            start = index + 1
    if start < len(sentences):
        groups.append(range(start, len(sentences)))
    return groups


def _around(parts: Sequence[Sentence], group: range) -> range:
    """The sentences of all paragraphs that a panel tells of, where their ends are marked."""
    first, last = group.start, group.stop - 1
    while first and not parts[first - 1].closes:
        first -= 1
    while last + 1 < len(parts) and not parts[last].closes:
        last += 1
    return range(first, last + 1)


def _on_stage(beats: Sequence[Beat], group: range, around: range, characters: Sequence[str]) -> list[str]:
    """Who speaks, then who does something, then who is spoken to; the silent and idle are out of the picture.

    A paragraph is one moment: who speaks or does something in it is there from its first sentence to its last.
    """
    own = beats[group.start : group.stop]
    speaking = [spoken.speaker for beat in own for spoken in beat.spoken]
    named = [name for beat in own for name in beat.named]
    called = [name for beat in own for spoken in beat.spoken for name in spoken.calls]
    beside = [beats[index] for index in around if index not in group]
    also = [name for beat in beside for name in (*(spoken.speaker for spoken in beat.spoken), *beat.named)]
    found = dict.fromkeys([*speaking, *named, *called, *also])
    return [name for name in found if name in characters][: panels.MOST_ON_STAGE]


def _shot(
    parts: Sequence[Sentence], beats: Sequence[Beat], on_stage: Sequence[str], first: int, shots: Sequence[Shot]
) -> Shot:
    """The shot the content asks for, unless the last panel had it already."""
    if first == 0 and not shots:
        return Shot.ESTABLISHING
    wishes = _wishes(parts, beats, on_stage)
    last = shots[-1] if shots else None
    before = shots[-2] if len(shots) > 1 else None
    fresh = [shot for shot in wishes if shot is not last]
    return next((shot for shot in fresh if shot is not before), fresh[0])


def _wishes(parts: Sequence[Sentence], beats: Sequence[Beat], on_stage: Sequence[str]) -> list[Shot]:
    """Shots that would suit, best first; always more than two, so that one is left."""
    kinds = {spoken.kind for beat in beats for spoken in beat.spoken}
    speakers = {spoken.speaker for beat in beats for spoken in beat.spoken}
    words = {word for part in parts for told in part.told for word in words_of(told)}
    if kinds & {LineKind.SHOUT, LineKind.THOUGHT, LineKind.WHISPER}:
        return [Shot.CLOSE_UP, Shot.MEDIUM, Shot.WIDE]
    if len(speakers) > 1:
        return [Shot.MEDIUM, Shot.OVER_THE_SHOULDER, Shot.WIDE, Shot.CLOSE_UP]
    if kinds:
        beside = [Shot.OVER_THE_SHOULDER] if len(on_stage) > 1 else []
        return [Shot.MEDIUM, *beside, Shot.CLOSE_UP, Shot.WIDE]
    if words & PROPS and len(on_stage) < 2 and not words & PLACES:
        return [Shot.INSERT, Shot.MEDIUM, Shot.WIDE]
    if words & PLACES or not on_stage:
        return [Shot.WIDE, Shot.MEDIUM, Shot.INSERT]
    return [Shot.MEDIUM, Shot.WIDE, Shot.CLOSE_UP]


def _description(data: panels.In, parts: Sequence[Sentence], on_stage: Sequence[str]) -> str:
    """What the text tells of the moment; where it only speaks, who is there and where."""
    told = [sentence for part in parts for sentence in shown_sentences(part)]
    if told:
        return shortened(told, _LONGEST_DESCRIPTION)
    if on_stage:
        return ", ".join([*on_stage, data.place] if data.place else on_stage)
    said = [stretch.text for part in parts for stretch in part.said]
    return clipped(" ".join(said) or heading_text(parts[0].text), 90) or data.place or "…"
