"""Batches: requested, read, reported."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from api.batch_requests import chosen_by, estimates_of, require_affordable, texts_of, wanted_of
from api.generation_requests import RequestingBatch
from api.http.csv_files import csv_lines
from api.http.deps import Editing, Owned, Scoped, Session
from api.http.paging import Limit, Listing, sorted_by
from api.http.params import ExternalId, Facts, labelled
from api.http.schemas import A_MOMENT, AN_ID, CONFLICT, NOT_FOUND
from api.shapes.batches import BatchOut, ItemOut, NewBatch, Report, batch_out, item_out
from api.shapes.estimates import EstimateOut, RangeOut
from api.shapes.generations import REFUSED
from engine.batches import hours, items
from engine.batches.standing import lines_of, report, standing_of, standings_of
from engine.money.estimate import Range
from engine.orders.resolve import named
from engine.store import batch_events, batches, rows
from engine.store.rows import Paging
from models.batches import BatchStatus, ItemState
from models.tables import Batch, BatchItem

router = APIRouter(tags=["batches"])

# How many of the items that cost most an estimate names.
_DEAREST = 5
_COLUMNS = (
    *("position", "title", "kind", "state", "attempt", "error", "cost_usd", "unknown_usd", "unknown_calls", "seconds"),
    *("project_id", "target_ids", "generation_id", "external_id", "started_at", "finished_at"),
)


class DearItem(BaseModel):
    """One of the items that cost most."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"position": 3, "title": "One", "usd": {"low": "1.2", "expected": "2.1", "high": "4.4"}}]
        }
    )

    position: int
    title: str
    usd: RangeOut


class BatchEstimate(EstimateOut):
    """The sum over all items, and the items that cost most."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "llm": {"low": "61", "expected": "61", "high": "61"},
                    "image": {"low": "30", "expected": "30", "high": "30"},
                    "usd": {"low": "1.9100", "expected": "3.4200", "high": "7.2600"},
                    "basis": ["counted from the script"],
                    "items": 2,
                    "not_estimated": 0,
                    "dearest": [
                        {"position": 1, "title": "Two", "usd": {"low": "1.2", "expected": "2.1", "high": "4.4"}}
                    ],
                }
            ]
        }
    )

    items: int
    not_estimated: int = Field(description="items of a kind that is not estimated: scenes, panels, character sheets")
    dearest: list[DearItem] = Field(description="the five items that are expected to cost most")


class BatchEventOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"seq": 3, "type": "item.completed", "at": A_MOMENT, "data": {"item_id": AN_ID}}]
        },
    )

    seq: int = Field(description="without gaps; pass it as `after` for later events")
    type: str
    at: Any = Field(description="when it happened")
    data: dict[str, Any]


class BatchEventsPage(BaseModel):
    """Events of a batch, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [{"seq": 3, "type": "item.completed", "at": A_MOMENT, "data": {"item_id": AN_ID}}],
                    "next_cursor": 3,
                }
            ]
        }
    )

    items: list[BatchEventOut]
    next_cursor: int | None = Field(
        description="pass as `after` for further events; null: no more yet, so ask again with the last `seq`"
    )


@router.post("/batches", status_code=202, summary="Request a batch", responses={**NOT_FOUND, **CONFLICT, **REFUSED})
async def create(body: NewBatch, request: RequestingBatch) -> BatchOut:
    """Each item becomes a generation of its own, `at_a_time` of them side by side, in their order. An item that fails
    or waits for a person holds up no other. A repetition with the same `Idempotency-Key` within a day gets the first
    answer and starts nothing.
    """
    http, owned, scope = request.http, request.owned, request.scope
    asked = body.model_dump(mode="json", exclude_unset=True, by_alias=True)
    async with owned.database.session() as session:
        if earlier := await request.earlier(session, "batches", asked, _no_target):
            return earlier
        # What follows takes its time and reads in transactions of its own: the key is claimed again at its end.
        await session.rollback()
    texts = await texts_of(body)
    async with owned.database.session() as session:
        chosen = [] if body.filter is None else await chosen_by(http, owned, session, scope, body.filter)
        await hours.require(session, body.only_between)
    async with owned.database.session() as session:
        await require_affordable(http, owned, session, scope, body, chosen)
    async with owned.database.session() as session:
        if earlier := await request.earlier(session, "batches", asked, _no_target):
            return earlier
        wanted = await wanted_of(session, scope, body, texts, chosen)
        found = await items.resolved(session, scope, owned.settings, named(body.options), wanted)
        options, stored = items.shared_options(found)
        terms = batches.Terms(
            **{name: getattr(body, name) for name in batches.Terms.__dataclass_fields__}  # one name for each
        )
        batch = await batches.request(
            session,
            scope.actor,
            body.name,
            stored,
            options,
            terms,
            external_id=body.external_id,
            labels=body.metadata,
        )
        out = await request.accept(session, batch)
    request.start(batch)
    return out


