"""Turn a panel into a prompt an image model can draw from."""

from pydantic import Field

from engine.cast.descriptions import FIXED, described, mixed_up, named_off_stage
from engine.tasks.prompt.basis import PART
from engine.tasks.task import Task, TaskInput, Usual
from models.story import Attributes, Frozen, Shot

LONGEST_PROMPT = 4_000
# Characters that the scene may take besides its people.
_FOR_THE_SCENE = 1_500


class In(TaskInput):
    """A panel with everything an artist has to know."""

    shot: Shot = Shot.MEDIUM
    description: str
    characters: list[Attributes] = Field(default_factory=list, description="who is on stage")
    stands: dict[str, str] = Field(
        default_factory=dict, description="name → where in the picture, where two or more are on stage"
    )
    absent: list[str] = Field(default_factory=list, description="names of everybody else in the story")
    place: str = ""
    place_looks: str = Field(default="", description="what the place always looks like")
    time: str = ""
    weather: str = ""
    mood: str = ""
    style: str = ""
    directions: str = Field(default="", description="what a director wants otherwise than it was")
    current: str = Field(default="", description="the prompt that the directions are about")


class Out(Frozen):
    prompt: str
    negative: str = Field(default="", description="what must not be in the picture")
    shot: Shot | None = Field(default=None, description="another shot, if the director's notes ask for one")


def longest(data: In) -> int:
    """How long a prompt may be: a crowd's attributes are kept whole even where they need more."""
    people = sum(len(looks.sentence(data.stands.get(looks.name, ""))) + 2 for looks in data.characters)
    return max(LONGEST_PROMPT, people + _FOR_THE_SCENE)


def check(data: In, out: Out) -> list[str]:
    """Everybody on stage is described with their fixed attributes and told apart, and nobody else is named."""
    notes = []
    if not out.prompt.strip():
        notes.append("the prompt is empty")
    for who in data.characters:
        if who.name not in out.prompt:
            notes.append(f"{who.name} is on stage and must be named")
        for field in FIXED:
            value: str = getattr(who, field)
            if value and value not in out.prompt:
                notes.append(f"{who.name}: {field} must be given word for word: {value}")
    if data.place_looks and data.place_looks not in out.prompt:
        notes.append(f"what the place looks like must be given word for word: {data.place_looks}")
    if not notes and len(data.characters) > 1:
        notes += mixed_up(out.prompt, data.characters) + _standing(data, out)
    intruders = named_off_stage(out.prompt, data.characters, data.absent, [data.style, data.place_looks])
    notes += [f"{name} is not on stage and must not be named" for name in intruders]
    for label, text in [("prompt", out.prompt), ("negative", out.negative)]:
        if len(text) > longest(data):
            notes.append(f"the {label} has {len(text)} characters; at most {longest(data)} are allowed")
    return notes


def _standing(data: In, out: Out) -> list[str]:
    """Whose place in the picture is not said where they are described."""
    said = described(out.prompt, data.characters)
    return [
        f"{name}: say right behind the name where they stand: {where}"
        for name, where in data.stands.items()
        if name in said and where not in said[name]
    ]


TASK = Task(
    name="VisualPrompt",
    version=2,
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
{% for who in characters %}{{ who.sentence(stands.get(who.name, "")) | material }}
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
{% if directions %}
The prompt so far:
{{ current | material }}
The director wants it otherwise. Change what the directions ask for and keep the rest:
{{ directions | material }}
{% endif %}
{% if place_looks %}
What the place always looks like:
{{ place_looks | material }}
{% endif %}
Style: {{ style or "clear comic art, clean ink lines, flat colours" }}

prompt: one paragraph in English, at most 3,500 characters: style, shot and angle, place, light and weather, then what
  happens. {% if place_looks %}What the place looks like stands in it word for word. {% endif %}
Last, everybody on stage, one after
  the other, and nobody else: the name, {% if stands %}where they stand as given, {% endif %}
then age, build, hair, face and clothes
  exactly as given, word for word, before anybody is named again. Leave calm room for balloons at the top; no lettering.
shot: another one of establishing, wide, medium, close-up, insert, over-the-shoulder, only if directions ask for a
  camera nearer or farther; otherwise null.
negative: what must not appear, as a comma-separated list (text, balloons, watermark, extra people …); no names.""",
    check=check,
    max_input_tokens=6_000,
    max_output_tokens=1_800,
    usual=Usual(reads=1_400, writes=350, most_written=1_800),
    per="panel",
    per_in_script="panel without a prompt",
    of_panel=PART,
)
