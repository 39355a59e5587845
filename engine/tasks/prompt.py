"""Turn a panel into a prompt an image model can draw from."""

import re
from collections.abc import Iterable

from pydantic import Field

from engine.tasks.task import Task, TaskInput
from models.story import Attributes, Frozen, Shot

LONGEST_PROMPT = 4_000
_ROOM_FOR_THE_SCENE = 1_500
_FIXED = ("age", "build", "hair", "face", "clothes")


class In(TaskInput):
    """A panel with everything an artist has to know."""

    shot: Shot = Shot.MEDIUM
    description: str
    characters: list[Attributes] = Field(default_factory=list, description="who is on stage")
    absent: list[str] = Field(default_factory=list, description="names of everybody else in the story")
    place: str = ""
    time: str = ""
    weather: str = ""
    mood: str = ""
    style: str = ""


class Out(Frozen):
    prompt: str
    negative: str = Field(default="", description="what must not be in the picture")


def longest(data: In) -> int:
    """How long a prompt may be: a crowd's attributes are kept whole even where they need more."""
    return max(LONGEST_PROMPT, sum(len(who.sentence()) + 2 for who in data.characters) + _ROOM_FOR_THE_SCENE)


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text as a word of its own."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def without_those_on_stage(data: In, text: str) -> str:
    """Text without what belongs to those on stage (and the given style), so that "Ada" is not found in "Ada Reed"."""
    own: set[str] = {data.style}
    for who in data.characters:
        own |= {who.name, *who.aliases, *who.props, *(getattr(who, field) for field in _FIXED)}
    for piece in sorted(filter(None, own), key=len, reverse=True):
        text = text.replace(piece, " ")
    return text


def present(data: In, text: str) -> Iterable[str]:
    """The absent who are named nevertheless."""
    rest = without_those_on_stage(data, text)
    on_stage = {who.name for who in data.characters}
    return [name for name in data.absent if name and name not in on_stage and mentions(rest, name)]


def check(data: In, out: Out) -> list[str]:
    """Everybody on stage is described with their fixed attributes, and nobody else is named."""
    notes = []
    if not out.prompt.strip():
        notes.append("the prompt is empty")
    for who in data.characters:
        if who.name not in out.prompt:
            notes.append(f"{who.name} is on stage and must be named")
        for field in _FIXED:
            value: str = getattr(who, field)
            if value and value not in out.prompt:
                notes.append(f"{who.name}: {field} must be given word for word: {value}")
    notes += [f"{name} is not on stage and must not be named" for name in present(data, out.prompt)]
    for label, text in [("prompt", out.prompt), ("negative", out.negative)]:
        if len(text) > longest(data):
            notes.append(f"the {label} has {len(text)} characters; at most {longest(data)} are allowed")
    return notes


TASK = Task(
    name="VisualPrompt",
    version=1,
    input=In,
    output=Out,
    system="You write prompts for an image model that draws the panels of a comic.",
    instructions="""\
Write the prompt for one panel.

Shot: {{ shot.value }}
What it shows:
{{ description | material }}
{% if characters %}
On stage, with attributes that never change:
{% for who in characters %}{{ who.sentence() | material }}
{% endfor %}
{% else %}
Nobody is on stage.
{% endif %}
{% if absent %}
Not in the picture, so never name them:
{{ absent | join("\n") | material }}
{% endif %}
{% if place or time or weather or mood %}
Place, time, weather, mood:
{{ [place, time, weather, mood] | select | join("; ") | material }}
{% endif %}
Style: {{ style or "clear comic art, clean ink lines, flat colours" }}

prompt: one paragraph in English, at most 3,500 characters: style, shot and angle, place, light and weather, then what
  happens. Name everybody on stage once with age, build, hair, face and clothes exactly as given, word for word, and
  say where they are in the picture. Nobody else. Leave calm room for balloons at the top; no lettering.
negative: what must not appear, as a comma-separated list (text, balloons, watermark, extra people …); no names.""",
    check=check,
    max_input_tokens=6_000,
    max_output_tokens=1_800,
)
