"""What a scene's summary is made from."""

from engine.basis import FOR_WORDS, Inputs, concerning, digests
from engine.tasks.part import Part, SceneSource


def inputs(source: SceneSource) -> Inputs:
    scene = source.row
    return digests(
        text=scene.sentences,
        outline=[scene.title, scene.gist],
        instructions=concerning(FOR_WORDS, source.instructions),
    )


PART: Part[SceneSource] = Part("summary", there=lambda source: bool(source.row.summary), inputs=inputs)
