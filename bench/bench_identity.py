"""Do people stay themselves: their attributes in every prompt, nobody on stage who is not there, the right references.

Ten stories with lists made by hand of who is there, paragraph by paragraph: in the place that is told of, whether or
not they do something. The offline writer makes each into a chapter, task by task as the workflows do it.
Run: `python -m bench.bench_identity`.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bench.bench_storyboard import Score, bare, blocks_of, told
from engine.cast.blocking import blocking_of
from engine.cast.descriptions import FIXED, described, mixed_up
from engine.cast.drift import PromptedPanel, drift
from engine.cast.outfits import outfit_noted
from engine.images import ImageRequest
from engine.offline.storyboard.outline import answer as outline_chapter
from engine.offline.storyboard.panels import answer as describe_panels
from engine.offline.storyboard.profile import answer as profile_character
from engine.offline.storyboard.prompt import answer as write_prompt
from engine.offline.storyboard.summary import answer as summarise_scene
from engine.providers.registry import draws_of
from engine.reading import names, paragraphs, read_manuscript, windows
from engine.reading.people.clothing import changes, outfits_after
from engine.store.panels import as_data
from engine.store.references import arranged, by_name, people_of, with_references
from engine.tasks.outline import task as outline
from engine.tasks.outline.windows import WINDOW_TOKENS
from engine.tasks.panels import task as panels
from engine.tasks.profile import task as profile
from engine.tasks.profile.rows import MAX_EXCERPTS
from engine.tasks.prompt import task as prompt
from engine.tasks.summary import task as summary
from models.story import PanelData, Profile
from models.tables import Character, Image, Location, Panel, Scene

FOLDER = Path(__file__).parent / "identity"


@dataclass
class Shown:
    """A panel, and the blocks of the text that it tells."""

    panel: Panel
    data: PanelData
    prompt: str
    blocks: set[int]


@dataclass
class Chapter:
    """A story as rows, as the database would have them."""

    cast: list[Character] = field(default_factory=list)
    places: dict[str, Location] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)


def made(text: str) -> Chapter:
    """The story through every task of the offline writer but the words of balloons."""
    texts = paragraphs(text)
    blocks = blocks_of(text, texts)
    aliases: dict[str, set[str]] = {}
    scenes: list[outline.Scene] = []
    places: list[str] = []
    for window in windows(texts, WINDOW_TOKENS):
        out = outline_chapter(
            outline.In(first=window.start, paragraphs=texts[window.start : window.stop], known_characters=list(aliases))
        )
        scenes += out.scenes
        places += out.places
        for who in out.characters:
            aliases.setdefault(who.name, set()).update(who.aliases)
    said = [list(told(texts, blocks, scene.first, scene.last)) for scene in scenes]
    chapter = Chapter()
    chapter.cast = [
        _character(name, sorted(also - {name}), [[text for _, text in one] for one in said])
        for name, also in aliases.items()
    ]
    project = uuid4()
    chapter.places = {name: Location(project_id=project, name=name, name_key=name.casefold()) for name in places}
    worn: dict[str, str] = {}
    for pairs in said:
        if pairs:
            worn = _scene(chapter, pairs, places, worn)
    return chapter


def _character(name: str, also: list[str], scenes: Sequence[Sequence[str]]) -> Character:
    near = [
        " ".join(sentences[index : index + 3])
        for sentences in scenes
        for index, sentence in enumerate(sentences)
        if names(sentence, [name, *also])
    ]
    out = profile_character(profile.In(name=name, aliases=also, excerpts=near[:MAX_EXCERPTS]))
    looks = Profile(**dict(out.profile))
    return Character(project_id=uuid4(), name=name, name_key=name.casefold(), aliases=also, profile=looks)


def _scene(
    chapter: Chapter, pairs: Sequence[tuple[int, str]], places: list[str], worn: dict[str, str]
) -> dict[str, str]:
    """Add a scene's panels; what people wear at its end."""
    sentences = [text for _, text in pairs]
    cast = [who.name for who in chapter.cast]
    aliases = {who.name: who.aliases for who in chapter.cast if who.aliases}
    about = summarise_scene(
        summary.In(
            sentences=sentences, known_characters=cast, cast=cast, aliases=aliases, known_places=places, worn=worn
        )
    )
    scene = Scene(project_id=uuid4(), chapter_id=uuid4(), position=0, place=about.place, time=about.time)
    for wearing in about.outfits:
        who = next(who for who in chapter.cast if who.name == wearing.character)
        fixed = who.profile or Profile(name=who.name)
        outfit = outfit_noted(fixed, wearing.clothes, wearing.quote)
        if outfit is not None:
            scene.outfits[who.name] = outfit.name
            if outfit not in fixed.outfits:
                who.profile = fixed.model_copy(update={"outfits": [*fixed.outfits, outfit]})
    described_panels = describe_panels(
        panels.In(sentences=sentences, characters=about.characters, cast=cast, aliases=aliases, place=about.place)
    )
    for one in described_panels.panels:
        panel = Panel(
            project_id=uuid4(),
            scene_id=uuid4(),
            position=0,
            shot=one.shot,
            description=one.description,
            characters=one.characters,
        )
        data = as_data(panel, scene, chapter.cast)
        on_stage = [who.name for who in data.characters]
        asked = prompt.In(
            shot=one.shot,
            description=one.description,
            characters=data.characters,
            stands=blocking_of(on_stage),
            absent=[name for name in cast if name not in on_stage],
            place=about.place,
            time=about.time,
        )
        tells = {block for block, _ in pairs[one.first : one.last + 1]}
        chapter.shown.append(Shown(panel, data, write_prompt(asked).prompt, tells))
    return outfits_after(worn, changes(sentences, cast, aliases))


