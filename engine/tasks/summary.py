"""Say what a scene is about, where and when it happens, and who is in it."""

from pydantic import Field

from engine.tasks.task import Task, TaskInput
from models.story import Frozen


class In(TaskInput):
    """A scene of the outline, with its text."""

    title: str = ""
    gist: str = ""
    sentences: list[str]
    known_characters: list[str] = Field(default_factory=list)
    cast: list[str] = Field(default_factory=list, description="everybody with a name in the story")
    aliases: dict[str, list[str]] = Field(default_factory=dict, description="name → what else the text calls them")
    known_places: list[str] = Field(default_factory=list)


class Out(Frozen):
    summary: str
    place: str = Field(default="", description="where, as a short noun phrase; empty if the text does not say")
    time: str = Field(default="", description="time of day; empty if the text does not say")
    weather: str = Field(default="", description="a word or two; empty if the text does not say")
    mood: str = Field(default="", description="a word or two")
    characters: list[str] = Field(default_factory=list, description="who is there, by their known names")


def check(data: In, out: Out) -> list[str]:
    """There is a summary, and everybody in it exists."""
    notes = []
    if not out.summary.strip():
        notes.append("the summary is empty")
    if len(out.summary) > 800:
        notes.append(f"the summary has {len(out.summary)} characters; at most 800 are allowed")
    for field in ("place", "time", "weather", "mood"):
        if len(getattr(out, field)) > 120:
            notes.append(f"{field} is too long: a short phrase of at most 120 characters")
    text = "\n".join(data.sentences)
    for name in out.characters:
        if name not in (*data.known_characters, *data.cast) and name not in text:
            notes.append(f"nobody called {name} is known or named in the scene")
    if len(set(out.characters)) < len(out.characters):
        notes.append("a character is listed twice")
    return notes


TASK = Task(
    name="SceneSummary",
    version=2,
    input=In,
    output=Out,
    system="You are the script editor of a comic. You note for the artists what a scene is about.",
    instructions="""\
Sum up this scene for the artists.
{% if title or gist %}
From the outline:
{{ (title + ": " + gist) | material }}
{% endif %}
{% if known_characters %}
Known characters:
{{ known_characters | join("\n") | material }}
{% endif %}
{% if known_places %}
Known places:
{{ known_places | join("\n") | material }}
{% endif %}

The scene:
{{ sentences | join("\n") | material }}

summary: two or three sentences, at most 500 characters, only what the text says.
place, time, weather: as the text says or clearly implies, a few words each ("the harbour", "night", "fog"); use a known
  place where it is one; leave empty what the text leaves open.
mood: one or two words.
characters: who is present in the scene, by their known names; leave out who is only talked about.""",
    check=check,
    max_input_tokens=12_000,
    max_output_tokens=1_000,
)
