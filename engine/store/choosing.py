"""Which draft a panel shows."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import NotFound
from engine.store.events import emit
from engine.store.progress import complete
from engine.store.scope import Scope, get
from models.events import EventType
from models.tables import Draft, Panel
from models.tables.story import PanelState


async def choose(session: AsyncSession, project_id: UUID, generation_id: UUID, panel_id: UUID) -> None:
    """Show the first draft, unless one was chosen before. Emits, so call it last in a transaction."""
    panel = await get(session, Scope(project_id=project_id), Panel, panel_id, lock=True)
    fresh = panel.state != PanelState.SELECTED
    if panel.selected_draft_id is None:
        query = select(Draft.id).where(Draft.panel_id == panel.id).order_by(col(Draft.ordinal)).limit(1)
        panel.selected_draft_id = (await session.exec(query)).one_or_none()
        if panel.selected_draft_id is None:
            raise NotFound("The panel has no draft to choose from.")
        fresh = True
    if fresh:
        panel.state = PanelState.SELECTED
        panel.failure = ""
        session.add(panel)
        await session.flush()
    if await complete(session, generation_id, f"panel:{panel.id}:picture") or fresh:
        await emit(
            session,
            project_id,
            generation_id,
            EventType.PANEL_SELECTED,
            {"panel_id": str(panel.id), "draft_id": str(panel.selected_draft_id)},
        )
