"""Put a scene's captions, balloons and sounds into another language, one for one."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from pydantic import Field

from engine.normal_form import normal_form
from engine.reading.emphasis import stretches
from engine.tasks.task import Task, TaskInput, Usual
from models.story import MOST_LETTERED, Frozen, Line, LineKind, check_lettered


class Words(Frozen):
    """A panel's words."""

    number: int = Field(description="of the panel in its scene, counted from 1")
    description: str = Field(default="", description="what the picture shows")
    caption: str = ""
    lines: list[Line] = Field(default_factory=list)


class Done(Frozen):
    """A panel of the scene that is translated already."""

    number: int
    source: list[str] = Field(description="caption and lines as the story has them")
    text: list[str] = Field(description="the same, translated")


class In(TaskInput):
    """The panels to translate, in reading order."""

    into: str = Field(description="the language to translate into, as BCP 47 has it")
    language: str = Field(default="", description="the language of the words, if it is known")
    title: str = Field(default="", description="the chapter's title, where it is to be translated along")
    names: list[str] = Field(default_factory=list, description="names that stay as they are")
    panels: list[Words] = Field(default_factory=list)
    done: list[Done] = Field(default_factory=list, description="for reference: what to stay in keeping with")


class Translated(Frozen):
    number: int
    caption: str = ""
    lines: list[str] = Field(default_factory=list, description="as many as the panel has, in its order")


class Out(Frozen):
    title: str = ""
    panels: list[Translated]


# As a share of the source: languages differ, and a balloon has limited space.
_SHORTEST, _LONGEST = 0.2, 3.0
# Short texts say little about length.
_SHORT, _SPARE = 40, 60
# From this many unchanged words on they are neither names nor sounds.
_SAME_WORDS, _SAME_SIGNS = 4, 10


def check(data: In, out: Out) -> list[str]:
    """Every panel once, every text once, nothing empty, lost, left as it was, or blown up."""
    asked, given = [one.number for one in data.panels], [one.number for one in out.panels]
    if given != asked:
        return [f"the panels must be {_listed(asked)}, each once and in this order, not {_listed(given)}"]
    notes = []
    if data.title.strip() and not out.title.strip():
        notes.append("the title is not translated")
    elif data.title.strip() and len(out.title) > 200:
        notes.append("the title has more than 200 characters")
    for words, translated in zip(data.panels, out.panels, strict=True):
        where = f"panel {words.number}"
        if len(translated.lines) != len(words.lines):
            notes.append(f"{where} has {len(words.lines)} lines, not {len(translated.lines)}: one for one")
            continue
        notes += _compared(data, f"{where}, caption", words.caption, translated.caption, sound=False)
        for number, (line, text) in enumerate(zip(words.lines, translated.lines, strict=True), 1):
            sound = line.kind is LineKind.SFX
            notes += _compared(data, f"{where}, line {number}", line.text, text, sound=sound)
        count = len(words.caption) + sum(len(line.text) for line in words.lines)
        try:
            # A panel from before the limit may have more words, and so may its translation.
            most = MOST_LETTERED if count <= MOST_LETTERED else 2 * count
            check_lettered([translated.caption, *translated.lines], most)
        except ValueError as error:
            notes.append(f"{where}: {error}")
    return notes


def _compared(data: In, where: str, source: str, text: str, *, sound: bool) -> Iterator[str]:
    """What is wrong with one text, held against what it translates."""
    if not source.strip():
        if text.strip():
            yield f"{where}: there is nothing to translate; leave it empty"
        return
    if not text.strip():
        yield f"{where} is empty"
        return
    if not sound and _left(data, source, text):
        yield f"{where} is not translated: {source[:80]}"
    before, after = _width(source), _width(text)
    if after > before * _LONGEST + _SPARE:
        yield f"{where} is much longer than what it translates ({len(source)} characters): keep to it"
    elif before > _SHORT and after < before * _SHORTEST:
        yield f"{where} is much shorter than what it translates: leave nothing out"
    for sign, what in (("*", "bold"), ("_", "slanted")):
        if (spans := _spans(source, sign)) != _spans(text, sign):
            yield f"{where}: as many {what} stretches between {sign} and {sign} as in the source ({spans})"


def _left(data: In, source: str, text: str) -> bool:
    """Whether a text is clearly as it was: the same words, more of them than names and sounds come to."""
    if data.into.split("-")[0] == data.language.split("-")[0] or _words(source) != _words(text):
        return False
    names = {word for name in data.names for word in _words(name)}
    rest = [word for word in _words(source) if word not in names]
    return len(rest) >= _SAME_WORDS or any(_spaceless(word) and len(word) >= _SAME_SIGNS for word in rest)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", normal_form(text).casefold())


def _spaceless(word: str) -> bool:
    """Whether it is of a script that puts no spaces between words."""
    return all(unicodedata.east_asian_width(sign) in "WF" for sign in word)


def _width(text: str) -> int:
    """How much a text says, by its signs: one of a wide script says as much as three letters."""
    return sum(3 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _spans(text: str, sign: str) -> int:
    """How many stretches stand between two such signs, as the letterer reads them."""
    around, within = stretches(sign)
    rest, many = around.subn(r"\1", text)
    return many + len(within.findall(rest))


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


TASK = Task(
    name="Translate",
    version=1,
    input=In,
    output=Out,
    keeps_language=False,
    system="You translate comics. What you write is lettered into the balloons of finished pages.",
    instructions="""\
Translate the words of some panels of one scene into {{ into }} (a BCP 47 tag)\
{% if language %} from {{ language }}{% endif %}.
{% if names %}

Names that stay as they are. Put them into the script of the language where its readers expect that, and translate those
that are plain words, such as "the baker":
{{ names | join("\n") | material }}
{% endif %}
{% if title %}

The chapter's title:
{{ title | material }}
{% endif %}
{% if done %}

Translated already, in the same scene (for reference: keep forms of address, terms and tone the same):
{% for one in done %}[panel {{ one.number }}]
{{ (one.source + ["→"] + one.text) | join("\n") | material }}
{% endfor %}{% endif %}

The panels:
{% for panel in panels %}[panel {{ panel.number }}]
The picture, for your understanding alone:
{{ panel.description | material }}
{% if panel.caption %}
Caption:
{{ panel.caption | material }}
{% endif %}
{% for line in panel.lines %}[line {{ loop.index }}, {{ line.kind.value }}, after its speaker]
{{ (line.speaker + ": " + line.text) | material }}
{% endfor %}{% endfor %}

title: {% if title %}the title, translated{% else %}empty{% endif %}.
panels: each of these panels once, by its number, in this order.
  caption: the caption, translated; empty where there is none.
  lines: as many as the panel has, in the same order; of each what is said alone, without its speaker.
- Say it as people say it in that language, as short as the source: a balloon has no more room than that.
- The same person addresses another the same way throughout.
- A sound (sfx) becomes the sound that comics in that language have for it.
- Keep *bold* and _slanted_ stretches, with their signs, around the words that carry the stress there.
- Leave nothing out, add nothing, explain nothing.""",
    check=check,
    max_input_tokens=12_000,
    max_output_tokens=8_000,
    usual=Usual(reads=2_000, writes=900, most_written=8_000),
    per="scene and language",
    per_in_script="scene and language",
)
