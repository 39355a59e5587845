"""A batch as the API shows it, its items, and the request for one."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from api.http.money import Usd
from api.http.params import ExternalId, Labels, Metadata, Moment
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID
from api.shapes.generations import CallCounts
from engine.batches.standing import Line, Standing
from models.batches import AT_A_TIME, ATTEMPTS, MAX_AT_A_TIME, MAX_ITEMS, BatchStatus, Hours, ItemState
from models.exports import ExportFormat
from models.numbers import Whole
from models.options import GenerationKind, GenerationOptions
from models.script import NewScript
from models.texts import Name, NameIfAny, Words

_COUNTS: dict[str, Any] = {
    "waiting": 12,
    "running": 4,
    "held": 0,
    "completed": 3,
    "failed": 1,
    "cancelled": 0,
    "total": 20,
}


class NewItem(BaseModel):
    """An item: targets that exist, as in a request for a generation; or a new chapter, with its project and its text or
    script.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "chapter", "target_ids": [AN_ID]},
                {"project_id": ANOTHER_ID, "title": "Two", "text": "It rained again."},
            ]
        },
    )

    kind: GenerationKind = GenerationKind.CHAPTER
    target_ids: list[UUID] = Field(default=[], max_length=500, description="one; or several panels of a chapter")
    chapter_id: UUID | None = Field(default=None, description="for a character sheet: the chapter it is made for")
    project_id: UUID | None = Field(default=None, description="for a new chapter: the project that it is added to")
    title: NameIfAny = Field(default="", description="of a new chapter")
    text: Words | None = Field(default=None, max_length=6_000_000, description="of a new chapter")
    script: NewScript | None = Field(default=None, description="of a new chapter, instead of a text")
    options: GenerationOptions = Field(
        default_factory=GenerationOptions, description="override those of the batch, one by one"
    )
    formats: list[ExportFormat] | None = Field(
        default=None, min_length=1, max_length=len(ExportFormat), description="for an export: `options.export.formats`"
    )
    budget_usd: Usd | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}

    @model_validator(mode="after")
    def one_kind_of_target(self) -> "NewItem":
        new = self.text is not None or self.script is not None
        if new:
            if self.text is not None and self.script is not None:
                raise ValueError("give either text or script")
            if self.target_ids or self.kind != GenerationKind.CHAPTER:
                raise ValueError("a new chapter has no target_ids, and its kind is chapter")
            if self.project_id is None:
                raise ValueError("a new chapter needs the project_id of the project that it is added to")
        elif not self.target_ids:
            raise ValueError("name target_ids, or give the text or script of a new chapter")
        elif self.project_id is not None or self.title:
            raise ValueError("project_id and title belong to a new chapter")
        if self.formats is not None and self.kind != GenerationKind.EXPORT:
            raise ValueError("`formats` belongs to exports. For a chapter, name them in options.export.formats")
        return self


class Filter(BaseModel):
    """Chapters of a project, or of all projects that the caller may edit, on which no generation is running. With
    several conditions, a chapter that meets any of them is chosen.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"project_id": AN_ID, "stale": True, "failed": False, "new": False}]},
    )

    project_id: UUID | None = None
    stale: StrictBool = Field(default=False, description="parts of it are stale, compared with its last generation")
    failed: StrictBool = Field(default=False, description="its last generation failed, or parts of it did")
    new: StrictBool = Field(default=False, description="it has never been generated")

    @model_validator(mode="after")
    def some_condition(self) -> "Filter":
        if not (self.stale or self.failed or self.new):
            raise ValueError("set at least one of stale, failed and new to true")
        return self


class NewBatch(BaseModel):
    """A request for a batch: either `items` or a `filter`. Each item becomes a generation of its own."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Volume 2",
                    "items": [{"kind": "chapter", "target_ids": [AN_ID]}],
                    "options": {"llm": "offline"},
                    "budget_usd": "50",
                    "at_a_time": 4,
                    "only_between": {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"},
                }
            ]
        },
    )

    name: Name
    items: list[NewItem] | None = Field(default=None, min_length=1, max_length=MAX_ITEMS)
    filter: Filter | None = None
    options: GenerationOptions = Field(default_factory=GenerationOptions, description="of all items")
    budget_usd: Usd | None = Field(default=None, description="for all items together")
    at_a_time: Whole = Field(default=AT_A_TIME, ge=1, le=MAX_AT_A_TIME, description="items that run side by side")
    priority: Whole = Field(default=5, ge=1, le=5, description="1 interactive … 5 batch")
    attempts: Whole = Field(
        default=ATTEMPTS, ge=1, le=5, description="how often an item is tried; another attempt keeps its finished parts"
    )
    not_before: Moment = Field(default=None, description="no item starts earlier")
    only_between: Hours | None = Field(
        default=None, description="no item starts outside of these hours; one that runs at their end goes on"
    )
    external_id: ExternalId | None = None
    metadata: Metadata = {}

    @model_validator(mode="after")
    def one_of_them(self) -> "NewBatch":
        if (self.items is None) == (self.filter is None):
            raise ValueError("give either items or a filter")
        return self


