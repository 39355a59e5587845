"""Say what a scene is about, where and when it happens, who is in it, and who wears something else than usual."""

from pydantic import Field

from engine.cast.outfits import WITHOUT
from engine.cast.vocabulary import telling, words_of
from engine.tasks.summary.basis import PART
from engine.tasks.task import Task, TaskInput, Usual
from models.story import Frozen

LONGEST_CLOTHES = 120
_MARKS = str.maketrans("‘’‚“”„«»", '\'\'\'"""""')


class In(TaskInput):
    """A scene of the outline, with its text."""

    title: str = ""
    gist: str = ""
    sentences: list[str]
    known_characters: list[str] = Field(default_factory=list)
    cast: list[str] = Field(default_factory=list, description="everybody with a name in the story")
    aliases: dict[str, list[str]] = Field(default_factory=dict, description="name → what else the text calls them")
    known_places: list[str] = Field(default_factory=list)
    earlier: list[str] = Field(default_factory=list, description="what earlier scenes tell of changes of clothes")
    worn: dict[str, str] = Field(
        default_factory=dict, description="name → what they wear when the scene begins, read from `earlier` by rules"
    )


class Wearing(Frozen):
    """What somebody wears in the scene that they do not always wear."""

    character: str
    clothes: str = Field(description="in the text's words; `without …` where something was taken off")
    quote: str = Field(description="the words of the text that say so, word for word")


class Out(Frozen):
    summary: str
    place: str = Field(default="", description="where, as a short noun phrase; empty if the text does not say")
    time: str = Field(default="", description="time of day; empty if the text does not say")
    weather: str = Field(default="", description="a word or two; empty if the text does not say")
    mood: str = Field(default="", description="a word or two")
    characters: list[str] = Field(default_factory=list, description="who is there, by their known names")
    outfits: list[Wearing] = Field(default_factory=list, description="only where the text says so")


def check(data: In, out: Out) -> list[str]:
    """There is a summary, everybody in it exists, and nobody changes their clothes but by the text's own words."""
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
    return notes + _dressed(data, out)


def _dressed(data: In, out: Out) -> list[str]:
    """What is wrong with the outfits: each is of somebody in the scene, and stands in what the text says."""
    notes = []
    said = _even("\n".join([*data.earlier, *data.sentences]))
    for one in out.outfits:
        if one.character not in out.characters:
            notes.append(f"outfits: {one.character} is not among the characters")
        if not telling(one.clothes):
            notes.append(f"outfits: say what {one.character} wears, or leave them out")
        if len(one.clothes) > LONGEST_CLOTHES:
            notes.append(f"outfits: the clothes of {one.character} are too long: at most {LONGEST_CLOTHES} characters")
        if data.worn.get(one.character) == one.clothes:
            continue
        if not one.quote.strip() or _even(one.quote) not in said:
            notes.append(f"outfits: the quote for {one.character} must stand in the text word for word")
        own = set(telling(one.clothes.removeprefix(WITHOUT))) - set(words_of(one.quote))
        if own:
            notes.append(f"outfits: {one.character}: the quote does not say {', '.join(sorted(own))}")
    if len({one.character for one in out.outfits}) < len(out.outfits):
        notes.append("outfits: a character is listed twice")
    return notes


def _even(text: str) -> str:
    """A text whatever its line breaks, its kinds of quotation marks and its case."""
    return " ".join(text.translate(_MARKS).split()).casefold()


TASK = Task(
    name="SceneSummary",
    version=3,
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
{% if earlier %}
Earlier in the chapter, about clothes:
{{ earlier | join("\n") | material }}
{% endif %}

The scene:
{{ sentences | join("\n") | material }}

summary: two or three sentences, at most 500 characters, only what the text says.
place, time, weather: as the text says or clearly implies, a few words each ("the harbour", "night", "fog"); use a known
  place where it is one; leave empty what the text leaves open.
mood: one or two words.
characters: who is present in the scene, by their known names; leave out who is only talked about.
outfits: most often none. Only for whom the text says that they put on, change into, wear here or take off something, in
  this scene or earlier without another change since. clothes: what they have on at the end of the scene, in the text's
  words with "a" or "an" before it ("a yellow raincoat"); where only something was taken off, "without" and what
  ("without a coat"). quote: the few words that say so, copied exactly. Invent nothing; hats, bags and the like are no
  outfit.""",
    check=check,
    max_input_tokens=12_000,
    max_output_tokens=1_000,
    usual=Usual(reads=2_200, writes=200, most_written=1_500),
    per="scene",
    of_scene=PART,
)
