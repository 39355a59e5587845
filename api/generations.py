"""Generations: order one, follow it, cancel it, order its failed parts again."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.service import RPCError, RPCStatusCode

from api.deps import Editing, Owned, Resources, Scoped, Session
from api.given import ExternalId, Facts, Labels, Metadata, Moment, labelled
from api.listing import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND, Cursor, Limit, Listing, refusal
from api.problems import TemporalAway
from api.starting import PATIENCE, start, wake_if_possible, workflow_id
from engine.errors import BadInput, Conflict
from engine.prices import Prices
from engine.providers import require_all
from engine.settings import Settings
from engine.store import events, generations, holds, tallies
from engine.store import scope as rows
from engine.store.scope import Scope
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.tables import Chapter, Character, Generation, Panel, Project, ProviderCall, Scene

router = APIRouter(tags=["generations"])

REFUSED = refusal(
    422,
    "not-configured",
    "Something in the order cannot be done; `detail` says what.",
    "There is no writer called 'crayon' in this version. Choose one of: offline, openai, anthropic, ollama.",
)


class NewGeneration(BaseModel):
    """An order. `target_ids` names one chapter, scene, panel or character, as `kind` says; an export, a chapter."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "chapter", "target_ids": [AN_ID], "options": {"drafts": 2}}]},
    )

    kind: GenerationKind
    target_ids: list[UUID] = Field(min_length=1, max_length=1)
    chapter_id: UUID | None = Field(default=None, description="for a character sheet: the chapter it is made for")
    options: GenerationOptions = Field(default_factory=GenerationOptions)
    budget_usd: Decimal | None = Field(default=None, ge=0, lt=1_000_000)
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class NewBudget(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"budget_usd": "10"}]})

    budget_usd: Decimal = Field(ge=0, lt=1_000_000)


class Resume(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"skip_refused": False}]})

    skip_refused: bool = Field(default=False, description="give up what was refused, instead of trying it again")


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
                    "external_id": "job-17",
                    "metadata": {"batch": "spring"},
                    "requested_by": ANOTHER_ID,
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
    external_id: str | None
    metadata: Labels
    requested_by: UUID | None = Field(description="the account that ordered it, while there is one")
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
                    "data": {"panel_id": ANOTHER_ID},
                }
            ]
        },
    )

    seq: int = Field(description="strictly increasing; ask for what comes after it")
    type: str
    at: datetime
    generation_id: UUID | None
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


@router.post(
    "/generations", status_code=202, summary="Order a generation", responses={**NOT_FOUND, **CONFLICT, **REFUSED}
)
async def create(body: NewGeneration, owned: Owned, scope: Editing, response: Response) -> GenerationOut:
    # A transaction of its own: the row must be there before the workflow that reads it.
    async with owned.database.session() as session:
        project_id, chapter_id = await target_of(session, scope, body)
        project = await rows.get(session, scope, Project, project_id)
        options = chosen(body.options, project, owned.settings)
        if body.kind != GenerationKind.EXPORT:
            Prices.of(owned.settings).require(options)
        if chapter_id is not None:
            options = _as_scripted(options, await rows.get(session, scope, Chapter, chapter_id))
        generation = await generations.request(
            session,
            project_id=project_id,
            chapter_id=chapter_id,
            kind=body.kind,
            options=options,
            target_ids=body.target_ids,
            budget_usd=body.budget_usd,
            external_id=body.external_id,
            labels=body.metadata,
            requested_by=scope.actor,
        )
        await session.refresh(generation)
        out = await _out(session, generation)
    await _start(owned, generation)
    response.headers["Location"] = f"/api/v1/generations/{generation.id}"
    return out


