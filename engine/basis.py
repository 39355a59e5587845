"""What each part of a chapter is made from, as digests by the name of the input: what makes it stale when it changes.

    text → summary → panels → words, prompt → picture → page → export

A part keeps the inputs it was made from (its *basis*). It is stale when they are others now, and the names say why. A
part that a person wrote is never stale. What is only told for help, as earlier scenes are, is no input: it would make
everything stale that comes after a change.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from engine.digest import digest
from engine.providers.registry import draws_of
from models.options import Choice, RenderSettings
from models.story import Attributes, PanelData
from models.tables.projects import InstructionKind

Part = Literal["profile", "summary", "panels", "words", "prompt", "picture", "sheet"]
Inputs = dict[str, str]
# Standing instructions, the most important first: what kind they are of, and what they say.
House = Sequence[tuple[str, str]]

_WORDS = frozenset({InstructionKind.TONE, InstructionKind.DO, InstructionKind.DONT, InstructionKind.LIMIT})
_PICTURES = frozenset({InstructionKind.STYLE, InstructionKind.DO, InstructionKind.DONT, InstructionKind.LIMIT})
# Which instructions concern which part. Style is for the eye and tone for the ear: neither makes the other stale.
CONCERNS: Mapping[Part, frozenset[InstructionKind]] = {
    # Looks are fixed once: what is instructed later changes nobody's.
    "profile": _PICTURES,
    "summary": _WORDS,
    "panels": _WORDS,
    "words": _WORDS,
    "prompt": _PICTURES - {InstructionKind.STYLE},
    "sheet": frozenset({InstructionKind.LIMIT}),
}


def concerning(part: Part, house: House) -> list[str]:
    """The instructions that a part follows, the most important first."""
    return [body for kind, body in house if kind in CONCERNS[part]]


def style_of(style: str, house: House) -> str:
    """How pictures should look: the project's style, and its instructions about it."""
    asked = [style, *(body for kind, body in house if kind == InstructionKind.STYLE)]
    return " ".join(one.strip() for one in asked if one.strip())


def summary_inputs(scene: Any, house: House) -> Inputs:
    return _keys(text=scene.sentences, outline=[scene.title, scene.gist], instructions=concerning("summary", house))


def panels_inputs(scene: Any, room: int | None, house: House) -> Inputs:
    """`room` is how many panels it may have."""
    return _keys(
        text=scene.sentences,
        summary=[scene.summary, scene.place, scene.time, scene.weather, scene.mood],
        characters=scene.characters,
        length=room,
        instructions=concerning("panels", house),
    )


def words_inputs(panel: Any, sentences: Sequence[str], house: House) -> Inputs:
    """`sentences` are the panel's own."""
    return _keys(
        text=sentences,
        description=panel.description,
        characters=panel.characters,
        notes=panel.notes.get("words", ""),
        instructions=concerning("words", house),
    )


def prompt_inputs(
    panel: Any,
    scene: Any,
    on_stage: Iterable[Attributes],
    style: str,
    house: House,
    place: str = "",
    stands: Mapping[str, str] = MappingProxyType({}),
) -> Inputs:
    """`place` is what its place always looks like, `stands` is where each of those on stage does."""
    return _keys(
        description=panel.description,
        shot=panel.shot,
        setting=[scene.place, scene.time, scene.weather, scene.mood, place],
        style=style_of(style, house),
        standing=dict(stands),
        notes=panel.notes.get("picture", ""),
        instructions=concerning("prompt", house),
    ) | {f"looks of {who.name}": _key(who) for who in on_stage}


def shot_input(shot: str) -> Inputs:
    """The input of a prompt that its writer may change itself: another shot, where a director's notes ask for one."""
    return _keys(shot=shot)


def directed(basis: Inputs) -> bool:
    """Whether a prompt was made from notes of a director."""
    return basis.get("notes", _key("")) != _key("")


def picture_inputs(
    prompt: str,
    negative: str,
    data: PanelData,
    by: Choice,
    settings: RenderSettings,
    format: str,
    references: Sequence[str] = (),
) -> Inputs:
    """`by` is the artist that was ordered, whoever stands in; `references` are SHA-256 of the pictures that go along.

    How many words a panel has decides the size in which it is first drawn, and nothing after that.
    """
    inputs = _keys(
        prompt=[prompt, negative],
        shot=data.shot,
        format=format,
        settings=settings,
        references=list(references),
        artist=[by.provider, by.model],
    )
    if draws_of(by.provider).data:
        scene = data.model_dump(mode="json", exclude={"dialogue", "caption"})
        inputs["scene"] = _key(scene)
    return inputs


def frame_key(shot: str, format: str) -> str:
    """What decides the size of a panel's picture, once it has been decided."""
    return _key([shot, format])


def sheet_inputs(who: Attributes, style: str, by: Choice, settings: RenderSettings, house: House) -> Inputs:
    return _keys(
        looks=who,
        style=style_of(style, house),
        settings=settings,
        artist=[by.provider, by.model],
        storyboard=draws_of(by.provider).data,
        instructions=concerning("sheet", house),
    )


def changed(basis: Mapping[str, str] | None, inputs: Inputs) -> list[str]:
    """The names of the inputs that are others than they were; none where nobody kept what they were."""
    if not basis:
        return []
    return sorted(name for name in {*basis, *inputs} if basis.get(name) != inputs.get(name))


def changed_picture(basis: Mapping[str, str] | None, inputs: Inputs, drawn_by: str, ordered: str) -> list[str]:
    """The same for a picture, by the provider that drew it, where another one may be ordered now.

    A storyboard never takes the place of a picture: who orders one keeps what better artists have drawn.
    """
    found = changed(basis, inputs)
    if draws_of(ordered).data and not draws_of(drawn_by).data:
        found = [name for name in found if name not in ("artist", "scene", "settings", "references")]
    return found


def changed_sheet(basis: Mapping[str, str] | None, inputs: Inputs, ordered: str) -> list[str]:
    """The same for a reference sheet, which remembers itself whether a storyboard artist drew it."""
    found = changed(basis, inputs)
    if draws_of(ordered).data and (basis or {}).get("storyboard") != inputs["storyboard"]:
        found = [name for name in found if name not in ("artist", "settings", "storyboard")]
    return [name for name in found if name != "storyboard"]


def _keys(**inputs: Any) -> Inputs:
    return {name: _key(value) for name, value in inputs.items()}


def _key(value: Any) -> str:
    return digest(value)[:16]
