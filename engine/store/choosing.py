"""Which draft a panel shows."""

from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db import execute
from engine.errors import NotFound
from engine.store.events import emit
from engine.store.progress import complete
from engine.store.scope import missing
from models.events import EventType
from models.tables import Panel

# The panel's row is locked before anything is decided.
_CHOOSE = text(
    "WITH before AS MATERIALIZED (SELECT id, state, selected_draft_id AS draft_id FROM panels"
    " WHERE id = :panel AND project_id = :project FOR NO KEY UPDATE)"
    " UPDATE panels SET state = 'selected', failure = '', selected_draft_id = COALESCE(before.draft_id,"
    " (SELECT id FROM drafts WHERE panel_id = :panel ORDER BY ordinal LIMIT 1))"
    " FROM before WHERE panels.id = before.id"
    " RETURNING panels.selected_draft_id, before.state <> 'selected' OR before.draft_id IS NULL AS fresh"
)


async def choose(session: AsyncSession, project_id: UUID, generation_id: UUID, panel_id: UUID) -> None:
    """Show the first draft, unless one was chosen before. Emits, so call it last in a transaction.

    Raises `NotFound` where there is no such panel, or no draft of it.
    """
    chosen = (await execute(session, _CHOOSE, {"panel": panel_id, "project": project_id})).one_or_none()
    if chosen is None:
        raise missing(Panel, panel_id)
    if chosen.selected_draft_id is None:
        raise NotFound("The panel has no draft to choose from.")
    if await complete(session, generation_id, f"panel:{panel_id}:picture") or chosen.fresh:
        await emit(
            session,
            project_id,
            generation_id,
            EventType.PANEL_SELECTED,
            {"panel_id": str(panel_id), "draft_id": str(chosen.selected_draft_id)},
        )
