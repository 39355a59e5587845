"""Decisions about an open batch. Each is a transaction; then its workflow is woken, if there is one."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.deps import Editing, Owned, Resources
from api.http.money import Usd
from api.http.schemas import CONFLICT, NOT_FOUND
from api.shapes.batches import BatchOut, batch_out
from engine.batches.standing import standing_of
from engine.store import batches, rows
from engine.store.scope import Scope
from models.batches import MAX_AT_A_TIME
from models.ids import batch_workflow_id
from models.numbers import Whole
from models.tables import Batch
from workflows.starting import start_batch_if_possible, wake_if_possible

router = APIRouter(tags=["batches"])
_RESPONSES = {**NOT_FOUND, **CONFLICT}


class BatchBudget(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"budget_usd": "80.000000"}]})

    budget_usd: Usd | None = Field(description="null removes it")


class BatchPriority(BaseModel):
    """How urgent a batch is, and how wide. Both count for the items that start from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"priority": 2, "at_a_time": 8}]})

    priority: Whole | None = Field(default=None, ge=1, le=5, description="1 interactive … 5 batch")
    at_a_time: Whole | None = Field(default=None, ge=1, le=MAX_AT_A_TIME, description="items that run side by side")

    @model_validator(mode="after")
    def some(self) -> "BatchPriority":
        if self.priority is None and self.at_a_time is None:
            raise ValueError("name priority, at_a_time, or both")
        return self


@router.post("/batches/{batch_id}/pause", summary="Pause a batch", responses=_RESPONSES)
async def pause(batch_id: UUID, owned: Owned, scope: Editing) -> BatchOut:
    """No further item is started until you resume it, days later if need be. Items at work go on to their end."""
    async with owned.database.session() as session:
        await batches.pause(session, scope, batch_id)
    return await _woken(owned, scope, batch_id)


@router.post("/batches/{batch_id}/resume", summary="Resume a batch", responses=_RESPONSES)
async def resume(batch_id: UUID, owned: Owned, scope: Editing) -> BatchOut:
    async with owned.database.session() as session:
        await batches.resume(session, scope, batch_id)
    return await _woken(owned, scope, batch_id)


@router.post("/batches/{batch_id}/cancel", status_code=202, summary="Cancel a batch", responses=_RESPONSES)
async def cancel(batch_id: UUID, owned: Owned, scope: Editing) -> BatchOut:
    """No further item is started, and items at work are cancelled: their calls in flight are awaited and stored.
    Finished items stay.
    """
    async with owned.database.session() as session:
        await batches.cancel(session, scope, batch_id)
    return await _woken(owned, scope, batch_id)


@router.post("/batches/{batch_id}/retry", status_code=202, summary="Retry a batch's failed items", responses=_RESPONSES)
async def retry(batch_id: UUID, owned: Owned, scope: Editing) -> BatchOut:
    """Failed and cancelled items are tried again; their finished parts are kept and cost nothing. A batch that has
    ended is open again.
    """
    async with owned.database.session() as session:
        await batches.retry(session, scope, batch_id)
    return await _woken(owned, scope, batch_id)


@router.post("/batches/{batch_id}/budget", summary="Set the budget of a batch", responses=_RESPONSES)
async def set_budget(batch_id: UUID, body: BatchBudget, owned: Owned, scope: Editing) -> BatchOut:
    """Items that wait for budget go on if this is enough, and further ones are started."""
    async with owned.database.session() as session:
        _, woken = await batches.set_budget(session, scope, batch_id, body.budget_usd)
    return await _woken(owned, scope, batch_id, woken)


@router.post("/batches/{batch_id}/priority", summary="Set the priority and the width of a batch", responses=_RESPONSES)
async def set_priority(batch_id: UUID, body: BatchPriority, owned: Owned, scope: Editing) -> BatchOut:
    async with owned.database.session() as session:
        await batches.change(session, scope, batch_id, **body.model_dump(exclude_none=True))
    return await _woken(owned, scope, batch_id)


async def _woken(owned: Resources, scope: Scope, batch_id: UUID, workflows: Sequence[str] = ()) -> BatchOut:
    """The batch after a decision; its workflow is started if it is gone, and woken."""
    async with owned.database.session() as session:
        batch = await rows.get(session, scope, Batch, batch_id)
        out = batch_out(await standing_of(session, batch))
    await start_batch_if_possible(owned.temporal, batch)
    await wake_if_possible(owned.temporal, [*workflows, batch_workflow_id(batch_id)])
    return out
