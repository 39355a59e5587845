"""Drafts: tries at a panel's picture."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, sorted_by
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from engine.errors import Conflict
from engine.store import editing, rows
from engine.store.events import emit
from engine.store.rows import Paging
from engine.store.scope import Scope
from models.events import EventType
from models.tables import Draft, Panel, ProviderCall
from models.tables.story import DraftOrigin
from models.texts import Words

router = APIRouter(tags=["drafts"])


class DraftOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "panel_id": ANOTHER_ID,
                    "ordinal": 1,
                    "image_id": ANOTHER_ID,
                    "image": f"/api/v1/images/{ANOTHER_ID}",
                    "provider": "offline",
                    "model": "",
                    "prompt": "Clear comic art. Close-up of Mara holding up two keys.",
                    "seed": 1234,
                    "selected": True,
                    "origin": "edited",
                    "parent_id": ANOTHER_ID,
                    "notes": "",
                    "scores": {"sharpness": 0.93, "exposure": 1.0, "balloon_room": 0.71},
                    "score": 0.87,
                    "cost_usd": "0.0400",
                    "rejected": False,
                    "created_at": A_MOMENT,
                }
            ]
        }
    )

    id: UUID
    panel_id: UUID
    ordinal: int
    image_id: UUID
    image: str = Field(description="path of the picture")
    provider: str
    model: str
    prompt: str
    seed: int
    selected: bool = Field(description="whether the panel shows it")
    origin: DraftOrigin = Field(
        description="drawn for a generation, redrawn, made from another draft, or added from outside"
    )
    parent_id: UUID | None = Field(description="the draft that it was made from")
    notes: str = Field(description="the requested change")
    scores: dict[str, float] = Field(description="0 (bad) to 1 (good), by scorer")
    score: float | None = Field(description="the total of all scores; null if the draft was not scored")
    cost_usd: Decimal | None = Field(description="the cost of its call; null if there was none")
    rejected: bool
    created_at: datetime


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
    found, following = await rows.page(session, scope, Draft, *filters, paging=paging, parent=panel_id)
    costs = await _costs(session, found)
    return Listing(items=[_out(draft, panel, costs) for draft in found], next_cursor=following)


@router.get("/drafts/{draft_id}", summary="Read a draft", responses=NOT_FOUND)
async def read(draft_id: UUID, session: Session, scope: Scoped) -> DraftOut:
    return await out_of(session, scope, await rows.get(session, scope, Draft, draft_id))


@router.delete(
    "/drafts/{draft_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a draft",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(draft_id: UUID, session: Session, scope: Editing) -> None:
    """Refused for the draft that its panel shows, and while a generation is running on the chapter. Ordinals stay."""
    draft = await editing.still(session, scope, Draft, draft_id)
    # Whoever selects a draft locks the panel too.
    panel = await rows.get(session, scope, Panel, draft.panel_id, lock=True)
    if panel.selected_draft_id == draft_id:
        raise Conflict("The panel shows this draft. Select another draft first, or delete the panel.")
    await session.delete(draft)
    await session.flush()
    data = {"draft_id": str(draft_id), "panel_id": str(panel.id)}
    await emit(session, draft.project_id, None, EventType.DRAFT_DELETED, data, actor=scope.actor)


async def out_of(session: AsyncSession, scope: Scope, draft: Draft) -> DraftOut:
    """A draft as it is shown."""
    panel = await rows.get(session, scope, Panel, draft.panel_id)
    return _out(draft, panel, await _costs(session, [draft]))


async def _costs(session: AsyncSession, found: Sequence[Draft]) -> dict[UUID, Decimal]:
    """What their calls cost, by call."""
    calls = [draft.call_id for draft in found if draft.call_id is not None]
    query = select(ProviderCall).where(col(ProviderCall.id).in_(calls))
    paid = (await session.exec(query)).all() if calls else []
    return {call.id: call.cost_usd for call in paid if call.cost_usd is not None}


def _out(draft: Draft, panel: Panel, costs: Mapping[UUID, Decimal]) -> DraftOut:
    values: dict[str, Any] = draft.model_dump()
    values["scores"] = {name: value for name, value in draft.scores.items() if isinstance(value, int | float)}
    return DraftOut(
        **{name: values[name] for name in DraftOut.model_fields if name in values},
        image=f"/api/v1/images/{draft.image_id}",
        selected=draft.id == panel.selected_draft_id,
        cost_usd=costs.get(draft.call_id) if draft.call_id is not None else None,
        rejected=draft.rejected_at is not None,
    )