@router.get("/generations", summary="List generations")
async def listing(
    session: Session,
    scope: Scoped,
    project_id: UUID | None = None,
    chapter_id: UUID | None = None,
    status: Annotated[list[GenerationStatus] | None, Query(max_length=10, description="any of these")] = None,
    kind: Annotated[list[GenerationKind] | None, Query(max_length=5, description="any of these")] = None,
    external_id: Annotated[ExternalId | None, Query()] = None,
    facts: Facts = None,
    created_after: Moment = None,
    created_before: Moment = None,
    sort: Literal["created_at", "-created_at"] = "created_at",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listing[GenerationOut]:
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
    found, following = await rows.page(session, scope, Generation, *filters, after=cursor, limit=limit, sort=sort)
    return Listing(items=await _all_out(session, found), next_cursor=following)


@router.get("/generations/{generation_id}", summary="Read a generation and its progress", responses=NOT_FOUND)
async def read(generation_id: UUID, session: Session, scope: Scoped) -> GenerationOut:
    return await _out(session, await rows.get(session, scope, Generation, generation_id))


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


@router.post(
    "/generations/{generation_id}/cancel",
    status_code=202,
    summary="Cancel a generation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def cancel(generation_id: UUID, owned: Owned, scope: Editing) -> GenerationOut:
    """The workflow stops what is in flight, settles its calls and ends as cancelled; what is finished stays."""
    async with owned.database.session() as session:
        generation = await rows.get(session, scope, Generation, generation_id)
        if generation.status in FINAL_STATUSES:
            raise Conflict(f"The generation is {generation.status} already.")
    # No transaction is held while Temporal is asked.
    begun = await _cancelled(owned, generation_id)
    async with owned.database.session() as session:
        if not begun:
            await generations.end(session, generation.project_id, generation_id, GenerationStatus.CANCELLED)
        return await _out(session, await rows.get(session, scope, Generation, generation_id))


@router.post(
    "/generations/{generation_id}/budget",
    summary="Set the budget of a generation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def set_budget(generation_id: UUID, body: NewBudget, owned: Owned, scope: Editing) -> GenerationOut:
    """What waits for money goes on, if this is enough."""
    async with owned.database.session() as session:
        workflows = await holds.raise_budget(session, scope, generation_id, body.budget_usd)
    return await _woken(owned, scope, generation_id, workflows)


@router.post(
    "/generations/{generation_id}/resume",
    summary="Go on with what waits for a decision",
    responses={**NOT_FOUND, **CONFLICT},
)
async def resume(generation_id: UUID, body: Resume, owned: Owned, scope: Editing) -> GenerationOut:
    """Calls whose answer was lost are made again, and may be billed twice; what was refused, too.

    With `skip_refused` what was refused is given up, and nothing is asked again.
    """
    async with owned.database.session() as session:
        workflows = await holds.resume(session, scope, generation_id, skip=body.skip_refused)
    return await _woken(owned, scope, generation_id, workflows)


@router.post(
    "/generations/{generation_id}/retry",
    status_code=202,
    summary="Order again what failed",
    responses={**NOT_FOUND, **CONFLICT},
)
async def retry(generation_id: UUID, owned: Owned, scope: Editing, response: Response) -> GenerationOut:
    """A new generation of the same: what is finished is kept and costs nothing, what failed is tried again."""
    async with owned.database.session() as session:
        before = await rows.get(session, scope, Generation, generation_id)
        if before.status not in FINAL_STATUSES:
            raise Conflict(f"The generation is {before.status}: there is nothing to retry yet.")
        if before.chapter_id is None:
            raise Conflict("The chapter of this generation is gone.")
        generation = await generations.request(
            session,
            project_id=before.project_id,
            chapter_id=before.chapter_id,
            kind=GenerationKind(before.kind),
            options=GenerationOptions.model_validate(before.options),
            target_ids=[UUID(target) for target in before.target_ids],
            retry_of=before.id,
            budget_usd=before.budget_usd,
            external_id=before.external_id,
            labels=before.labels,
            requested_by=scope.actor,
        )
        await session.refresh(generation)
        out = await _out(session, generation)
    await _start(owned, generation)
    response.headers["Location"] = f"/api/v1/generations/{generation.id}"
    return out


def _as_scripted(options: GenerationOptions, chapter: Chapter) -> GenerationOptions:
    """Format and direction that an order does not name are those of the chapter's script, if it has one."""
    told = ("format", "direction")
    found = {name: (chapter.script or {}).get(name) for name in told if name not in options.model_fields_set}
    return options.model_copy(update={name: value for name, value in found.items() if value})


def chosen(options: GenerationOptions, project: Project, settings: Settings) -> GenerationOptions:
    """What an order does not name is as the project says; providers that neither names are those of the settings.

    Raises `NotConfigured` for a provider that cannot be used.
    """
    named = options.model_dump(include=options.model_fields_set)
    providers: dict[str, Any] = {}
    for provider, model in (("llm", "llm_model"), ("images", "image_model")):
        providers |= {provider: getattr(settings, provider), model: getattr(settings, model)}
        for given in (project.options, named):
            # A model goes with its provider: whoever names another provider does not mean the model of before.
            if provider in given:
                providers |= {provider: given[provider], model: ""}
            if model in given:
                providers[model] = given[model]
    found = GenerationOptions.model_validate({**project.options, **named, **providers})
    require_all(found, settings)
    # What nobody named stays open, for the chapter's script to say.
    named_by_all = {*project.options, *named, *providers}
    return GenerationOptions.model_validate(found.model_dump(include=named_by_all))


async def _start(owned: Resources, generation: Generation) -> None:
    """Start the workflow. With Temporal away the order stands, and the sweeper starts it when it is back."""
    with suppress(RPCError, RuntimeError, TimeoutError):
        await asyncio.wait_for(start(owned.temporal, generation), PATIENCE)


async def _woken(owned: Resources, scope: Scope, generation_id: UUID, workflows: Sequence[str]) -> GenerationOut:
    """Wake what a decision was made for, and say how the generation stands."""
    await wake_if_possible(owned.temporal, workflows)
    async with owned.database.session() as session:
        return await _out(session, await rows.get(session, scope, Generation, generation_id))


async def _cancelled(owned: Resources, generation_id: UUID) -> bool:
    """Ask the workflow to cancel; False when there is none to ask."""
    try:
        await asyncio.wait_for(owned.temporal.get_workflow_handle(workflow_id(generation_id)).cancel(), PATIENCE)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return False
    except (RuntimeError, TimeoutError) as error:
        # The first is what the client says when it has never been connected.
        raise TemporalAway(type(error).__name__) from error
    return True


async def target_of(session: AsyncSession, scope: Scope, body: NewGeneration) -> tuple[UUID, UUID]:
    """The project and the chapter that an order concerns."""
    target = body.target_ids[0]
    match body.kind:
        case GenerationKind.CHAPTER | GenerationKind.EXPORT:
            chapter = await rows.get(session, scope, Chapter, target)
        case GenerationKind.SCENE:
            scene = await rows.get(session, scope, Scene, target)
            chapter = await rows.get(session, scope, Chapter, scene.chapter_id)
        case GenerationKind.PANEL:
            panel = await rows.get(session, scope, Panel, target)
            scene = await rows.get(session, scope, Scene, panel.scene_id)
            chapter = await rows.get(session, scope, Chapter, scene.chapter_id)
        case GenerationKind.CHARACTER_SHEET:
            character = await rows.get(session, scope, Character, target)
            if body.chapter_id is None:
                raise BadInput("A character sheet needs chapter_id: the chapter it is made for.")
            chapter = await rows.get(session, scope, Chapter, body.chapter_id)
            if chapter.project_id != character.project_id:
                raise BadInput("The character and the chapter belong to different projects.")
    return chapter.project_id, chapter.id


async def _out(session: AsyncSession, generation: Generation) -> GenerationOut:
    return (await _all_out(session, [generation]))[0]


async def _all_out(session: AsyncSession, found: Sequence[Generation]) -> list[GenerationOut]:
    """With what each asked for and waits for, in one statement each for all of them."""
    ids = [generation.id for generation in found]
    calls = await tallies.calls_of(session, ids)
    waiting: dict[UUID, list[HoldOut]] = {one: [] for one in ids}
    for hold in await holds.waiting_of(session, ids):
        waiting[hold.generation_id].append(HoldOut.model_validate(hold))
    out = []
    for one in found:
        values, sent = SQLModel.model_dump(one), calls.get(one.id, tallies.NOTHING)
        values |= {"metadata": one.labels, "cost_usd": sent.cost_usd, "waiting": waiting[one.id]}
        values["calls"] = CallCounts(llm=sent.llm, image=sent.image, cached=one.cached_calls, unknown=sent.unknown)
        out.append(GenerationOut(**{name: values[name] for name in GenerationOut.model_fields}))
    return out
