"""VisualPrompt: reads a panel with its setting and cast, stores its prompt."""

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_PROMPTS, Inputs, concerning, style_of
from engine.cast.blocking import blocking_of
from engine.steps.context import assemble
from engine.steps.known import instruction_pieces
from engine.steps.step import Loaded, Made
from engine.store.panel_texts import leave_as_is, panel_row, write_prompt
from engine.store.panels import cast_of, profiles_of
from engine.store.places import looks_of, place_of
from engine.tasks.part import PanelSource
from engine.tasks.prompt.basis import PART, directed, shot_input
from engine.tasks.prompt.task import In, Out
from models.runs import TaskCall


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    panel = await panel_row(session, call.project_id, call.target_id)
    cast = await cast_of(session, call.project_id)
    on_stage = profiles_of(cast, panel.characters, panel.outfits)
    present = {profile.name for profile in on_stage}
    source = PanelSource(
        panel,
        panel.own_sentences,
        panel.instructions,
        setting=panel,
        location_looks=looks_of(await place_of(session, call.project_id, panel.place)),
        on_stage=on_stage,
        blocking=blocking_of([profile.name for profile in on_stage]),
        style=panel.style,
    )
    if PART.verdict(source).stands and not call.softer:
        await leave_as_is(session, call)
        return []
    notes = panel.notes.get("picture", "")
    context = assemble(instruction_pieces(concerning(FOR_PROMPTS, panel.instructions)), token_budget)
    data = In(
        context=context.text,
        directions=notes,
        current=panel.prompt or "" if notes else "",
        shot=panel.shot,
        description=panel.description,
        characters=on_stage,
        stands=dict(source.blocking),
        absent=[character.name for character in cast if character.name not in present],
        place=panel.place,
        place_looks=source.location_looks,
        time=panel.time,
        weather=panel.weather,
        mood=panel.mood,
        style=style_of(panel.style, panel.instructions),
    )
    return Loaded(data, len(context.left_out), PART.inputs(source))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    # Only a director asks for another shot.
    shot = str(out.shot) if out.shot is not None and directed(basis) else None
    if shot is not None:
        basis = {**basis, **shot_input(shot)}
    await write_prompt(session, call, out.prompt, out.negative, shot, basis)
    return []
