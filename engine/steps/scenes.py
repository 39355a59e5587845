"""SceneSummary and PanelDescription: from a scene's sentences to its panels."""

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.digest import digest
from engine.steps.known import context_for
from engine.steps.step import Loaded, Step
from engine.store.events import emit
from engine.store.progress import complete_and_tell, split
from engine.store.scope import Scope, get
from engine.tasks import panels, summary
from models.events import EventType
from models.runs import TaskCall
from models.tables import Chapter, Character, Location, Panel, Scene
from models.tables.story import SceneState


async def load_summary(session: AsyncSession, call: TaskCall) -> Loaded | None:
    scope = Scope(project_id=call.project_id)
    scene = await get(session, scope, Scene, call.target_id)
    chapter = await get(session, scope, Chapter, scene.chapter_id)
    # A scene whose text changes is made anew, so what was once summed up stays summed up.
    if chapter.script is not None or scene.summary:
        await complete_and_tell(session, call.project_id, call.generation_id, f"scene:{scene.id}:summary")
        return None
    context = await context_for(session, chapter, scene)
    data = summary.In(
        context=context.text,
        title=scene.title,
        gist=scene.gist,
        sentences=scene.sentences,
        known_characters=await _names(session, scene),
        known_places=list(
            (
                await session.exec(
                    select(Location.name).where(Location.project_id == call.project_id).order_by(col(Location.id))
                )
            ).all()
        ),
    )
    return Loaded(data, len(context.left_out))


async def apply_summary(session: AsyncSession, call: TaskCall, out: summary.Out) -> None:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id, lock=True)
    for field in ("summary", "place", "time", "weather", "mood", "characters"):
        setattr(scene, field, getattr(out, field))
    scene.failure = ""
    if scene.state != SceneState.DESCRIBED:
        scene.state = SceneState.SUMMARISED
    session.add(scene)
    await session.flush()
    await complete_and_tell(session, call.project_id, call.generation_id, f"scene:{scene.id}:summary")


async def load_panels(session: AsyncSession, call: TaskCall) -> Loaded | None:
    scope = Scope(project_id=call.project_id)
    scene = await get(session, scope, Scene, call.target_id)
    chapter = await get(session, scope, Chapter, scene.chapter_id)
    if chapter.script is not None or scene.state == SceneState.DESCRIBED:
        await announce_panels(session, call, scene)
        return None
    context = await context_for(session, chapter, scene)
    data = panels.In(
        context=context.text,
        summary=scene.summary,
        place=scene.place,
        time=scene.time,
        weather=scene.weather,
        mood=scene.mood,
        characters=scene.characters,
        sentences=scene.sentences,
        max_panels=scene.max_panels,
    )
    return Loaded(data, len(context.left_out))


async def apply_panels(session: AsyncSession, call: TaskCall, out: panels.Out) -> None:
    scene = await get(session, Scope(project_id=call.project_id), Scene, call.target_id, lock=True)
    key = digest(scene.sentences, out)
    if scene.panels_key != key:
        await session.exec(delete(Panel).where(col(Panel.scene_id) == scene.id))
        session.add_all(
            Panel(
                project_id=call.project_id,
                scene_id=scene.id,
                position=position,
                first=panel.first,
                last=panel.last,
                shot=panel.shot,
                description=panel.description,
                characters=panel.characters,
            )
            for position, panel in enumerate(out.panels)
        )
        scene.panels_key = key
    scene.state = SceneState.DESCRIBED
    session.add(scene)
    await session.flush()
    await announce_panels(session, call, scene)


async def announce_panels(session: AsyncSession, call: TaskCall, scene: Scene) -> None:
    """The scene's share of the progress goes to its panels, and the world is told that the scene is written."""
    rows = (await session.exec(select(Panel.id).where(Panel.scene_id == scene.id).order_by(col(Panel.position)))).all()
    parts: dict[str, float] = {}
    for panel_id in rows:
        parts[f"panel:{panel_id}:words"] = 1.0
        if call.options.until == "pages":
            parts[f"panel:{panel_id}:picture"] = 2.0
    if await split(session, call.generation_id, f"scene:{scene.id}:panels", parts):
        await emit(
            session,
            call.project_id,
            call.generation_id,
            EventType.SCENE_WRITTEN,
            {"scene_id": str(scene.id), "position": scene.position, "panels": len(rows)},
        )


async def _names(session: AsyncSession, scene: Scene) -> list[str]:
    """Everybody in the project who is named in the scene; all of them when nobody is."""
    text = "\n".join(scene.sentences).casefold()
    query = select(Character).where(Character.project_id == scene.project_id).order_by(col(Character.id))
    cast = (await session.exec(query)).all()
    named = [who.name for who in cast if any(name.casefold() in text for name in [who.name, *who.aliases])]
    return named or [who.name for who in cast]


SUMMARY = Step(load_summary, apply_summary)
PANELS = Step(load_panels, apply_panels)
