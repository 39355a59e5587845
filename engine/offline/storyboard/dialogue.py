"""A panel's sentences → balloons and caption, in the manuscript's own words."""

from collections.abc import Sequence

from engine.offline.storyboard.directed import lines_asked
from engine.offline.storyboard.telling import clipped, shortened, told_sentences
from engine.reading import Sentence, heading_text, is_heading, pieces_within, take_apart
from engine.reading.people.speakers import Spoken, attribute
from engine.tasks.dialogue import task as dialogue
from models.story import Line, LineKind


def answer(data: dialogue.In) -> dialogue.Out:
    """Every quote as lines (when condensed: the telling ones), and what is told as the caption."""
    if data.directions and data.current:
        return dialogue.Out(lines=lines_asked(data.directions, data.current), caption=data.current_caption)
    scene = [*data.before, *data.sentences, *data.after]
    beats = attribute(scene, [*data.cast, *data.characters], data.aliases)
    own = slice(len(data.before), len(data.before) + len(data.sentences))
    parts = take_apart(data.sentences, data.before, data.after)
    spoken = [quote for beat in beats[own] for quote in beat.spoken]
    lines = [line for quote in spoken for line in _lines(quote, data.max_line_chars)]
    if data.condensed:
        lines = _chosen(lines, data.max_lines)
    return dialogue.Out(lines=lines, caption=_caption(data, parts))


def _lines(quote: Spoken, longest: int) -> list[Line]:
    return [Line(speaker=quote.speaker, kind=quote.kind, text=piece) for piece in pieces_within(quote.text, longest)]


def _chosen(lines: Sequence[Line], most: int) -> list[Line]:
    """The most telling lines, in order: loud ones and questions, the first and the last."""

    def weight(index: int) -> tuple[int, int]:
        line = lines[index]
        telling = 2 * (line.kind is not LineKind.SPEECH) + ("?" in line.text) + ("!" in line.text)
        return telling + 2 * (index in {0, len(lines) - 1}), -index

    kept = sorted(sorted(range(len(lines)), key=weight, reverse=True)[:most])
    return [lines[index] for index in kept]


def _caption(data: dialogue.In, parts: Sequence[Sentence]) -> str:
    told = [sentence for part in parts for sentence in told_sentences(part)]
    headings = [heading_text(sentence) for sentence in data.sentences if is_heading(sentence)]
    if not told and headings:
        return clipped(headings[0], data.max_caption_chars)
    if data.condensed and len(told) > 2:
        told = [told[0], told[-1]]
    return shortened(told, data.max_caption_chars)
