"""A draft as the API shows it, with what it cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID
from engine.store import rows
from engine.store.scope import Scope
from models.tables import Draft, Panel, ProviderCall
from models.tables.story import DraftOrigin


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


async def draft_out(session: AsyncSession, scope: Scope, draft: Draft) -> DraftOut:
    panel = await rows.get(session, scope, Panel, draft.panel_id)
    return (await draft_outs(session, panel, [draft]))[0]


async def draft_outs(session: AsyncSession, panel: Panel, drafts: Sequence[Draft]) -> list[DraftOut]:
    """Drafts of one panel."""
    costs = await _costs(session, drafts)
    return [_out(draft, panel, costs) for draft in drafts]


async def _costs(session: AsyncSession, drafts: Sequence[Draft]) -> dict[UUID, Decimal]:
    """What the drafts' calls cost, by call."""
    calls = [draft.call_id for draft in drafts if draft.call_id is not None]
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
