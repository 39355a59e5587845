"""Orders: make something, or make again what failed. The row is written first; the workflow is started after."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.service import RPCError

from api.http.deps import Editing, Owned, Resources
from api.http.money import Usd
from api.http.params import ExternalId, Metadata
from api.http.schemas import AN_ID, CONFLICT, NOT_FOUND, refusal
from api.routes.generations import GenerationOut, told
from engine.errors import BadInput, Conflict
from engine.money.prices import Prices
from engine.orders import languages
from engine.orders.resolve import named, resolve
from engine.orders.targets import aim
from engine.store import generations, idempotency, redraws, rows
from engine.store.scope import Scope
from models.exports import ExportFormat
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions, GenerationStatus
from models.tables import Generation, IdempotentRequest
from workflows.starting import PATIENCE, start

router = APIRouter(tags=["generations"])

IdempotencyKey = Annotated[
    str | None,
    Header(pattern=r"^[!-~]{1,255}$", description="a new key for every request; the same key when you repeat it"),
]

REFUSED = refusal(
    422,
    "not-configured",
    "Something in the order cannot be done; `detail` says what.",
    "There is no writer called 'crayon' in this version. Choose one of: offline, openai, anthropic, ollama.",
)


class NewGeneration(BaseModel):
    """A request for a generation. `target_ids` names one chapter, scene or character, as `kind` says, or panels of one
    chapter. An export names a chapter, or a project for one file over all its chapters with their current pages.

    Parts that are not stale are kept: a generation of a chapter brings it up to date.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "chapter", "target_ids": [AN_ID], "options": {"drafts": 2}}]},
    )

    kind: GenerationKind
    target_ids: list[UUID] = Field(min_length=1, max_length=500, description="one; or several panels")
    chapter_id: UUID | None = Field(default=None, description="for a character sheet: the chapter it is made for")
    options: GenerationOptions = Field(default_factory=GenerationOptions)
    formats: list[ExportFormat] | None = Field(
        default=None, min_length=1, max_length=len(ExportFormat), description="for an export: `options.export.formats`"
    )
    budget_usd: Usd | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}


@router.post(
    "/generations", status_code=202, summary="Request a generation", responses={**NOT_FOUND, **CONFLICT, **REFUSED}
)
async def create(
    body: NewGeneration,
    owned: Owned,
    scope: Editing,
    response: Response,
    background: BackgroundTasks,
    idempotency_key: IdempotencyKey = None,
) -> GenerationOut:
    """A repetition with the same `Idempotency-Key` within a day gets the first answer and starts nothing."""
    # A transaction of its own: the row must be there before the workflow that reads it.
    async with owned.database.session() as session:
        asked = body.model_dump(mode="json", exclude_unset=True)
        if before := await answered(session, scope, idempotency_key, "generations", asked):
            return again(response, before)
        project, chapter = await aim(session, scope, body.kind, body.target_ids, sheet_for=body.chapter_id)
        script = chapter.script if chapter is not None else None
        options = resolve(_named(body), owned.settings, project=project.options, script=script)
        if body.kind != GenerationKind.EXPORT:
            Prices.of(owned.settings).require(options)
        await languages.require(session, project.id, body.kind, options)
        if chapter is not None and body.kind == GenerationKind.CHAPTER:
            await languages.require_translator(session, chapter, options)
        generation = await generations.request(
            session,
            project_id=project.id,
            chapter_id=chapter.id if chapter else None,
            kind=body.kind,
            options=options,
            target_ids=body.target_ids,
            budget_usd=body.budget_usd,
            external_id=body.external_id,
            labels=body.metadata,
            requested_by=scope.actor,
        )
        out = await written(session, scope, idempotency_key, generation)
    background.add_task(begin, owned, generation)
    response.headers["Location"] = location(out)
    return out


@router.post(
    "/generations/{generation_id}/retry",
    status_code=202,
    summary="Retry a generation's failed parts",
    responses={**NOT_FOUND, **CONFLICT},
)
async def retry(
    generation_id: UUID,
    owned: Owned,
    scope: Editing,
    response: Response,
    background: BackgroundTasks,
    idempotency_key: IdempotencyKey = None,
) -> GenerationOut:
    """Starts a new generation of the same target: finished parts are kept and cost nothing, failed parts are tried
    again.

    Refused for a completed generation, in which nothing failed.
    """
    async with owned.database.session() as session:
        if before := await answered(session, scope, idempotency_key, f"{generation_id}/retry", {}):
            return again(response, before)
        last = await rows.get(session, scope, Generation, generation_id)
        if last.status not in FINAL_STATUSES:
            raise Conflict(f"The generation is {last.status}: there is nothing to retry yet.")
        if last.status == GenerationStatus.COMPLETED:
            raise Conflict(
                "Nothing in this generation failed. To make something again, change it and request a new "
                "generation with POST /api/v1/generations: unchanged parts are kept and cost nothing."
            )
        if last.chapter_id is None and last.kind != GenerationKind.EXPORT:
            raise Conflict("The chapter of this generation was deleted.")
        generation = await generations.request(
            session,
            project_id=last.project_id,
            chapter_id=last.chapter_id,
            kind=last.kind,
            options=last.options,
            target_ids=[UUID(target) for target in last.target_ids],
            retry_of=last.id,
            budget_usd=last.budget_usd,
            external_id=last.external_id,
            labels=last.labels,
            requested_by=scope.actor,
        )
        await redraws.again(session, last, generation)
        out = await written(session, scope, idempotency_key, generation)
    background.add_task(begin, owned, generation)
    response.headers["Location"] = location(out)
    return out


async def answered(
    session: AsyncSession, scope: Scope, key: str | None, path: str, body: dict[str, Any]
) -> IdempotentRequest | None:
    """How the same request was answered before; whoever comes at the same time waits for that."""
    return None if key is None else await idempotency.claim(session, scope.actor, key, "POST", path, body)


async def written(session: AsyncSession, scope: Scope, key: str | None, generation: Generation) -> GenerationOut:
    """The answer to an order, kept in the transaction of the order: neither is there without the other."""
    await session.refresh(generation)
    out = await told(session, generation)
    if key is not None:
        await idempotency.keep(session, scope.actor, key, 202, out.model_dump(mode="json"), location(out))
    return out


def again(response: Response, earlier: IdempotentRequest) -> GenerationOut:
    out = GenerationOut.model_validate(earlier.answer)
    response.headers["Location"] = location(out)
    response.headers["Idempotency-Replayed"] = "true"
    return out


def location(out: GenerationOut) -> str:
    return f"/api/v1/generations/{out.id}"


async def begin(owned: Resources, generation: Generation) -> None:
    """Start the workflow, once the order is answered: it stands, and if this fails the sweeper starts it."""
    with suppress(RPCError, RuntimeError, TimeoutError):
        await asyncio.wait_for(start(owned.temporal, generation), PATIENCE)


def _named(body: NewGeneration) -> dict[str, Any]:
    """The options that a request names. Raises `BadInput` for formats where nothing is exported."""
    options = named(body.options)
    if body.formats is None:
        return options
    if body.kind != GenerationKind.EXPORT:
        raise BadInput("`formats` belongs to exports. For a chapter, name them in options.export.formats.")
    return options | {"export": {**options.get("export", {}), "formats": body.formats}}
