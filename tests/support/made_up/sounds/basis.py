"""What a panel's sound is made from. It is kept among the panel's notes: a test has no column to add."""

from engine.basis import Inputs, digests
from engine.tasks.part import PanelText, Part


def inputs(source: PanelText) -> Inputs:
    return digests(description=source.row.description)


PART: Part[PanelText] = Part(
    "sounds",
    there=lambda source: "sounds" in source.row.notes,
    inputs=inputs,
    follows="panels",
    follows_as="description",
)
