"""Dialogue: reads a panel with its sentences, stores its words."""

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_WORDS, Inputs, concerning
from engine.steps.context import assemble
from engine.steps.known import instruction_pieces
from engine.steps.step import Loaded, Made
from engine.store.panel_texts import leave_as_is, panel_row, write_words
from engine.store.panels import aliases_of, cast_of
from engine.tasks.dialogue.basis import PART
from engine.tasks.dialogue.task import In, Out
from engine.tasks.part import PanelText
from models.runs import TaskCall
from models.story import Line


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    panel = await panel_row(session, call.project_id, call.target_id)
    source = PanelText(panel, panel.own_sentences, panel.instructions)
    if PART.verdict(source).stands:
        await leave_as_is(session, call)
        return []
    cast = await cast_of(session, call.project_id)
    notes = panel.notes.get("words", "")
    context = assemble(instruction_pieces(concerning(FOR_WORDS, panel.instructions)), token_budget)
    data = In(
        context=context.text,
        directions=notes,
        current=[Line.model_validate(line) for line in panel.dialogue or []] if notes else [],
        current_caption=panel.caption if notes else "",
        description=panel.description,
        characters=panel.characters,
        cast=[character.name for character in cast],
        aliases=aliases_of(cast),
        before=panel.sentences[: panel.first],
        sentences=panel.own_sentences,
        after=panel.sentences[panel.last + 1 :],
        condensed=panel.max_panels is not None,
    )
    return Loaded(data, len(context.left_out), PART.inputs(source))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    await write_words(session, call, out.lines, out.caption, basis)
    return []
