"""What a panel's prompt is made from."""

from engine.basis import FOR_PROMPTS, Inputs, concerning, digests, short_digest, style_of
from engine.tasks.part import PanelSource, Part


def inputs(source: PanelSource) -> Inputs:
    panel, setting = source.row, source.setting
    return digests(
        description=panel.description,
        shot=panel.shot,
        setting=[setting.place, setting.time, setting.weather, setting.mood, source.location_looks],
        style=style_of(source.style, source.instructions),
        standing=dict(source.blocking),
        notes=panel.notes.get("picture", ""),
        instructions=concerning(FOR_PROMPTS, source.instructions),
    ) | {f"looks of {looks.name}": short_digest(looks) for looks in source.on_stage}


def shot_input(shot: str) -> Inputs:
    """The input of a prompt that its writer may change: another shot, where a director's notes ask for one."""
    return digests(shot=shot)


def directed(basis: Inputs) -> bool:
    """Whether a prompt was made from notes of a director."""
    nothing = short_digest("")
    return basis.get("notes", nothing) != nothing


PART: Part[PanelSource] = Part(
    "prompt",
    there=lambda source: source.row.prompt is not None,
    inputs=inputs,
    follows="panels",
    follows_as="description",
)
