"""Generations: their progress, their events, and the calls to providers."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from api.http.deps import Owned, Owning, Scoped, Session
from api.http.paging import Limit, Listing, Paged, listed, sorted_by
from api.http.params import ExternalId, Facts, Moment, labelled
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND
from api.shapes.generations import GenerationOut, WaitingOut, generation_out, generation_outs
from engine.store import events, rows
from engine.store.rows import Paging
from models.options import GenerationKind, GenerationStatus
from models.tables import Generation, ProviderCall

router = APIRouter(tags=["generations"])

# Neither over nor waiting for a person.
_GO_ON = (GenerationStatus.REQUESTED, GenerationStatus.RUNNING)


_EVENT: dict[str, Any] = {
    "seq": 12,
    "type": "panel.written",
    "at": A_MOMENT,
    "generation_id": AN_ID,
    "actor_id": ANOTHER_ID,
    "data": {"panel_id": ANOTHER_ID},
}


class EventOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [_EVENT]},
    )

    seq: int = Field(description="strictly increasing; pass it as `after` for later events")
    type: str
    at: datetime
    generation_id: UUID | None
    actor_id: UUID | None = Field(description="the user who caused it; null: a workflow")
    data: dict[str, Any]


_CALL: dict[str, Any] = {
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


class CallOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_CALL]})

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
    reserved_usd: Decimal = Field(description="the most it may have cost, if its answer was lost")
    stop_reason: str
    duration_ms: int | None
    error: str
    submitted_at: datetime | None
    settled_at: datetime | None


class CallDetail(CallOut):
    """A call with what was asked, what came back, and what the check and the provider said."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    **_CALL,
                    "question": "You write comics. …",
                    "answer": '{"lines": []}',
                    "notes": "line 1: nobody in this panel is called Bob",
                    "said": "",
                }
            ]
        },
    )

    question: str | None = Field(
        description="the prompt as sent; null until the call is settled, and after what it is about was deleted"
    )
    answer: str | None = Field(description="a writer's reply as given, accepted or not")
    notes: str = Field(description="the mistakes that the check found in the answer; empty if it was accepted")
    said: str = Field(description="the provider's own words about a failure, with keys masked")


class EventsPage(BaseModel):
    """Events of a generation, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EVENT], "next_cursor": 12}]})

    items: list[EventOut]
    next_cursor: int | None = Field(
        description="pass as `after` for further events; null: no more yet, so ask again with the last `seq`"
    )


@router.get("/generations", summary="List generations")
async def listing(
    session: Session,
    scope: Scoped,
    owned: Owned,
    paging: Annotated[Paging, sorted_by("created_at")],
    project_id: UUID | None = None,
    chapter_id: UUID | None = None,
    status: Annotated[list[GenerationStatus] | None, Query(max_length=10, description="any of these")] = None,
    kind: Annotated[list[GenerationKind] | None, Query(max_length=5, description="any of these")] = None,
    external_id: Annotated[ExternalId | None, Query()] = None,
    facts: Facts = None,
    created_after: Moment = None,
    created_before: Moment = None,
) -> Listing[GenerationOut]:
    missing = await owned.flow_workers.missing_since()
    equal = ((Generation.project_id, project_id), (Generation.chapter_id, chapter_id))
    any_of = ((Generation.status, status), (Generation.kind, kind))
    filters = [
        *labelled(Generation, facts, external_id),
        *(col(column) == wanted for column, wanted in equal if wanted is not None),
        *(col(column).in_(wanted) for column, wanted in any_of if wanted),
    ]
    if created_after is not None:
        filters.append(col(Generation.created_at) > created_after)
    if created_before is not None:
        filters.append(col(Generation.created_at) < created_before)
    found, following = await rows.page(session, scope, Generation, *filters, paging=paging)
    return Listing(items=_unserved(await generation_outs(session, found), missing), next_cursor=following)


@router.get("/generations/{generation_id:uuid}", summary="Read a generation and its progress", responses=NOT_FOUND)
async def read(generation_id: UUID, session: Session, scope: Scoped, owned: Owned) -> GenerationOut:
    # Temporal first: its answer is not awaited with a connection of the database.
    missing = await owned.flow_workers.missing_since()
    found = await generation_out(session, await rows.get(session, scope, Generation, generation_id))
    return _unserved([found], missing)[0]


def _unserved(found: list[GenerationOut], missing: datetime | None) -> list[GenerationOut]:
    """The generations; those that should go on say that no worker carries out workflows, if it has been missing."""
    for one in found:
        if missing is not None and one.status in _GO_ON:
            one.waiting.append(WaitingOut.unserved(one.chapter_id or one.id, max(missing, one.created_at)))
    return found


@router.get(
    "/generations/{generation_id}/events", summary="List a generation's events after a `seq`", responses=NOT_FOUND
)
async def list_events(
    generation_id: UUID,
    session: Session,
    scope: Scoped,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`seq` of the last event that the client has")] = 0,
    limit: Limit = 100,
) -> EventsPage:
    await rows.get(session, scope, Generation, generation_id)
    found = await events.of_generation(session, generation_id, after, limit + 1)
    items = [EventOut.model_validate(event) for event in found[:limit]]
    return EventsPage(items=items, next_cursor=items[-1].seq if len(found) > limit else None)


@router.get("/generations/{generation_id}/calls", summary="List a generation's provider calls", responses=NOT_FOUND)
async def list_calls(generation_id: UUID, session: Session, scope: Scoped, paging: Paged) -> Listing[CallOut]:
    await rows.get(session, scope, Generation, generation_id)
    within = col(ProviderCall.generation_id) == generation_id
    return listed(CallOut, await rows.page(session, scope, ProviderCall, within, paging=paging))


@router.get(
    "/generations/{generation_id}/calls/{call_id}",
    summary="Read a provider call with its question and answer",
    responses=NOT_FOUND,
)
async def read_call(generation_id: UUID, call_id: UUID, session: Session, scope: Owning) -> CallDetail:
    """For the owner of the project: rejected answers, with the mistakes that the check found, are here too."""
    call = await rows.get(session, scope, ProviderCall, call_id)
    if call.generation_id != generation_id:
        raise rows.missing(ProviderCall, call_id)
    return CallDetail.model_validate(call)
