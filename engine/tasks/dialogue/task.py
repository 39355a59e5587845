"""Give a panel its balloons and its caption, out of the manuscript's own words."""

import re
from collections.abc import Sequence

from pydantic import Field

from engine.reading import at_sentence_ends, heading_text, quoted, take_apart
from engine.tasks.dialogue.basis import PART
from engine.tasks.task import Task, TaskInput, Usual
from models.story import Frozen, Line, check_lettered


class In(TaskInput):
    """A panel's own sentences, with their neighbours for reference."""

    description: str = ""
    characters: list[str] = Field(default_factory=list, description="who is on stage")
    cast: list[str] = Field(default_factory=list, description="everybody with a name in the story")
    aliases: dict[str, list[str]] = Field(default_factory=dict, description="name → what else the text calls them")
    before: list[str] = Field(default_factory=list, description="earlier sentences of the scene")
    sentences: list[str]
    after: list[str] = Field(default_factory=list, description="sentences that follow in the scene")
    max_lines: int = Field(default=4, ge=0, description="binding when condensed; otherwise every quote is kept")
    max_line_chars: int = Field(default=140, ge=20)
    max_caption_chars: int = Field(default=320, ge=0)
    condensed: bool = Field(default=False, description="the chapter has fewer panels than its text needs")
    directions: str = Field(default="", description="what a director wants otherwise than the text has it")
    current: list[Line] = Field(default_factory=list, description="the lines that the directions are about")
    current_caption: str = ""


class Out(Frozen):
    lines: list[Line]
    caption: str = ""


def squeezed(text: str) -> str:
    """Text without its whitespace: what "verbatim" compares."""
    return re.sub(r"\s+", "", text)


def check(data: In, out: Out) -> list[str]:
    """Quotes are the text's own, in order; without condensing, each exactly once. Nothing is invented.

    Where a director asked for other words, the answer is not compared with the text.
    """
    quotes = quoted(data.sentences, data.before, data.after)
    notes = []
    names = {*data.characters, *data.cast, ""}
    for number, line in enumerate(out.lines, 1):
        if line.speaker not in names:
            notes.append(f"line {number}: {line.speaker} is not in the cast; leave the speaker empty if unknown")
        if not line.text.strip():
            notes.append(f"line {number} is empty")
        if len(line.text) > data.max_line_chars:
            notes.append(f"line {number} has {len(line.text)} characters; split it to at most {data.max_line_chars}")
    if data.directions:
        pass
    elif data.condensed:
        if len(out.lines) > data.max_lines:
            notes.append(f"{len(out.lines)} lines; at most {data.max_lines} are allowed")
        notes += _out_of_order(out.lines, quotes)
    else:
        notes += _incomplete(out.lines, quotes)
    try:
        check_lettered([out.caption, *(line.text for line in out.lines)])
    except ValueError as error:
        notes.append(str(error))
    if len(out.caption) > data.max_caption_chars:
        notes.append(f"the caption has {len(out.caption)} characters; at most {data.max_caption_chars} are allowed")
    elif not data.directions:
        notes += _invented(data, out.caption)
    return notes


def _incomplete(lines: Sequence[Line], quotes: Sequence[str]) -> list[str]:
    given, wanted = squeezed("".join(line.text for line in lines)), squeezed("".join(quotes))
    if given == wanted:
        return []
    missing = [quote for quote in quotes if squeezed(quote) not in given]
    if missing:
        return [f"quoted lines missing or changed: {'; '.join(missing[:5])}"]
    return ["the lines must be the quoted lines, each exactly once, word for word, in the order of the text"]


def _out_of_order(lines: Sequence[Line], quotes: Sequence[str]) -> list[str]:
    everything, at = squeezed("".join(quotes)), 0
    for number, line in enumerate(lines, 1):
        found = everything.find(squeezed(line.text), at)
        if found < 0:
            return [f"line {number} is not a quoted line of the text, word for word and in order: {line.text}"]
        at = found + len(squeezed(line.text))
    return []


def _invented(data: In, caption: str) -> list[str]:
    """A caption is made of whole sentences of narration, in order; the last may break off with "…"."""
    wanted = squeezed(caption)
    reached = {0}
    for part in take_apart(data.sentences, data.before, data.after):
        for sentence in (piece for span in part.told for piece in at_sentence_ends(heading_text(span))):
            piece = squeezed(sentence)
            if wanted.endswith("…") and any(piece.startswith(wanted[at:].rstrip("…")) for at in reached):
                return []
            reached |= {at + len(piece) for at in reached if wanted.startswith(piece, at)}
    if len(wanted) in reached:
        return []
    return ["the caption must be whole sentences that the text tells (not says), word for word and in order"]


TASK = Task(
    name="Dialogue",
    version=4,
    input=In,
    output=Out,
    system="You are the letterer's editor of a comic. You decide who says what, in the manuscript's own words.",
    instructions="""\
Write the balloons and the caption of one panel.

What the panel shows:
{{ description | material }}
{% if characters %}
On stage:
{{ characters | join("\n") | material }}
{% endif %}
{% if cast %}
Everybody with a name in the story:
{{ cast | join("\n") | material }}
{% endif %}
{% if before %}
What came right before (for reference only):
{{ before[-12:] | join("\n") | material }}
{% endif %}

The panel's own sentences:
{{ sentences | join("\n") | material }}
{% if after %}

What follows (for reference only):
{{ after[:4] | join("\n") | material }}
{% endif %}
{% if directions %}

The panel's words as they are, speaker: text:
{% for line in current %}{{ (line.speaker + ": " + line.text) | material }}
{% endfor %}{% if current_caption %}Caption: {{ current_caption | material }}
{% endif %}
The director wants them otherwise. Change what the directions ask for, and nothing else, whatever the rules below say:
{{ directions | material }}
{% endif %}

lines: {% if condensed %}the quoted lines that matter most, at most {{ max_lines }}, in the order of the text{% else %}\
every quoted line of the panel's own sentences exactly once, in the order of the text{% endif %}.
  text: word for word, without quotation marks and without "she said". A script line "NAME: text" is said by NAME.
  A line longer than {{ max_line_chars }} characters becomes several lines of the same speaker, split at sentence ends.
  speaker: exactly one of the names above; empty if the text does not tell.
  kind: speech, thought, shout or whisper, as the text says it; radio if it comes out of a device (a telephone, a
    loudspeaker); off if whoever says it is there but not to be seen.
caption: the telling sentences the picture cannot show, word for word, in order, whole sentences, at most
  {{ max_caption_chars }} characters; empty if there are none. Nothing that is said, no "he said". Invent nothing.""",
    check=check,
    max_input_tokens=6_000,
    max_output_tokens=2_000,
    usual=Usual(reads=1_500, writes=250, most_written=2_000),
    per="panel",
    of_panel=PART,
)
