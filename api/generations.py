"""Generations as they are read: how far each is, what has happened in it, what was asked of providers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from api.deps import Scoped, Session
from api.listing import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND, Cursor, Limit, Listing
from engine.store import events, holds, tallies
from engine.store import scope as rows
from models.options import GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.tables import Generation, ProviderCall

router = APIRouter(tags=["generations"])


class HoldOut(BaseModel):
    """A part that waits for a person: for its budget, about a lost answer, or because it was refused."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "reason": "budget",
                    "purpose": "draft 1",
                    "target_id": AN_ID,
                    "message": "The next call may cost 0.2200 USD, and only 0.1000 are left.",
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    reason: HoldReason
    purpose: str
    target_id: UUID
    message: str
    created_at: datetime


class CallCounts(BaseModel):
    """Calls that were sent to a provider; `unknown` ones may have been billed without an answer."""

    llm: int
    image: int
    cached: int
    unknown: int


class GenerationOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "chapter_id": ANOTHER_ID,
                    "kind": "chapter",
                    "status": "completed",
                    "progress": 1.0,
                    "error": "",
                    "target_ids": [ANOTHER_ID],
                    "options": GenerationOptions().model_dump(mode="json"),
                    "retry_of": ANOTHER_ID,
                    "budget_usd": "5.000000",
                    "calls": {"llm": 7, "image": 2, "cached": 0, "unknown": 0},
                    "cost_usd": "0.000000",
                    "waiting": [],
                    "created_at": A_MOMENT,
                    "started_at": A_MOMENT,
                    "finished_at": A_MOMENT,
                    "version": 3,
                }
            ]
        }
    )

    id: UUID
    project_id: UUID
    chapter_id: UUID | None
    kind: GenerationKind
    status: GenerationStatus
    progress: float = Field(description="0 to 1, never backwards, exactly 1 when completed")
    error: str
    target_ids: list[UUID]
    options: GenerationOptions
    retry_of: UUID | None
    budget_usd: Decimal | None
    calls: CallCounts
    cost_usd: Decimal
    waiting: list[HoldOut] = Field(description="what waits for a person, the oldest first")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version: int


class EventOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "seq": 12,
                    "type": "panel.written",
                    "at": A_MOMENT,
                    "generation_id": AN_ID,
                    "actor_id": ANOTHER_ID,
                    "data": {"panel_id": ANOTHER_ID},
                }
            ]
        },
    )

    seq: int = Field(description="strictly increasing; ask for what comes after it")
    type: str
    at: datetime
    generation_id: UUID | None
    actor_id: UUID | None = Field(description="who did it; null: a workflow")
    data: dict[str, Any]


class CallOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "attempt": 1,
                    "state": "confirmed",
                    "kind": "llm",
                    "provider": "offline",
                    "model": "",
                    "purpose": "Dialogue",
                    "target_id": ANOTHER_ID,
                    "input_tokens": 412,
                    "output_tokens": 38,
                    "cost_usd": "0.000000",
                    "reserved_usd": "0.000000",
                    "stop_reason": "stop",
                    "duration_ms": 3,
                    "error": "",
                    "submitted_at": A_MOMENT,
                    "settled_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    attempt: int
    state: str
    kind: str
    provider: str
    model: str
    purpose: str
    target_id: UUID | None
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    reserved_usd: Decimal = Field(description="the most it may have cost, where its answer was lost")
    stop_reason: str
    duration_ms: int | None
    error: str
    submitted_at: datetime | None
    settled_at: datetime | None


@router.get("/generations", summary="List generations")
async def listing(
    session: Session,
    scope: Scoped,
    chapter_id: UUID | None = None,
    status: GenerationStatus | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listing[GenerationOut]:
    filters = []
    if chapter_id is not None:
        filters.append(col(Generation.chapter_id) == chapter_id)
    if status is not None:
        filters.append(col(Generation.status) == status)
    found, following = await rows.page(session, scope, Generation, *filters, after=cursor, limit=limit)
    return Listing(items=[await told(session, row) for row in found], next_cursor=following)


@router.get("/generations/{generation_id}", summary="Read a generation and its progress", responses=NOT_FOUND)
async def read(generation_id: UUID, session: Session, scope: Scoped) -> GenerationOut:
    return await told(session, await rows.get(session, scope, Generation, generation_id))


@router.get("/generations/{generation_id}/events", summary="Events after a `seq`", responses=NOT_FOUND)
async def list_events(
    generation_id: UUID,
    session: Session,
    scope: Scoped,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`seq` of the last event that the client has")] = 0,
    limit: Limit = 100,
) -> list[EventOut]:
    await rows.get(session, scope, Generation, generation_id)
    found = await events.of_generation(session, generation_id, after, limit)
    return [EventOut.model_validate(event) for event in found]


@router.get("/generations/{generation_id}/calls", summary="List a generation's provider calls", responses=NOT_FOUND)
async def list_calls(
    generation_id: UUID, session: Session, scope: Scoped, cursor: Cursor = None, limit: Limit = 50
) -> Listing[CallOut]:
    await rows.get(session, scope, Generation, generation_id)
    within = col(ProviderCall.generation_id) == generation_id
    found, following = await rows.page(session, scope, ProviderCall, within, after=cursor, limit=limit)
    return Listing(items=[CallOut.model_validate(row) for row in found], next_cursor=following)


async def told(session: AsyncSession, generation: Generation) -> GenerationOut:
    """A generation with its calls and what it waits for."""
    calls = await tallies.calls(session, generation.id)
    values: dict[str, Any] = SQLModel.model_dump(generation)
    return GenerationOut(
        **{name: values[name] for name in GenerationOut.model_fields if name in values},
        calls=CallCounts(llm=calls.llm, image=calls.image, cached=generation.cached_calls, unknown=calls.unknown),
        cost_usd=calls.cost_usd,
        waiting=[HoldOut.model_validate(hold) for hold in await holds.waiting(session, generation.id)],
    )
