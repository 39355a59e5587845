"""Break a scene into panels: which sentences each shows, from how near, with whom on stage."""

from pydantic import Field

from engine.reading import count_tokens, take_apart
from engine.tasks.panels.basis import PART
from engine.tasks.task import Task, TaskInput, Usual
from models.story import Frozen, Shot

# What can be lettered without hiding the picture: some 420 characters and four quotes.
MOST_TEXT = 105
MOST_QUOTES = 4
MOST_ON_STAGE = 6


class In(TaskInput):
    """A run of a scene's sentences, the first with the index `first`."""

    summary: str = ""
    place: str = ""
    time: str = ""
    weather: str = ""
    mood: str = ""
    characters: list[str] = Field(default_factory=list)
    cast: list[str] = Field(default_factory=list, description="everybody with a name in the story")
    aliases: dict[str, list[str]] = Field(default_factory=dict, description="name → what else the text calls them")
    first: int = Field(default=0, ge=0, description="scene-wide index of the first sentence")
    sentences: list[str] = Field(min_length=1)
    max_panels: int | None = Field(default=None, ge=1)
    last_shot: Shot | None = Field(default=None, description="of the panel right before, if there is one")


class Panel(Frozen):
    """Sentences `first` to `last`, both included, by scene-wide index."""

    first: int
    last: int
    shot: Shot
    description: str = Field(description="what the picture shows")
    characters: list[str] = Field(default_factory=list, description="who is in the picture")


class Out(Frozen):
    panels: list[Panel]


def fits(sentences: list[str]) -> bool:
    """Whether the text of a panel leaves room for the picture."""
    said = sum(not stretch.continues for part in take_apart(sentences) for stretch in part.said)
    return count_tokens(" ".join(sentences)) <= MOST_TEXT and said <= MOST_QUOTES


def check(data: In, out: Out) -> list[str]:
    """Panels cover the sentences in order, are few and light enough, and vary."""
    notes = []
    expected, end = data.first, data.first + len(data.sentences)
    for number, panel in enumerate(out.panels, 1):
        if panel.first != expected:
            notes.append(f"panel {number} must begin at sentence {expected}, not {panel.first}")
        if panel.last < panel.first:
            notes.append(f"panel {number} ends at {panel.last}, before it begins at {panel.first}")
        expected = panel.last + 1
        if not panel.description.strip():
            notes.append(f"panel {number} has no description")
        if len(panel.description) > 600:
            notes.append(f"the description of panel {number} has {len(panel.description)} characters; at most 600")
        if len(panel.characters) > MOST_ON_STAGE:
            notes.append(f"panel {number} shows {len(panel.characters)} characters; at most {MOST_ON_STAGE}")
        strangers = [name for name in panel.characters if name not in data.characters]
        if strangers:
            notes.append(f"panel {number}: not a character of the scene: {', '.join(strangers)}")
    if expected != end:
        notes.append(f"the last panel must end at sentence {end - 1}, not {expected - 1}")
    if data.max_panels is not None and len(out.panels) > data.max_panels:
        notes.append(f"{len(out.panels)} panels; at most {data.max_panels} are allowed")
    notes += _alike(data, out)
    if not notes and data.max_panels is None:
        notes += _crowded(data, out)
    return notes


def _alike(data: In, out: Out) -> list[str]:
    shots = [panel.shot for panel in out.panels]
    if data.last_shot is not None:
        shots.insert(0, data.last_shot)
    if any(one == two == three for one, two, three in zip(shots, shots[1:], shots[2:], strict=False)):
        return ["three shots alike in a row: vary them"]
    return []


def _crowded(data: In, out: Out) -> list[str]:
    notes = []
    for number, panel in enumerate(out.panels, 1):
        own = data.sentences[panel.first - data.first : panel.last + 1 - data.first]
        if len(own) > 1 and not fits(own):
            notes.append(
                f"panel {number} has too much text (420 characters and {MOST_QUOTES} quotes at most): split it"
            )
    return notes


TASK = Task(
    name="PanelDescription",
    version=2,
    input=In,
    output=Out,
    system="You are the storyboard artist of a comic. You decide what each panel shows.",
    instructions="""\
Break this part of a scene into panels.

The scene:
{{ summary | material }}
{% if place or time or weather or mood %}
Place, time, weather, mood:
{{ [place, time, weather, mood] | select | join("; ") | material }}
{% endif %}
{% if characters %}
Characters in the scene:
{{ characters | join("\n") | material }}
{% endif %}

The sentences, each behind its index:
{{ sentences | numbered(first) | material }}

panels: in the order of the text. `first` and `last` are indexes of sentences, both included. The first panel begins at
  {{ first }}, each further one right behind the one before, the last ends at {{ first + sentences | length - 1 }}.
{% if max_panels %}
  Make at most {{ max_panels }}{{ " panel" if max_panels == 1 else " panels" }}: choose the moments that tell the scene.
{% else %}
  One moment a panel: a new action, a new speaker's turn, a reveal. The sentences of one panel have at most 420
  characters and 4 quotes together; a single long sentence may stand alone.
{% endif %}
shot: {% if not first %}begin with an establishing shot; {% endif %}then what the moment needs; never three alike in \
a row.
{% if last_shot %}
  The panel before this part is: {{ last_shot.value }}.
{% endif %}
description: what the picture shows in one or two sentences of at most 300 characters: who does what, where they stand,
  what they look at. Visible things only; no speech, no lettering.
characters: who is in the picture, by the names above, at most 6. Whoever speaks should be in it.""",
    check=check,
    max_input_tokens=10_000,
    max_output_tokens=8_000,
    usual=Usual(reads=2_800, writes=1_200, most_written=6_000),
    per="scene",
    of_scene=PART,
)