def score(text: str, truth: dict[str, Any], misses: list[str]) -> Score:
    """What is right, with what is wrong told in `misses`."""
    chapter, result = made(text), Score()
    who = {bare(name): one["name"] for one in truth["characters"] for name in [one["name"], *one["also"]]}
    also = {one.name: [one.name, *one.aliases] for one in chapter.cast}

    def known_as(name: str) -> str:
        return next((who[bare(one)] for one in also.get(name, [name]) if bare(one) in who), name)

    there: dict[int, set[str]] = {}
    for run in truth["there"]:
        there |= {block: set(run["characters"]) for block in range(run["first"], run["last"] + 1)}
    for shown in chapter.shown:
        present = set().union(*(there.get(block, set()) for block in shown.blocks))
        found = [known_as(name.name) for name in shown.data.characters]
        # Somebody who is taken for two people is one too many.
        right_ones = set(found) & present
        result.add("on stage who is there", len(right_ones), len(found))
        strangers = [name for name in found if name not in present] + sorted(
            {name for name in found if found.count(name) > 1}
        )
        if strangers:
            misses.append(f"not there in {sorted(shown.blocks)}: {strangers}")
        _attributes(shown, result, misses)
        right = _references(chapter, shown)
        result.add("panels with the right references", int(right), 1)
        if not right:
            misses.append(f"wrong references in {sorted(shown.blocks)}")
    everybody = [name.name for name in chapter.cast]
    prompts = []
    for shown in chapter.shown:
        on_stage = {name.name for name in shown.data.characters}
        absent = [name for name in everybody if name not in on_stage]
        prompts.append(PromptedPanel(UUID(int=0), shown.prompt, shown.data.characters, absent))
    findings = drift(prompts)
    result.add("prompts without drift", len(prompts) - len(findings), len(prompts))
    misses += [f"drift: {finding}" for finding in findings]
    for member in chapter.cast:
        outfits = member.profile.outfits if member.profile else []
        misses += [f"outfit of {member.name}: {outfit.clothes}" for outfit in outfits]
    return result


def _attributes(one: Shown, result: Score, misses: list[str]) -> None:
    """Each fixed attribute of each on stage, word for word and behind the right name."""
    own = described(one.prompt, one.data.characters)
    for who in one.data.characters:
        for attribute in FIXED:
            value = getattr(who, attribute)
            if value:
                given_so = value in own.get(who.name, "")
                result.add("attributes in prompts", int(given_so), 1)
                if not given_so:
                    misses.append(f"{who.name} without {attribute}: {one.prompt}")
    if len(one.data.characters) > 1:
        apart = not mixed_up(one.prompt, one.data.characters)
        stands = blocking_of([who.name for who in one.data.characters])
        placed = all(where in own.get(name, "") for name, where in stands.items())
        result.add("prompts of several told apart", int(apart and placed), 1)


def _references(chapter: Chapter, one: Shown) -> bool:
    """Whether the sheets of those on stage go along, then the place's picture, in order and nothing else."""
    known = [*((who.id, who.name) for who in chapter.cast), *((one.id, one.name) for one in chapter.places.values())]
    pictures: dict[tuple[UUID, str], Sequence[Image]] = {(owner, "sheet"): [_picture(name)] for owner, name in known}
    place = chapter.places.get(one.data.place)
    stored = arranged(one.data, people_of(one.data.characters, by_name(chapter.cast)), place, one.panel.id, pictures)
    wanted = [who.name for who in one.data.characters] + ([place.name] if place else [])
    sent = with_references(_request(one.data), draws_of("openai"), stored)
    return [picture.sha256 for picture in sent.references] == wanted and all(
        name in picture.shows for name, picture in zip(wanted, sent.references, strict=True)
    )


def _picture(name: str) -> Image:
    """A stored picture that is known by whom it shows."""
    return Image(project_id=uuid4(), sha256=name, key=name, media_type="image/png", width=1, height=1, bytes=1)


def _request(data: PanelData) -> ImageRequest:
    return ImageRequest(model="", prompt="", negative="", width=1, height=1, seed=0, panel=data)


def main() -> None:
    total, panels_each = Score(), []
    for path in sorted(FOLDER.glob("*.txt")):
        misses: list[str] = []
        text = read_manuscript(path.read_bytes(), path.name)
        one = score(text, json.loads(path.with_suffix(".json").read_text()), misses)
        total = total + one
        panels_each.append(one.of["panels with the right references"])
        print(json.dumps({"story": path.stem, "panels": panels_each[-1], **one.shares()}), flush=True)
        if "--misses" in sys.argv:
            print("\n".join(f"    {miss}" for miss in misses))
    counts = {what: [total.hits[what], total.of[what]] for what in total.of}
    print(json.dumps({"stories": len(panels_each), "fewest panels": min(panels_each), "counts": counts}))
    print(json.dumps({"all": "identity", **total.shares()}))


if __name__ == "__main__":
    main()
