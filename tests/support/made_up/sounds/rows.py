"""Sounds: reads a panel, stores its sound."""

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs
from engine.steps.step import Loaded, Made
from engine.store.panel_texts import panel_row
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks.part import PanelText
from models.runs import TaskCall
from models.tables import Panel
from tests.support.made_up.sounds.basis import PART
from tests.support.made_up.sounds.task import In, Out


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    panel = await panel_row(session, call.project_id, call.target_id)
    source = PanelText(panel, panel.own_sentences, panel.instructions)
    if PART.verdict(source).stands:
        return []
    return Loaded(In(description=panel.description), basis=PART.inputs(source))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    panel = await get(session, Scope(project_id=call.project_id), Panel, call.target_id, lock=True)
    panel.notes = {**panel.notes, "sounds": out.sound}
    panel.basis = {**panel.basis, PART.name: basis}
    session.add(panel)
    await session.flush()
    return []
