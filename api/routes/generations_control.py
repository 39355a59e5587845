"""Decisions about a running or waiting generation. Each is a transaction; then waiting workflows are woken."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from temporalio.service import RPCError, RPCStatusCode

from api.http.deps import Editing, Owned, Resources
from api.http.money import Usd
from api.http.problems import TemporalAway
from api.http.schemas import CONFLICT, NOT_FOUND
from api.shapes.generations import GenerationOut, generation_out
from engine.errors import Conflict
from engine.store import generations, holds, reviews, rows
from engine.store.scope import Scope
from models.ids import generation_workflow_id
from models.options import FINAL_STATUSES, GenerationStatus, Stage
from models.tables import Chapter, Generation
from workflows.starting import PATIENCE, wake_if_possible

router = APIRouter(tags=["generations"])


class NewBudget(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"budget_usd": "10"}]})

    budget_usd: Usd


class Resume(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"what": "waiting", "skip_refused": False}]}
    )

    what: holds.Meant | None = Field(
        default=None,
        description=(
            "`paused`: continue after a pause, and nothing else; repeating it changes nothing. `waiting`: "
            "resume parts that wait for a decision, paused or not. null: `paused` if it is paused, otherwise "
            "`waiting`"
        ),
    )
    skip_refused: StrictBool = Field(default=False, description="skip refused parts instead of retrying them")

    @model_validator(mode="after")
    def one_decision(self) -> "Resume":
        if self.skip_refused and self.what == "paused":
            raise ValueError("skip_refused applies to `waiting`, not to `paused`")
        return self


class Approval(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"stage": "outline"}]})

    stage: Stage | None = Field(default=None, description="null: whichever stage is waiting")


@router.post(
    "/generations/{generation_id}/cancel",
    status_code=202,
    summary="Cancel a generation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def cancel(generation_id: UUID, owned: Owned, scope: Editing) -> GenerationOut:
    """No further call is made. Calls in flight may be paid for: their answers are awaited and stored, which takes as
    long as the provider does, and then the generation ends as cancelled. Until then `cancel_requested_at` says that it
    will. Finished parts stay.
    """
    async with owned.database.session() as session:
        generation = await rows.get(session, scope, Generation, generation_id)
        if generation.status in FINAL_STATUSES:
            raise Conflict(f"The generation is already {generation.status}.")
    # Holds no transaction while it asks Temporal.
    begun = await _cancelled(owned, generation_id)
    async with owned.database.session() as session:
        if begun:
            await generations.cancelling(session, generation.project_id, generation_id)
        else:
            await generations.end(session, generation.project_id, generation_id, GenerationStatus.CANCELLED)
        return await generation_out(session, await rows.get(session, scope, Generation, generation_id))


@router.post(
    "/generations/{generation_id}/budget",
    summary="Set the budget of a generation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def set_budget(generation_id: UUID, body: NewBudget, owned: Owned, scope: Editing) -> GenerationOut:
    """Parts that wait for budget continue if this is enough."""
    async with owned.database.session() as session:
        workflows = await holds.raise_budget(session, scope, generation_id, body.budget_usd)
    return await _woken(owned, scope, generation_id, workflows)


@router.post(
    "/generations/{generation_id}/pause",
    summary="Pause a generation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def pause(generation_id: UUID, owned: Owned, scope: Editing) -> GenerationOut:
    """Calls in flight are still answered and stored; no other is made until you resume. A pause may last for days."""
    async with owned.database.session() as session:
        await holds.pause(session, scope, generation_id)
        return await generation_out(session, await rows.get(session, scope, Generation, generation_id))


@router.post(
    "/generations/{generation_id}/resume",
    summary="Resume a generation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def resume(generation_id: UUID, owned: Owned, scope: Editing, body: Resume | None = None) -> GenerationOut:
    """Continues a paused generation. If it is not paused, resumes the parts that wait for a decision:

    Calls whose answer was lost are made again, and may be billed twice; refused calls are, too. Say in `what` which you
    mean, so that a repeated request does not decide about both.

    With `skip_refused`, refused parts are skipped, and no call is repeated.
    """
    body = body or Resume()
    async with owned.database.session() as session:
        workflows = await holds.resume(session, scope, generation_id, skip=body.skip_refused, meant=body.what)
    return await _woken(owned, scope, generation_id, workflows)


@router.post(
    "/chapters/{chapter_id}/approve",
    summary="Approve a chapter's pending review",
    responses={**NOT_FOUND, **CONFLICT},
)
async def approve(chapter_id: UUID, owned: Owned, scope: Editing, body: Approval | None = None) -> GenerationOut:
    """Approves the outline, the reference sheets, the drafts or the pages, and continues the generation.

    If drafts wait to be selected, each panel shows the one with the best scores.
    """
    async with owned.database.session() as session:
        chapter = await rows.get(session, scope, Chapter, chapter_id)
        workflows = await reviews.approve(session, scope, chapter_id, body.stage if body else None)
        generation = await generations.open_generation(session, chapter.project_id, chapter_id)
        if generation is None:
            raise Conflict("The generation has ended in the meantime.")
        generation_id = generation.id
    return await _woken(owned, scope, generation_id, workflows)


async def _woken(owned: Resources, scope: Scope, generation_id: UUID, workflows: Sequence[str]) -> GenerationOut:
    """Wake the workflows that waited for a decision, and return the generation."""
    await wake_if_possible(owned.temporal, workflows)
    async with owned.database.session() as session:
        return await generation_out(session, await rows.get(session, scope, Generation, generation_id))


async def _cancelled(owned: Resources, generation_id: UUID) -> bool:
    """Ask the workflow to cancel; False if there is no workflow."""
    try:
        await asyncio.wait_for(
            owned.temporal.get_workflow_handle(generation_workflow_id(generation_id)).cancel(), PATIENCE
        )
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return False
    except (RuntimeError, TimeoutError) as error:
        # The first is what the client raises if it has never been connected.
        raise TemporalAway(type(error).__name__) from error
    return True
