"""SceneSummary and PanelDescription: from a scene's sentences to its panels."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs, changed, panels_inputs, summary_inputs
from engine.db.session import execute
from engine.digest import digest
from engine.freshness.staleness import due_panels
from engine.reading import names, sentences
from engine.steps import clothing
from engine.steps.known import context_for
from engine.steps.step import Loaded, Made, Step
from engine.store.describing import describe
from engine.store.events import emit
from engine.store.instructions import house_of
from engine.store.panels import aliases_of, cast_of
from engine.store.progress import complete_and_tell, panel_step, scene_step, split
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks import panels, summary
from models.events import EventType
from models.runs import TaskCall
from models.tables import Chapter, Character, Location, Panel, Scene
from models.tables.columns import table
from models.tables.story import SceneState

_PANELS = table(Panel)
_MADE = select(_PANELS.c.id).where(_PANELS.c.scene_id == bindparam("scene")).order_by(_PANELS.c.position)
_CHAPTERS, _LOCATIONS = table(Chapter), table(Location)
_SCRIPTED = select(_CHAPTERS.c.script.is_not(None)).where(_CHAPTERS.c.id == bindparam("chapter"))
_PLACES = select(_LOCATIONS.c.name).where(_LOCATIONS.c.project_id == bindparam("project")).order_by(_LOCATIONS.c.id)


async def load_summary(session: AsyncSession, call: TaskCall, room: int) -> Loaded | Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id)
    inputs = summary_inputs(scene, await house_of(session, call.project_id))
    kept = "summary" in scene.manual_edits or (scene.summary and not changed(scene.basis.get("summary"), inputs))
    if kept or await _scripted(session, scene):
        await complete_and_tell(session, call.project_id, call.generation_id, scene_step(scene.id, "summary"))
        return []
    context = await context_for(session, call.project_id, scene.chapter_id, room, "summary", scene.position)
    everybody = await cast_of(session, call.project_id)
    earlier, worn = await clothing.before(session, scene, everybody)
    data = summary.In(
        context=context.text,
        title=scene.title,
        gist=scene.gist,
        sentences=scene.sentences,
        known_characters=_named(everybody, scene),
        cast=[who.name for who in everybody],
        aliases=aliases_of(everybody),
        known_places=await _places(session, call.project_id),
        earlier=earlier,
        worn=worn,
    )
    return Loaded(data, len(context.left_out), inputs)


async def apply_summary(session: AsyncSession, call: TaskCall, out: summary.Out, basis: Inputs) -> Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id, lock=True)
    for field in ("summary", "place", "time", "weather", "mood", "characters"):
        setattr(scene, field, getattr(out, field))
    scene.basis = {**scene.basis, "summary": basis}
    await clothing.note(session, scene, out.outfits)
    scene.failure = ""
    if scene.state != SceneState.DESCRIBED:
        scene.state = SceneState.SUMMARISED
    session.add(scene)
    await session.flush()
    await complete_and_tell(session, call.project_id, call.generation_id, scene_step(scene.id, "summary"))
    return []


async def load_panels(session: AsyncSession, call: TaskCall, room: int) -> Loaded | Made:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id)
    inputs = panels_inputs(scene, scene.max_panels, await house_of(session, call.project_id))
    described = scene.state == SceneState.DESCRIBED
    kept = described and ("panels" in scene.manual_edits or not changed(scene.basis.get("panels"), inputs))
    if kept or await _scripted(session, scene):
        chapter = await get(session, Scope(project_id=call.project_id), Chapter, scene.chapter_id)
        due = await due_panels(session, chapter, scene.id, call.options)
        return await _announced(session, call, scene, due)
    context = await context_for(session, call.project_id, scene.chapter_id, room, "panels", scene.position)
    everybody = await cast_of(session, call.project_id)
    data = panels.In(
        context=context.text,
        summary=scene.summary,
        place=scene.place,
        time=scene.time,
        weather=scene.weather,
        mood=scene.mood,
        characters=scene.characters,
        cast=[who.name for who in everybody],
        aliases=aliases_of(everybody),
        # A scene that somebody added may have no text: then what is to happen in it is what there is to show.
        sentences=scene.sentences or sentences(scene.summary or scene.gist or scene.title) or ["…"],
        max_panels=scene.max_panels,
    )
    return Loaded(data, len(context.left_out), inputs)


async def apply_panels(session: AsyncSession, call: TaskCall, out: panels.Out, basis: Inputs) -> Made:
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
    """The scene's share of the progress goes to its panels, and the world is told that the scene is written.

    The workflow goes on with those in which there is something to do, or with all.
    """
    rows = (await execute(session, _MADE, {"scene": scene.id})).scalars().all()
    made = [panel_id for panel_id in rows if due is None or panel_id in due]
    parts: dict[str, float] = {}
    for panel_id in made:
        parts[panel_step(panel_id, "words")] = 1.0
        if call.options.until == "pages":
            parts[panel_step(panel_id, "picture")] = 2.0
    if await split(session, call.generation_id, scene_step(scene.id, "panels"), parts):
        await emit(
            session,
            call.project_id,
            call.generation_id,
            EventType.SCENE_WRITTEN,
            {"scene_id": str(scene.id), "position": scene.position, "panels": len(rows)},
        )
    elif not made:
        await complete_and_tell(session, call.project_id, call.generation_id, scene_step(scene.id, "panels"))
    return made


async def _places(session: AsyncSession, project_id: UUID) -> list[str]:
    return list((await execute(session, _PLACES, {"project": project_id})).scalars().all())


async def _scripted(session: AsyncSession, scene: Scene) -> bool:
    """Whether the chapter was made from a script."""
    return bool((await execute(session, _SCRIPTED, {"chapter": scene.chapter_id})).scalar_one())


def _named(cast: Sequence[Character], scene: Scene) -> list[str]:
    """Everybody in the project who is named in the scene; all of them when nobody is."""
    text = "\n".join(scene.sentences)
    named = [who.name for who in cast if names(text, [who.name, *who.aliases])]
    return named or [who.name for who in cast]


SUMMARY = Step(load_summary, apply_summary)
PANELS = Step(load_panels, apply_panels)
