"""What a panel's words are made from."""

from engine.basis import FOR_WORDS, Inputs, concerning, digests
from engine.tasks.part import PanelText, Part


def inputs(source: PanelText) -> Inputs:
    panel = source.row
    return digests(
        text=source.sentences,
        description=panel.description,
        characters=panel.characters,
        notes=panel.notes.get("words", ""),
        instructions=concerning(FOR_WORDS, source.instructions),
    )


PART: Part[PanelText] = Part(
    "words",
    there=lambda source: source.row.dialogue is not None,
    inputs=inputs,
    follows="panels",
    follows_as="description",
)
