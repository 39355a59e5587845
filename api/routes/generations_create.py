"""Orders: make something, or make again what failed. The row is written first; the workflow is started after."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.service import RPCError

from api.http.deps import Editing, Owned, Resources
from api.http.money import Usd
from api.http.params import ExternalId, Metadata
from api.http.schemas import AN_ID, CONFLICT, NOT_FOUND, refusal
from api.routes.generations import GenerationOut, told
from engine.errors import BadInput, Conflict, NotConfigured, NotFound
from engine.money.prices import Prices
from engine.orders import languages
from engine.providers.registry import require_all
from engine.settings import Settings
from engine.store import generations, idempotency, redraws
from engine.store import scope as rows
from engine.store.scope import Scope
from models.exports import ExportFormat
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions, GenerationStatus
from models.tables import Chapter, Character, Generation, IdempotentRequest, Panel, Project, Scene
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
        project, chapter = await _aim(session, scope, body)
        options = _with_formats(chosen(body.options, project, owned.settings), body)
        if body.kind != GenerationKind.EXPORT:
            Prices.of(owned.settings).require(options)
        if chapter is not None:
            options = _as_scripted(options, chapter)
        await languages.require(session, project.id, body.kind, options)
        if chapter is not None and body.kind == GenerationKind.CHAPTER:
            await _translatable(session, chapter, options)
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
            kind=GenerationKind(last.kind),
            options=GenerationOptions.model_validate(last.options),
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


def again(response: Response, answered: IdempotentRequest) -> GenerationOut:
    out = GenerationOut.model_validate(answered.answer)
    response.headers["Location"] = location(out)
    response.headers["Idempotency-Replayed"] = "true"
    return out


def location(out: GenerationOut) -> str:
    return f"/api/v1/generations/{out.id}"


def _as_scripted(options: GenerationOptions, chapter: Chapter) -> GenerationOptions:
    """What an order does not name of how a story is read is as the chapter's script says, if it has one."""
    told = ("format", "page_size", "direction", "language")
    found = {name: (chapter.script or {}).get(name) for name in told if name not in options.model_fields_set}
    return options.model_copy(update={name: value for name, value in found.items() if value})


def chosen(options: GenerationOptions, project: Project, settings: Settings) -> GenerationOptions:
    """What an order does not name is as the project says; providers that neither names are those of the settings.

    Raises `NotConfigured` for a provider that cannot be used.
    """
    named = options.model_dump(include=options.model_fields_set)
    if "export" in named:
        # Part by part: who names a format does not mean that nobody is credited.
        told = options.export.model_dump(include=options.export.model_fields_set)
        named["export"] = {**project.options.get("export", {}), **told}
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


async def _translatable(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> None:
    """Raise `NotConfigured` where something would have to be translated by a writer that cannot."""
    left = await languages.lacking(session, chapter, options)
    if left:
        raise NotConfigured(
            f"{options.writers('Translate')[0].provider!r} cannot translate, and there are words that are not in"
            f" {' and '.join(left)} yet, or are about to be others. Name a writer that can in options.llm or for the"
            f' task alone, {{"llm_tasks": {{"Translate": …}}}}; or make the chapter without translations, bring a'
            f" translator's file with PUT /api/v1/chapters/{chapter.id}/translations/{left[0]}, and order again."
        )


async def begin(owned: Resources, generation: Generation) -> None:
    """Start the workflow, once the order is answered: it stands, and if this fails the sweeper starts it."""
    with suppress(RPCError, RuntimeError, TimeoutError):
        await asyncio.wait_for(start(owned.temporal, generation), PATIENCE)


def _with_formats(options: GenerationOptions, body: NewGeneration) -> GenerationOptions:
    """The formats that an export names beside its options. Raises `BadInput` where nothing is exported."""
    if body.formats is None:
        return options
    if body.kind != GenerationKind.EXPORT:
        raise BadInput("Only an export takes `formats`; for a chapter, use options.export.formats.")
    # With what was given, and no more: what nobody named stays open.
    named = options.model_dump(include=options.model_fields_set)
    named["export"] = {**named.get("export", {}), "formats": body.formats}
    return GenerationOptions.model_validate(named)


async def _aim(session: AsyncSession, scope: Scope, body: NewGeneration) -> tuple[Project, Chapter | None]:
    """The project and the chapter that an order concerns; no chapter where it concerns all of them."""
    if body.kind == GenerationKind.EXPORT and len(body.target_ids) == 1:
        with suppress(NotFound):
            return await rows.get(session, scope, Project, body.target_ids[0]), None
    chapter = await target_of(session, scope, body)
    return await rows.get(session, scope, Project, chapter.project_id), chapter


async def target_of(session: AsyncSession, scope: Scope, body: NewGeneration) -> Chapter:
    """The chapter that an order concerns."""
    target = body.target_ids[0]
    if len(body.target_ids) > 1 and body.kind != GenerationKind.PANEL:
        raise BadInput(f"A generation of kind {body.kind} has one target; request one for each of the others.")
    if len(set(body.target_ids)) < len(body.target_ids):
        raise BadInput("A panel is named twice.")
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
            await _all_in(session, chapter, body.target_ids)
        case GenerationKind.CHARACTER_SHEET:
            character = await rows.get(session, scope, Character, target)
            if body.chapter_id is None:
                raise BadInput("A character sheet needs chapter_id: the chapter it is made for.")
            chapter = await rows.get(session, scope, Chapter, body.chapter_id)
            if chapter.project_id != character.project_id:
                raise BadInput("The character and the chapter belong to different projects.")
    return chapter


async def _all_in(session: AsyncSession, chapter: Chapter, panels: list[UUID]) -> None:
    """Raise `NotFound` for a panel of another chapter, which may be somebody else's."""
    query = (
        select(Panel.id)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .where(Scene.chapter_id == chapter.id, col(Panel.id).in_(panels))
    )
    there = set((await session.exec(query)).all())
    for panel_id in panels:
        if panel_id not in there:
            raise rows.missing(Panel, panel_id)
