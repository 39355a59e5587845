"""PanelDescription: reads a scene, stores its panels and shares the scene's progress out among them."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_WORDS, Inputs
from engine.digest import digest
from engine.freshness.parts import due_panels
from engine.reading import sentences
from engine.steps.known import context_for
from engine.steps.step import Loaded, Made, MadeRow
from engine.store.describing import describe
from engine.store.events import emit
from engine.store.headings import place
from engine.store.instructions import standing_instructions
from engine.store.panels import aliases_of, cast_of
from engine.store.progress import complete_and_tell, panel_step, scene_step, split
from engine.store.rows import get
from engine.store.scene_texts import panel_ids, scripted
from engine.store.scope import Scope
from engine.tasks.panels.basis import PART
from engine.tasks.panels.task import In, Out
from engine.tasks.part import SceneSource
from models.events import EventType
from models.runs import TaskCall
from models.tables import Chapter, Scene
from models.tables.story import SceneState


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id)
    described = scene.state == SceneState.DESCRIBED
    instructions = await standing_instructions(session, call.project_id)
    source = SceneSource(scene, scene.max_panels, described, instructions)
    if PART.verdict(source).stands or await scripted(session, scene.chapter_id):
        chapter = await get(session, Scope(project_id=call.project_id), Chapter, scene.chapter_id)
        due = await due_panels(session, chapter, scene.id, call.options)
        return await _announced(session, call, scene, due)
    context = await context_for(
        session, call.project_id, scene.chapter_id, token_budget, FOR_WORDS, before_scene=scene.position
    )
    cast = await cast_of(session, call.project_id)
    data = In(
        context=context.text,
        summary=scene.summary,
        place=scene.place,
        time=scene.time,
        weather=scene.weather,
        mood=scene.mood,
        characters=scene.characters,
        cast=[character.name for character in cast],
        aliases=aliases_of(cast),
        # A scene that a person added may have no text: then what is to happen in it is what there is to show.
        sentences=scene.sentences or sentences(scene.summary or scene.gist or scene.title) or ["…"],
        max_panels=scene.max_panels,
    )
    return Loaded(data, len(context.left_out), PART.inputs(source))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id, lock=True)
    key = digest(scene.sentences, out)
    if scene.panels_key != key:
        await describe(session, scene, out.panels)
        scene.panels_key = key
    scene.basis = {**scene.basis, "panels": basis}
    scene.state = SceneState.DESCRIBED
    session.add(scene)
    await session.flush()
    return await _announced(session, call, scene)


async def _announced(session: AsyncSession, call: TaskCall, scene: Scene, due: Collection[UUID] | None = None) -> Made:
    """Share the scene's progress out among its panels, and report the scene as written.

    The workflow goes on with those panels in which there is something to do, or with all.
    """
    everything = await panel_ids(session, scene.id)
    made = [
        MadeRow(panel_id, place(scene.position, position))
        for position, panel_id in enumerate(everything)
        if due is None or panel_id in due
    ]
    shares: dict[str, float] = {}
    for panel_id, _ in made:
        shares[panel_step(panel_id, "words")] = 1.0
        if call.options.until == "pages":
            shares[panel_step(panel_id, "picture")] = 2.0
    if await split(session, call.generation_id, scene_step(scene.id, "panels"), shares):
        await emit(
            session,
            call.project_id,
            call.generation_id,
            EventType.SCENE_WRITTEN,
            {"scene_id": str(scene.id), "position": scene.position, "panels": len(everything)},
        )
    elif not made:
        await complete_and_tell(session, call.project_id, call.generation_id, scene_step(scene.id, "panels"))
    return made
