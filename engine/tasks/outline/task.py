"""Break a run of a chapter's paragraphs into scenes, and say who and where they are about and what they leave open."""

from pydantic import Field

from engine.reading import count_tokens, is_separator
from engine.tasks.task import Task, TaskInput, Usual
from models.story import Frozen

# About 1,200 words: one scene becomes one workflow of at most forty panels.
LONGEST_SCENE = 1800
# What a text leaves open, for the writers of the next chapter.
MOST_THREADS, LONGEST_THREAD = 8, 200


class In(TaskInput):
    """A window of a chapter: consecutive paragraphs, the first with the index `first`."""

    title: str = ""
    first: int = Field(default=0, ge=0, description="chapter-wide index of the first paragraph")
    paragraphs: list[str] = Field(min_length=1)
    known_characters: list[str] = Field(default_factory=list)
    max_scenes: int | None = Field(default=None, ge=1)


class Scene(Frozen):
    """Paragraphs `first` to `last`, both included, by chapter-wide index."""

    title: str
    first: int
    last: int
    gist: str = Field(description="one line: what happens")


class Character(Frozen):
    """Somebody named in the text."""

    name: str = Field(description="the fullest name the text gives")
    aliases: list[str] = Field(default_factory=list, description="other names the text calls them by")


class Out(Frozen):
    scenes: list[Scene]
    characters: list[Character] = Field(default_factory=list)
    places: list[str] = Field(default_factory=list)
    threads: list[str] = Field(default_factory=list, description="what the text leaves open at its end")


def check(data: In, out: Out) -> list[str]:
    """Scenes follow each other without gap or overlap, and are neither too many nor too long."""
    notes = []
    expected, end = data.first, data.first + len(data.paragraphs)
    for number, scene in enumerate(out.scenes, 1):
        if scene.first != expected:
            notes.append(f"scene {number} must begin at paragraph {expected}, not {scene.first}")
        if scene.last < scene.first:
            notes.append(f"scene {number} ends at {scene.last}, before it begins at {scene.first}")
        if not scene.title.strip() or not scene.gist.strip():
            notes.append(f"scene {number} needs a title and a gist")
        if len(scene.gist) > 300:
            notes.append(f"the gist of scene {number} has {len(scene.gist)} characters; keep it to one line of 300")
        expected = scene.last + 1
    if expected != end:
        notes.append(f"the last scene must end at paragraph {end - 1}, not {expected - 1}")
    if data.max_scenes is not None and len(out.scenes) > data.max_scenes:
        notes.append(f"{len(out.scenes)} scenes; at most {data.max_scenes} are allowed")
    if notes:
        return notes
    for number, scene in enumerate(out.scenes, 1):
        own = data.paragraphs[scene.first - data.first : scene.last + 1 - data.first]
        text = [paragraph for paragraph in own if not is_separator(paragraph)]
        if not text and len(out.scenes) > 1:
            notes.append(f"scene {number} has no text: join it to a neighbour")
        if data.max_scenes is None and len(text) > 1 and count_tokens("\n".join(text)) > LONGEST_SCENE:
            notes.append(f"scene {number} is longer than about 1,200 words: split it")
    if any(not character.name.strip() for character in out.characters):
        notes.append("every character needs a name")
    if len(out.threads) > MOST_THREADS:
        notes.append(f"{len(out.threads)} threads; name the {MOST_THREADS} that matter most")
    if any(not thread.strip() or len(thread) > LONGEST_THREAD for thread in out.threads):
        notes.append(f"a thread is one sentence of at most {LONGEST_THREAD} characters")
    return notes


TASK = Task(
    name="ChapterOutline",
    version=3,
    input=In,
    output=Out,
    system="You are the editor of a comic. You break a manuscript into scenes that can be drawn.",
    instructions="""\
Break this part of a chapter into scenes.
{% if title %}
The title:
{{ title | material }}
{% endif %}
{% if known_characters %}
Characters known so far (use these names for them):
{{ known_characters | join("\n") | material }}
{% endif %}

The paragraphs, each behind its index:
{{ paragraphs | numbered(first) | material }}

scenes: in the order of the text. `first` and `last` are indexes of paragraphs, both included. The first scene begins
  at {{ first }}, each further one right behind the one before, the last ends at {{ first + paragraphs | length - 1 }}.
  A new scene begins where place or time changes or somebody central comes or goes, and at headings and lines of ***
  (a heading or *** belongs to the scene it opens). A scene has at most about 1,200 words: split longer ones at a turn.
{% if max_scenes %}
  Make at most {{ max_scenes }}{{ " scene" if max_scenes == 1 else " scenes" }}, however long they get.
{% endif %}
  title: two to six words. gist: what happens, one line of at most 200 characters.
characters: everyone with a name who acts or speaks, by the fullest name the text gives; aliases: other names the text
  uses for them (first name, title, nickname). No pronouns, no crowds, nobody who is only mentioned.
places: where scenes happen, as short nouns ("the harbour").
threads: what this part leaves open at its end, for a later chapter to take up: questions without an answer, promises,
  dangers. At most 8, each one sentence of at most 200 characters; none where nothing is left open. Invent nothing.""",
    check=check,
    max_input_tokens=12_000,
    max_output_tokens=4_000,
    usual=Usual(reads=7_500, writes=1_200, most_written=8_000),
    per="window",
    of_others="outline",
)
