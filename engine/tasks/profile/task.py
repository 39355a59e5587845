"""Fix what a character looks like, once, so that every panel shows the same person."""

from pydantic import Field

from engine.tasks.task import Task, TaskInput, Usual
from models.story import Attributes, Frozen

FIXED = ("age", "build", "hair", "face", "clothes")
LONGEST_ATTRIBUTE = 160


class In(TaskInput):
    """A character, and what the text says near the name."""

    name: str = Field(min_length=1)
    aliases: list[str] = Field(default_factory=list)
    excerpts: list[str] = Field(default_factory=list)


class Out(Frozen):
    profile: Attributes


def check(data: In, out: Out) -> list[str]:
    """The right character, with every attribute that must not change from panel to panel."""
    profile = out.profile
    notes = []
    if profile.name != data.name:
        notes.append(f"the profile must be of {data.name}, not {profile.name}")
    for field in FIXED:
        value: str = getattr(profile, field)
        if not value.strip():
            notes.append(f"{field} is empty: choose something that fits the text")
        if len(value) > LONGEST_ATTRIBUTE:
            notes.append(f"{field} has {len(value)} characters; at most {LONGEST_ATTRIBUTE} are allowed")
    if len(profile.props) > 4:
        notes.append("at most four props")
    if not 1 <= len(profile.colours) <= 5:
        notes.append("colours needs one to five colour words")
    return notes


TASK = Task(
    name="CharacterProfile",
    version=1,
    input=In,
    output=Out,
    system="You are the character designer of a comic. You fix how somebody looks, so that all draw them alike.",
    instructions="""\
Describe what this character looks like:
{{ ([name] + aliases) | join("\n") | material }}

What the text says about them:
{{ excerpts | join("\n") | material }}

name: exactly the first name above. aliases: the others.
age, build, hair, face, clothes: a few words each (at most 100 characters), visible things only. Keep everything the
  text says; where it is silent, choose something that fits story and time, and be definite ("a short grey beard", not
  "perhaps bearded"). None may be empty.
role: who they are in the story, a few words. props: things they carry nearly always, at most four, or none.
colours: two to four plain colour words, the most telling first: the clothes, then the hair.""",
    check=check,
    max_input_tokens=6_000,
    max_output_tokens=800,
    usual=Usual(reads=2_500, writes=250, most_written=1_200),
    per="character",
    per_in_script="character",
    of_others="profile",
)
