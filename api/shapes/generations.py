"""A generation as the API shows it, and the request for one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.money import Usd
from api.http.params import ExternalId, Labels, Metadata
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, refusal
from engine.store import delays, holds, tallies
from engine.store.failed import problems_of
from models.exports import ExportFormat
from models.options import DelayReason, GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.tables import Generation, Hold
from workflows.dispatch.queues import WORKFLOWS


class WaitingOut(BaseModel):
    """A part that waits: for a person's decision, or for something that ends by itself or by an operator."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reason": "provider_down",
                    "purpose": "draw_panel",
                    "target_id": AN_ID,
                    "message": "local answered 500.",
                    "created_at": A_MOMENT,
                    "since": A_MOMENT,
                    "next_try": A_MOMENT,
                    "said": "CUDA out of memory",
                    "needs_decision": False,
                }
            ]
        },
    )

    reason: HoldReason | DelayReason
    purpose: str
    target_id: UUID
    message: str
    created_at: datetime = Field(description="the same as `since`")
    since: datetime
    next_try: datetime | None = Field(description="when it is tried again; null: when something else happens")
    said: str = Field(description="the provider's own words, with keys masked")
    needs_decision: bool = Field(description="whether a person has to decide; otherwise it goes on by itself")

    @classmethod
    def held(cls, hold: Hold) -> "WaitingOut":
        return cls._of(hold, since=hold.created_at, next_try=None, said="", needs_decision=True)

    @classmethod
    def delayed(cls, delay: delays.Listed) -> "WaitingOut":
        facts = {"since": delay.since, "next_try": delay.next_try, "said": delay.said}
        return cls._of(delay, needs_decision=False, **facts)

    @classmethod
    def unserved(cls, target_id: UUID, since: datetime) -> "WaitingOut":
        """No worker carries out workflows. The sweeper, which reports other queues, runs in that same worker."""
        return cls(
            reason=DelayReason.NO_WORKER,
            purpose=WORKFLOWS,
            target_id=target_id,
            message=(
                f"No worker serves the queue {WORKFLOWS}, so nothing goes on."
                " Start one (`python -m inkloom worker`), or look why it does not run."
            ),
            created_at=since,
            since=since,
            next_try=None,
            said="",
            needs_decision=False,
        )

    @classmethod
    def _of(cls, one: Hold | delays.Listed, **facts: Any) -> "WaitingOut":
        shared = {name: getattr(one, name) for name in ("reason", "purpose", "target_id", "message")}
        return cls(**shared, **facts, created_at=facts["since"])


class ProblemOut(BaseModel):
    """A part that failed for good, why, and what to do about it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "part": "scene 1, panel 2",
                    "target_id": AN_ID,
                    "kind": "ProviderRejected",
                    "reason": "openai answered 404: it does not have this model. openai said: model 'nope' not found",
                    "what_to_do": "Choose another model or provider, or change what the provider complains about.",
                    "call_id": ANOTHER_ID,
                }
            ]
        },
    )

    part: str
    target_id: UUID = Field(description="the scene, panel or character; the generation itself if it failed as a whole")
    kind: str = Field(description="the class of the error; empty if the workflow was lost")
    reason: str = Field(description="includes the provider's own words, or what the check said about the last answer")
    what_to_do: str
    call_id: UUID | None = Field(description="the call that says more: `GET …/calls/{call_id}`")


class CallCounts(BaseModel):
    """Calls sent to a provider. `unknown` calls may have been billed without an answer."""

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
                    "batch_id": AN_ID,
                    "calls": {"llm": 7, "image": 2, "cached": 0, "unknown": 0},
                    "cost_usd": "0.000000",
                    "unknown_usd": "0.000000",
                    "cancel_requested_at": A_MOMENT,
                    "waiting": [],
                    "errors": [],
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
    requested_by: UUID | None = Field(description="the account that requested it; null if it was deleted")
    batch_id: UUID | None = Field(description="the batch that it is an item of")
    calls: CallCounts
    cost_usd: Decimal
    unknown_usd: Decimal = Field(description="the most that calls with lost answers may have cost in addition")
    cancel_requested_at: datetime | None = Field(
        description="when it was cancelled; it ends once the calls in flight are answered"
    )
    waiting: list[WaitingOut] = Field(
        description="the parts that wait for a person, the oldest first, then those that wait for something else"
    )
    errors: list[ProblemOut] = Field(description="the parts that failed for good, the oldest first")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version: int


async def generation_out(session: AsyncSession, generation: Generation) -> GenerationOut:
    """A generation with its calls and what it waits for."""
    return (await generation_outs(session, [generation]))[0]


async def generation_outs(session: AsyncSession, found: Sequence[Generation]) -> list[GenerationOut]:
    """With the calls and holds of each, in one statement for all of them."""
    ids = [generation.id for generation in found]
    calls = await tallies.calls_of(session, ids)
    waiting: dict[UUID, list[WaitingOut]] = {one: [] for one in ids}
    for hold in await holds.waiting_of(session, ids):
        waiting[hold.generation_id].append(WaitingOut.held(hold))
    for delay in await delays.waiting_of(session, ids):
        waiting[delay.generation_id].append(WaitingOut.delayed(delay))
    problems = await problems_of(session, ids)
    out = []
    for one in found:
        values, sent = SQLModel.model_dump(one), calls.get(one.id, tallies.NOTHING)
        values |= {"metadata": one.labels, "waiting": waiting[one.id]}
        values["errors"] = [ProblemOut.model_validate(problem) for problem in problems[one.id]]
        values |= {"cost_usd": sent.cost_usd, "unknown_usd": sent.unknown_usd}
        values["calls"] = CallCounts(llm=sent.llm, image=sent.image, cached=one.cached_calls, unknown=sent.unknown)
        out.append(GenerationOut(**{name: values[name] for name in GenerationOut.model_fields}))
    return out


REFUSED = refusal(
    422,
    "not-configured",
    "Something in the request cannot be done; `detail` says what.",
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
