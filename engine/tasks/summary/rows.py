"""SceneSummary: reads a scene with what is known of the story, stores its summary, its setting and its outfits."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_WORDS, Inputs
from engine.reading import names
from engine.steps.known import context_for
from engine.steps.step import Loaded, Made
from engine.store import clothing
from engine.store.instructions import standing_instructions
from engine.store.panels import aliases_of, cast_of
from engine.store.progress import complete_and_tell, scene_step
from engine.store.rows import get
from engine.store.scene_texts import location_names, scripted
from engine.store.scope import Scope
from engine.tasks.part import SceneSource
from engine.tasks.summary.basis import PART
from engine.tasks.summary.task import In, Out
from engine.verdict import PartState
from models.runs import TaskCall
from models.tables import Character, Scene
from models.tables.story import SceneState


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id)
    described = scene.state == SceneState.DESCRIBED
    instructions = await standing_instructions(session, call.project_id)
    source = SceneSource(scene, scene.max_panels, described, instructions)
    verdict = PART.verdict(source)
    if verdict.stands or verdict.state == PartState.LEFT_EMPTY or await scripted(session, scene.chapter_id):
        await complete_and_tell(session, call.project_id, call.generation_id, scene_step(scene.id, "summary"))
        return []
    context = await context_for(
        session, call.project_id, scene.chapter_id, token_budget, FOR_WORDS, before_scene=scene.position
    )
    cast = await cast_of(session, call.project_id)
    earlier, worn = await clothing.clothes_before(session, scene, cast)
    data = In(
        context=context.text,
        title=scene.title,
        gist=scene.gist,
        sentences=scene.sentences,
        known_characters=_named(cast, scene),
        cast=[character.name for character in cast],
        aliases=aliases_of(cast),
        known_places=await location_names(session, call.project_id),
        earlier=earlier,
        worn=worn,
    )
    return Loaded(data, len(context.left_out), PART.inputs(source))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id, lock=True)
    for field in ("summary", "place", "time", "weather", "mood", "characters"):
        setattr(scene, field, getattr(out, field))
    scene.basis = {**scene.basis, "summary": basis}
    await clothing.store_outfits(session, scene, out.outfits)
    scene.failure = ""
    if scene.state != SceneState.DESCRIBED:
        scene.state = SceneState.SUMMARISED
    session.add(scene)
    await session.flush()
    await complete_and_tell(session, call.project_id, call.generation_id, scene_step(scene.id, "summary"))
    return []


def _named(cast: Sequence[Character], scene: Scene) -> list[str]:
    """The characters of the project that the scene names; all of them where it names none."""
    text = "\n".join(scene.sentences)
    named = [character.name for character in cast if names(text, [character.name, *character.aliases])]
    return named or [character.name for character in cast]
