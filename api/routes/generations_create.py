"""Requests for generations, new ones and retries. The row is written first; the workflow starts after that."""

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import APIRouter

from api.generation_requests import Requesting
from api.http.schemas import CONFLICT, NOT_FOUND
from api.shapes.generations import REFUSED, GenerationOut, NewGeneration
from engine.errors import BadInput
from engine.freshness.remaining import work_left
from engine.money.prices import Prices
from engine.orders import languages
from engine.orders.resolve import named, resolve
from engine.orders.targets import aim
from engine.store import generations, retries, rows
from models.options import GenerationKind
from models.tables import Generation

router = APIRouter(tags=["generations"])


@router.post(
    "/generations", status_code=202, summary="Request a generation", responses={**NOT_FOUND, **CONFLICT, **REFUSED}
)
async def create(
    body: NewGeneration,
    request: Requesting,
) -> GenerationOut:
    """A repetition with the same `Idempotency-Key` within a day gets the first answer and starts nothing."""
    # A transaction of its own: the row must exist before the workflow that reads it.
    owned, scope = request.owned, request.scope
    async with owned.database.session() as session:
        asked = body.model_dump(mode="json", exclude_unset=True)
        target = partial(aim, session, scope, body.kind, body.target_ids, sheet_for=body.chapter_id)
        if earlier := await request.earlier(session, "generations", asked, target):
            return earlier
        project, chapter = await target()
        script = chapter.script if chapter is not None else None
        options = resolve(_named(body), owned.settings, project=project.options, script=script)
        if body.kind != GenerationKind.EXPORT:
            Prices.of(owned.settings).require(options)
        await languages.require(session, project.id, body.kind, options)
        if chapter is not None and body.kind == GenerationKind.CHAPTER:
            # This transaction goes on: it holds the key of the request, and no other row.
            left = partial(owned.computed.about, request.http, session, chapter, work_left, release=False)
            await languages.require_translator(chapter, options, left)
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
        out = await request.accept(session, generation)
    request.start(generation)
    return out


@router.post(
    "/generations/{generation_id}/retry",
    status_code=202,
    summary="Retry a generation's failed parts",
    responses={**NOT_FOUND, **CONFLICT},
)
async def retry(
    generation_id: UUID,
    request: Requesting,
) -> GenerationOut:
    """Starts a new generation of the same target: finished parts are kept and cost nothing, failed parts are tried
    again.

    Refused for a completed generation, in which nothing failed.
    """
    async with request.owned.database.session() as session:
        target = partial(rows.get, session, request.scope, Generation, generation_id)
        if earlier := await request.earlier(session, f"{generation_id}/retry", {}, target):
            return earlier
        generation = await retries.retry(session, await target(), request.scope.actor)
        out = await request.accept(session, generation)
    request.start(generation)
    return out


def _named(body: NewGeneration) -> dict[str, Any]:
    """The options that a request names. Raises `BadInput` for formats in a request that exports nothing."""
    options = named(body.options)
    if body.formats is None:
        return options
    if body.kind != GenerationKind.EXPORT:
        raise BadInput("`formats` belongs to exports. For a chapter, name them in options.export.formats.")
    return options | {"export": {**options.get("export", {}), "formats": body.formats}}
