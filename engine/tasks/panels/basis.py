"""What the panels of a scene are made from."""

from engine.basis import FOR_WORDS, Inputs, concerning, digests
from engine.tasks.part import Part, SceneSource


def inputs(source: SceneSource) -> Inputs:
    scene = source.row
    return digests(
        text=scene.sentences,
        summary=[scene.summary, scene.place, scene.time, scene.weather, scene.mood],
        characters=scene.characters,
        length=source.panel_quota,
        instructions=concerning(FOR_WORDS, source.instructions),
    )


PART: Part[SceneSource] = Part("panels", there=lambda source: source.described, inputs=inputs, follows="summary")
