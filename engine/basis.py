"""What parts of a chapter are made from, as digests by the name of the input.

    text → summary → panels → words, prompt → picture → page → export

A part keeps the inputs that it was made from (its *basis*); which of them differ now says why it is stale
(`engine/verdict.py`). Context that only helps a writer, such as earlier scenes, is no input: every change would
make all that comes after it stale.

What a part that an LLM task makes is made from stands in the task's folder (`engine/tasks/<name>/basis.py`); here are
pictures and reference sheets.
"""

from collections.abc import Mapping, Sequence

from engine.digest import digest
from engine.providers.registry import draws_of
from models.instructions import InstructionKind
from models.options import Choice, RenderSettings
from models.story import Attributes, PanelData

Inputs = dict[str, str]
# Standing instructions, the most important first: their kind and their text.
StandingInstructions = Sequence[tuple[str, str]]

# Which instructions concern what. Style is for the eye and tone for the ear: neither makes the other stale.
FOR_WORDS = frozenset({InstructionKind.TONE, InstructionKind.DO, InstructionKind.DONT, InstructionKind.LIMIT})
FOR_PICTURES = frozenset({InstructionKind.STYLE, InstructionKind.DO, InstructionKind.DONT, InstructionKind.LIMIT})
# Where the style stands apart.
FOR_PROMPTS = FOR_PICTURES - {InstructionKind.STYLE}
FOR_SHEETS = frozenset({InstructionKind.LIMIT})


def concerning(kinds: frozenset[InstructionKind], instructions: StandingInstructions) -> list[str]:
    """The texts of the instructions of these kinds, the most important first."""
    return [body for kind, body in instructions if kind in kinds]


def style_of(style: str, instructions: StandingInstructions) -> str:
    """How pictures should look: the project's style, and its instructions about it."""
    asked = [style, *concerning(frozenset({InstructionKind.STYLE}), instructions)]
    return " ".join(text.strip() for text in asked if text.strip())


def picture_inputs(
    prompt: str,
    negative: str,
    data: PanelData,
    by: Choice,
    settings: RenderSettings,
    format: str,
    references: Sequence[str] = (),
) -> Inputs:
    """`by` is the artist that was requested, also where a fallback draws; `references` are SHA-256 of the reference
    pictures.

    How many words a panel has decides the size in which it is first drawn, and nothing after that.
    """
    inputs = digests(
        prompt=[prompt, negative],
        shot=data.shot,
        format=format,
        settings=settings,
        references=list(references),
        artist=[by.provider, by.model],
    )
    if draws_of(by.provider).data:
        inputs["scene"] = short_digest(data.model_dump(mode="json", exclude={"dialogue", "caption"}))
    return inputs


def frame_key(shot: str, format: str) -> str:
    """What decides the size of a panel's picture, once it has been decided."""
    return short_digest([shot, format])


def sheet_inputs(
    looks: Attributes, style: str, by: Choice, settings: RenderSettings, instructions: StandingInstructions
) -> Inputs:
    return digests(
        looks=looks,
        style=style_of(style, instructions),
        settings=settings,
        artist=[by.provider, by.model],
        storyboard=draws_of(by.provider).data,
        instructions=concerning(FOR_SHEETS, instructions),
    )


def changed(basis: Mapping[str, str] | None, inputs: Inputs) -> list[str]:
    """The names of the inputs that differ from the basis; none where no basis was kept."""
    if not basis:
        return []
    return sorted(name for name in {*basis, *inputs} if basis.get(name) != inputs.get(name))


def changed_picture(basis: Mapping[str, str] | None, inputs: Inputs, drawn_by: str, requested: str) -> list[str]:
    """The same for a picture, by the provider that drew it and the one that is requested now.

    A storyboard never replaces a picture: a generation with the offline artist keeps what better artists have drawn.
    """
    names = changed(basis, inputs)
    if draws_of(requested).data and not draws_of(drawn_by).data:
        names = [name for name in names if name not in ("artist", "scene", "settings", "references")]
    return names


def changed_sheet(basis: Mapping[str, str] | None, inputs: Inputs, requested: str) -> list[str]:
    """The same for a reference sheet, whose basis says whether a storyboard artist drew it."""
    names = changed(basis, inputs)
    if draws_of(requested).data and (basis or {}).get("storyboard") != inputs["storyboard"]:
        names = [name for name in names if name not in ("artist", "settings", "storyboard")]
    return [name for name in names if name != "storyboard"]


def digests(**inputs: object) -> Inputs:
    """Inputs by name, each as a digest."""
    return {name: short_digest(value) for name, value in inputs.items()}


def short_digest(value: object) -> str:
    return digest(value)[:16]
