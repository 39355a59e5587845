"""Dialogue and VisualPrompt: a panel's words and its prompt. They run side by side."""

from typing import Any

from sqlalchemy import TextClause, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs, changed, concerning, directed, prompt_inputs, shot_input, style_of, words_inputs
from engine.cast.blocking import standing
from engine.db.session import execute
from engine.steps.context import assemble
from engine.steps.known import instructions
from engine.steps.step import Loaded, Made, Step
from engine.store.events import emit
from engine.store.instructions import HOUSE
from engine.store.panels import aliases_of, cast_of, profiles_of
from engine.store.places import looks_of, place_of
from engine.store.progress import complete, panel_step
from engine.store.rows import missing
from engine.tasks import dialogue, prompt
from models.events import EventType
from models.runs import TaskCall
from models.tables import Panel, Project, Scene
from models.tables.columns import table

_PANELS, _SCENES, _PROJECTS = table(Panel), table(Scene), table(Project)
_PANEL = (
    select(
        *(_PANELS.c[name] for name in ("shot", "description", "characters", "first", "last")),
        *(_PANELS.c[name] for name in ("dialogue", "caption", "prompt", "manual_edits", "basis", "notes")),
        *(_SCENES.c[name] for name in ("sentences", "max_panels", "place", "time", "weather", "mood", "outfits")),
        _PROJECTS.c.style,
        HOUSE,
    )
    .join(_SCENES, _SCENES.c.id == _PANELS.c.scene_id)
    .join(_PROJECTS, _PROJECTS.c.id == _PANELS.c.project_id)
    .where(_PANELS.c.id == bindparam("panel"), _PANELS.c.project_id == bindparam("project"))
)


def _write(assignments: str, whole: str) -> str:
    """Write to the panel; `whole` says by what was there before whether it now has both its words and its prompt.

    The row is locked first, so whichever of the two tasks comes last sees the other's work.
    """
    # Only constants of this file go into the text.
    return (
        f"WITH before AS MATERIALIZED (SELECT id, {whole} AS complete,"  # noqa: S608
        f" {whole} AND state IN ('described', 'failed') AS fresh"
        " FROM panels WHERE id = :panel AND project_id = :project FOR NO KEY UPDATE)"
        # What a person wrote meanwhile stays; what was written from is kept beside it either way.
        f" UPDATE panels SET {assignments}, state = CASE WHEN fresh THEN 'written' ELSE state END,"
        " failure = CASE WHEN fresh THEN '' ELSE failure END"
        " FROM before WHERE panels.id = before.id RETURNING before.complete, before.fresh"
    )


_WRITE_WORDS = text(
    _write(
        "dialogue = :dialogue, caption = :caption, basis = basis || jsonb_build_object('words', :basis)",
        "prompt IS NOT NULL",
    )
).bindparams(bindparam("dialogue", type_=JSONB), bindparam("basis", type_=JSONB))
_WRITE_PROMPT = text(
    _write(
        "prompt = :prompt, negative = :negative, shot = COALESCE(:shot, shot),"
        " basis = basis || jsonb_build_object('prompt', :basis)",
        "dialogue IS NOT NULL",
    )
).bindparams(bindparam("basis", type_=JSONB))
_WRITE_NOTHING = text(_write("version = version", "dialogue IS NOT NULL AND prompt IS NOT NULL"))


async def _panel(session: AsyncSession, call: TaskCall) -> Any:
    values = {"panel": call.target_id, "project": call.project_id}
    found = (await execute(session, _PANEL, values)).one_or_none()
    if found is None:
        raise missing(Panel, call.target_id)
    return found


async def load_dialogue(session: AsyncSession, call: TaskCall, room: int) -> Loaded | Made:
    panel = await _panel(session, call)
    own = panel.sentences[panel.first : panel.last + 1]
    inputs = words_inputs(panel, own, panel.house)
    there = panel.dialogue is not None
    if there and ("words" in panel.manual_edits or not changed(panel.basis.get("words"), inputs)):
        await _written(session, call, _WRITE_NOTHING)
        return []
    everybody = await cast_of(session, call.project_id)
    notes = panel.notes.get("words", "")
    context = assemble(instructions(concerning("words", panel.house)), room)
    return Loaded(
        dialogue.In(
            context=context.text,
            directions=notes,
            current=panel.dialogue or [] if notes else [],
            current_caption=panel.caption if notes else "",
            description=panel.description,
            characters=panel.characters,
            cast=[who.name for who in everybody],
            aliases=aliases_of(everybody),
            before=panel.sentences[: panel.first],
            sentences=own,
            after=panel.sentences[panel.last + 1 :],
            condensed=panel.max_panels is not None,
        ),
        len(context.left_out),
        inputs,
    )


async def apply_dialogue(session: AsyncSession, call: TaskCall, out: dialogue.Out, basis: Inputs) -> Made:
    lines = [line.model_dump(mode="json") for line in out.lines]
    await _written(session, call, _WRITE_WORDS, dialogue=lines, caption=out.caption, basis=basis)
    return []


async def load_prompt(session: AsyncSession, call: TaskCall, room: int) -> Loaded | Made:
    panel = await _panel(session, call)
    cast = await cast_of(session, call.project_id)
    on_stage = profiles_of(cast, panel.characters, panel.outfits)
    place = looks_of(await place_of(session, call.project_id, panel.place))
    stands = standing([who.name for who in on_stage])
    inputs = prompt_inputs(panel, panel, on_stage, panel.style, panel.house, place, stands)
    kept = "prompt" in panel.manual_edits or not changed(panel.basis.get("prompt"), inputs)
    if panel.prompt is not None and kept and not call.softer:
        await _written(session, call, _WRITE_NOTHING)
        return []
    present = {profile.name for profile in on_stage}
    notes = panel.notes.get("picture", "")
    context = assemble(instructions(concerning("prompt", panel.house)), room)
    return Loaded(
        prompt.In(
            context=context.text,
            directions=notes,
            current=panel.prompt or "" if notes else "",
            shot=panel.shot,
            description=panel.description,
            characters=on_stage,
            stands=stands,
            absent=[who.name for who in cast if who.name not in present],
            place=panel.place,
            place_looks=place,
            time=panel.time,
            weather=panel.weather,
            mood=panel.mood,
            style=style_of(panel.style, panel.house),
        ),
        len(context.left_out),
        inputs,
    )


async def apply_prompt(session: AsyncSession, call: TaskCall, out: prompt.Out, basis: Inputs) -> Made:
    # Only a director asks for another shot.
    shot = str(out.shot) if out.shot is not None and directed(basis) else None
    if shot is not None:
        basis = {**basis, **shot_input(shot)}
    await _written(session, call, _WRITE_PROMPT, prompt=out.prompt, negative=out.negative, shot=shot, basis=basis)
    return []


async def _written(session: AsyncSession, call: TaskCall, statement: TextClause, **values: object) -> None:
    """Write, and say that the panel is written once it is."""
    values |= {"panel": call.target_id, "project": call.project_id}
    panel = (await execute(session, statement, values)).one_or_none()
    if panel is None:
        raise missing(Panel, call.target_id)
    step = panel_step(call.target_id, "words")
    if panel.complete and (await complete(session, call.generation_id, step) or panel.fresh):
        told = {"panel_id": str(call.target_id)}
        await emit(session, call.project_id, call.generation_id, EventType.PANEL_WRITTEN, told)


DIALOGUE = Step(load_dialogue, apply_dialogue)
PROMPT = Step(load_prompt, apply_prompt)