class Counts(BaseModel):
    """How many items are in each state. `held` wait for a person, and leave their place to others."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_COUNTS]})

    waiting: int
    running: int
    held: int
    completed: int
    failed: int
    cancelled: int
    total: int


class WaitsOut(BaseModel):
    """Why a batch starts no item now."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"reason": "only_between", "message": "It starts items from 22:00.", "until": A_MOMENT}]
        },
    )

    reason: str = Field(description="paused, cancelling, not_before, only_between or budget")
    message: str
    until: datetime | None = Field(description="null: until a person decides")


_BATCH: dict[str, Any] = {
    "id": AN_ID,
    "name": "Volume 2",
    "project_id": ANOTHER_ID,
    "status": "running",
    "counts": _COUNTS,
    "progress": 0.31,
    "waits": {"reason": "only_between", "message": "It starts items from 22:00.", "until": A_MOMENT},
    "budget_usd": "50.000000",
    "cost_usd": "6.400000",
    "unknown_usd": "0.000000",
    "calls": {"llm": 120, "image": 64, "cached": 3, "unknown": 0},
    "rate_per_hour": 18.5,
    "seconds_left": 3120.0,
    "basis": "the last 4 items took 778.0 s each on average; 4 run side by side",
    "at_a_time": 4,
    "priority": 5,
    "attempts": 2,
    "not_before": A_MOMENT,
    "only_between": {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"},
    "external_id": "volume-2",
    "metadata": {},
    "created_at": A_MOMENT,
    "started_at": A_MOMENT,
    "finished_at": A_MOMENT,
    "version": 1,
}


class BatchOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_BATCH]})

    id: UUID
    name: str
    project_id: UUID | None = Field(description="the project of all its items; null if there are several")
    status: BatchStatus
    counts: Counts
    progress: float = Field(description="0 to 1")
    waits: WaitsOut | None = Field(description="why it starts no item now; null while it does")
    budget_usd: Decimal | None
    cost_usd: Decimal = Field(description="of all attempts of all items")
    unknown_usd: Decimal = Field(description="the most that calls with lost answers may have cost in addition")
    calls: CallCounts
    rate_per_hour: float | None = Field(description="items; null before the first has ended")
    seconds_left: float | None = Field(description="a guess, without the items that wait for a person")
    basis: str = Field(description="what the guess is based on")
    at_a_time: int
    priority: int
    attempts: int
    not_before: datetime | None
    only_between: Hours | None
    external_id: str | None
    metadata: Labels
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version: int


def batch_out(standing: Standing) -> BatchOut:
    """A batch with its numbers."""
    batch, calls = standing.batch, standing.calls
    values = {name: getattr(batch, name) for name in BatchOut.model_fields if name in type(batch).model_fields}
    return BatchOut(
        **values,
        counts=Counts.model_validate(standing.counts),
        progress=standing.progress,
        waits=WaitsOut.model_validate(standing.waits) if standing.waits.reason else None,
        cost_usd=calls.cost_usd,
        unknown_usd=calls.unknown_usd,
        calls=CallCounts(llm=calls.llm, image=calls.image, cached=standing.cached, unknown=calls.unknown),
        rate_per_hour=standing.rate_per_hour,
        seconds_left=standing.seconds_left,
        basis=standing.basis,
        metadata=batch.labels,
    )


_ITEM: dict[str, Any] = {
    "id": AN_ID,
    "position": 0,
    "kind": "chapter",
    "project_id": ANOTHER_ID,
    "target_ids": [ANOTHER_ID],
    "title": "One",
    "state": "completed",
    "attempt": 1,
    "error": "",
    "generation_id": AN_ID,
    "budget_usd": "5.000000",
    "cost_usd": "1.600000",
    "unknown_usd": "0.000000",
    "unknown_calls": 0,
    "seconds": 742.5,
    "due_at": A_MOMENT,
    "external_id": "chapter-1",
    "metadata": {},
    "started_at": A_MOMENT,
    "finished_at": A_MOMENT,
}


class ItemOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    id: UUID
    position: int
    kind: GenerationKind
    project_id: UUID | None = Field(description="null: it was deleted")
    target_ids: list[UUID]
    title: str
    state: ItemState
    attempt: int = Field(description="0: not started yet")
    error: str = Field(description="why it failed, or why it waits")
    generation_id: UUID | None = Field(description="of its last attempt")
    budget_usd: Decimal | None
    cost_usd: Decimal = Field(description="of all attempts")
    unknown_usd: Decimal
    unknown_calls: int = Field(description="calls whose answer was lost: they may have been billed")
    seconds: float | None = Field(description="from the start of the first attempt to the end")
    due_at: datetime | None = Field(description="a waiting item starts no earlier")
    external_id: str | None
    metadata: Labels
    started_at: datetime | None
    finished_at: datetime | None


def item_out(line: Line) -> ItemOut:
    """An item with its costs."""
    item, calls = line.item, line.calls
    values = {name: getattr(item, name) for name in ItemOut.model_fields if name in type(item).model_fields}
    return ItemOut(
        **values,
        cost_usd=calls.cost_usd,
        unknown_usd=calls.unknown_usd,
        unknown_calls=calls.unknown,
        seconds=line.seconds,
        metadata=item.labels,
    )


class Report(BaseModel):
    """A batch and all its items."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"batch": _BATCH, "items": [_ITEM]}]})

    batch: BatchOut
    items: list[ItemOut]
    next_cursor: None = Field(default=None, description="always null: a report is whole")