@router.post("/batches/estimate", summary="Estimate the cost of a batch", responses={**NOT_FOUND, **REFUSED})
async def estimate_batch(
    http: Request, body: NewBatch, owned: Owned, session: Session, scope: Editing
) -> BatchEstimate:
    """Starts nothing. Chapters that exist are compared with what they are made from; new ones are counted by their
    words.
    """
    chosen = [] if body.filter is None else await chosen_by(http, owned, session, scope, body.filter)
    llm, image, usd = Range(), Range(), Range()
    basis: dict[str, None] = {}
    dear: list[tuple[int, str, Range]] = []
    count = unknown = 0
    async for number, title, found in estimates_of(http, owned, session, scope, body, chosen):
        count += 1
        if found is None:
            unknown += 1
            continue
        llm, image, usd = llm + found.llm, image + found.image, usd + found.usd
        basis |= dict.fromkeys(found.basis)
        dear.append((number, title, found.usd))
    dear.sort(key=lambda item: -item[2].expected)
    return BatchEstimate(
        llm=RangeOut.model_validate(llm),
        image=RangeOut.model_validate(image),
        usd=RangeOut.model_validate(usd),
        basis=list(basis),
        items=count,
        not_estimated=unknown,
        dearest=[
            DearItem(position=number, title=title, usd=RangeOut.model_validate(cost))
            for number, title, cost in dear[:_DEAREST]
        ],
    )


@router.get("/batches", summary="List batches")
async def listing(
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("created_at")],
    status: Annotated[list[BatchStatus] | None, Query(max_length=10, description="any of these")] = None,
    external_id: Annotated[ExternalId | None, Query()] = None,
    facts: Facts = None,
) -> Listing[BatchOut]:
    filters = labelled(Batch, facts, external_id)
    if status:
        filters.append(col(Batch.status).in_(status))
    found, following = await rows.page(session, scope, Batch, *filters, paging=paging)
    return Listing(
        items=[batch_out(standing) for standing in await standings_of(session, found)], next_cursor=following
    )


@router.get("/batches/{batch_id:uuid}", summary="Read a batch and its progress", responses=NOT_FOUND)
async def read(batch_id: UUID, session: Session, scope: Scoped) -> BatchOut:
    return batch_out(await standing_of(session, await rows.get(session, scope, Batch, batch_id)))


@router.get("/batches/{batch_id}/items", summary="List a batch's items in order", responses=NOT_FOUND)
async def list_items(
    batch_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("position")],
    state: Annotated[list[ItemState] | None, Query(max_length=6, description="any of these")] = None,
) -> Listing[ItemOut]:
    await rows.get(session, scope, Batch, batch_id)
    filters = [col(BatchItem.batch_id) == batch_id]
    if state:
        filters.append(col(BatchItem.state).in_(state))
    found, following = await rows.page(session, scope, BatchItem, *filters, paging=paging, parent=batch_id)
    lines = await lines_of(session, batch_id, found)
    return Listing(items=[item_out(line) for line in lines], next_cursor=following)


@router.get("/batches/{batch_id}/events", summary="List a batch's events after a `seq`", responses=NOT_FOUND)
async def list_events(
    batch_id: UUID,
    session: Session,
    scope: Scoped,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`seq` of the last event that the client has")] = 0,
    limit: Limit = 100,
) -> BatchEventsPage:
    await rows.get(session, scope, Batch, batch_id)
    found = await batch_events.later_than(session, batch_id, after, limit + 1)
    shown = [BatchEventOut.model_validate(event) for event in found[:limit]]
    return BatchEventsPage(items=shown, next_cursor=shown[-1].seq if len(found) > limit else None)


@router.get(
    "/batches/{batch_id}/report",
    summary="Report on a batch and all its items",
    response_model=Report,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": ",".join(_COLUMNS) + "\r\n"}}},
        **NOT_FOUND,
    },
)
async def read_report(
    batch_id: UUID,
    session: Session,
    scope: Scoped,
    format: Annotated[Literal["json", "csv"] | None, Query(description="default: what `Accept` asks for")] = None,
    accept: Annotated[str, Header(max_length=1000)] = "",
) -> Any:
    """As JSON, or as CSV with one line for each item: with `format=csv`, or where `Accept` begins with `text/csv`."""
    batch = await rows.get(session, scope, Batch, batch_id)
    shown = [item_out(line) for line in await report(session, batch)]
    if (format or ("csv" if accept.startswith("text/csv") else "json")) == "json":
        return Report(batch=batch_out(await standing_of(session, batch)), items=shown)
    lines = [_COLUMNS, *([_cell(getattr(item, name)) for name in _COLUMNS] for item in shown)]
    headers = {
        "Content-Disposition": f'attachment; filename="batch-{batch_id}.csv"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(csv_lines(lines), headers=headers, media_type="text/csv")


async def _no_target() -> None:
    """A batch is for no row that could be refused before its items are looked at."""


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
