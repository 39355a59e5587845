"""Drafts of a panel."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from sqlmodel import col

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, sorted_by
from api.http.schemas import CONFLICT, NOT_FOUND
from api.shapes.drafts import DraftOut, draft_out, draft_outs
from engine.errors import Conflict
from engine.store import editing, rows
from engine.store.events import emit
from engine.store.rows import Paging
from models.events import EventType
from models.tables import Draft, Panel
from models.texts import Words

router = APIRouter(tags=["drafts"])


@router.get("/panels/{panel_id}/drafts", summary="List a panel's drafts", responses=NOT_FOUND)
async def listing(
    panel_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("ordinal", "created_at")],
    selected: Annotated[bool | None, Query(description="only the draft that the panel shows, or all others")] = None,
    provider: Annotated[Words | None, Query(max_length=64)] = None,
) -> Listing[DraftOut]:
    panel = await rows.get(session, scope, Panel, panel_id)
    filters = [col(Draft.panel_id) == panel_id]
    if selected is not None:
        shown = col(Draft.id) == panel.selected_draft_id if panel.selected_draft_id else col(Draft.id).is_(None)
        filters.append(shown if selected else ~shown)
    if provider is not None:
        filters.append(col(Draft.provider) == provider)
    drafts, next_cursor = await rows.page(session, scope, Draft, *filters, paging=paging, parent=panel_id)
    return Listing(items=await draft_outs(session, panel, drafts), next_cursor=next_cursor)


@router.get("/drafts/{draft_id}", summary="Read a draft", responses=NOT_FOUND)
async def read(draft_id: UUID, session: Session, scope: Scoped) -> DraftOut:
    return await draft_out(session, scope, await rows.get(session, scope, Draft, draft_id))


@router.delete(
    "/drafts/{draft_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a draft",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(draft_id: UUID, session: Session, scope: Editing) -> None:
    """Refused for the draft that its panel shows, and while a generation is running on the chapter. Ordinals stay."""
    draft = await editing.lock_idle(session, scope, Draft, draft_id)
    # Selecting a draft locks the panel, too.
    panel = await rows.get(session, scope, Panel, draft.panel_id, lock=True)
    if panel.selected_draft_id == draft_id:
        raise Conflict("The panel shows this draft. Select another draft first, or delete the panel.")
    await session.delete(draft)
    await session.flush()
    data = {"draft_id": str(draft_id), "panel_id": str(panel.id)}
    await emit(session, draft.project_id, None, EventType.DRAFT_DELETED, data, actor=scope.actor)
