"""Dialogue and VisualPrompt: a panel's words and its prompt. They run side by side."""

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.steps.step import Loaded, Step
from engine.store.events import emit
from engine.store.panels import cast_of, profiles_of
from engine.store.progress import complete
from engine.store.scope import Scope, get
from engine.tasks import dialogue, prompt
from models.events import EventType
from models.runs import TaskCall
from models.story import Shot
from models.tables import Panel, Project, Scene
from models.tables.story import PanelState


async def load_dialogue(session: AsyncSession, call: TaskCall) -> Loaded | None:
    scope = Scope(project_id=call.project_id)
    panel = await get(session, scope, Panel, call.target_id, lock=True)
    if panel.dialogue is not None:
        await _written(session, call, panel)
        return None
    scene = await get(session, scope, Scene, panel.scene_id)
    return Loaded(
        dialogue.In(
            description=panel.description,
            characters=panel.characters,
            cast=[who.name for who in await cast_of(session, call.project_id)],
            before=scene.sentences[: panel.first],
            sentences=scene.sentences[panel.first : panel.last + 1],
            after=scene.sentences[panel.last + 1 : panel.last + 9],
            condensed=scene.max_panels is not None,
        )
    )


async def apply_dialogue(session: AsyncSession, call: TaskCall, out: dialogue.Out) -> None:
    panel = await get(session, Scope(project_id=call.project_id), Panel, call.target_id, lock=True)
    panel.dialogue = [line.model_dump(mode="json") for line in out.lines]
    panel.caption = out.caption
    await _written(session, call, panel)


async def load_prompt(session: AsyncSession, call: TaskCall) -> Loaded | None:
    scope = Scope(project_id=call.project_id)
    panel = await get(session, scope, Panel, call.target_id, lock=True)
    if panel.prompt is not None:
        await _written(session, call, panel)
        return None
    scene = await get(session, scope, Scene, panel.scene_id)
    project = await get(session, scope, Project, call.project_id)
    cast = await cast_of(session, call.project_id)
    on_stage = profiles_of(cast, panel.characters)
    present = {profile.name for profile in on_stage}
    return Loaded(
        prompt.In(
            shot=Shot(panel.shot),
            description=panel.description,
            characters=on_stage,
            absent=[who.name for who in cast if who.name not in present],
            place=scene.place,
            time=scene.time,
            weather=scene.weather,
            mood=scene.mood,
            style=project.style,
        )
    )


async def apply_prompt(session: AsyncSession, call: TaskCall, out: prompt.Out) -> None:
    panel = await get(session, Scope(project_id=call.project_id), Panel, call.target_id, lock=True)
    panel.prompt = out.prompt
    panel.negative = out.negative
    await _written(session, call, panel)


async def _written(session: AsyncSession, call: TaskCall, panel: Panel) -> None:
    """Whichever of the two comes last says that the panel is written: the row's lock lets it see the other's work."""
    complete_now = panel.dialogue is not None and panel.prompt is not None
    fresh = complete_now and panel.state in (PanelState.DESCRIBED, PanelState.FAILED)
    if fresh:
        panel.state = PanelState.WRITTEN
        panel.failure = ""
    session.add(panel)
    await session.flush()
    if not complete_now:
        return
    if await complete(session, call.generation_id, f"panel:{panel.id}:words") or fresh:
        await emit(session, call.project_id, call.generation_id, EventType.PANEL_WRITTEN, {"panel_id": str(panel.id)})


DIALOGUE = Step(load_dialogue, apply_dialogue)
PROMPT = Step(load_prompt, apply_prompt)
