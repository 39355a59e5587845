"""Requests for generations and batches: carried out once for each `Idempotency-Key`; the workflow starts after the
answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from fastapi import BackgroundTasks, Depends, Header, Request, Response
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Editing, Owned
from api.shapes.batches import BatchOut, batch_out
from api.shapes.generations import GenerationOut, generation_out
from engine.batches.standing import standing_of
from engine.errors import Forbidden, NotFound
from engine.store import idempotency, rows
from models.tables import Batch, Generation, Project
from workflows.starting import start_batch_if_possible, start_if_possible

IdempotencyKey = Annotated[
    str | None,
    Header(pattern=r"^[!-~]{1,255}$", description="a new key for every request; the same key when you repeat it"),
]


OutT = TypeVar("OutT", bound=BaseModel)


@dataclass(frozen=True)
class Requested(Generic[OutT]):
    """What a route that creates something with a workflow is given. `OutT` is its answer."""

    http: Request
    owned: Owned
    scope: Editing
    response: Response
    background: BackgroundTasks
    idempotency_key: IdempotencyKey = None

    # The shape of the answer.
    shape: ClassVar[type[BaseModel]]

    async def mine(self, session: AsyncSession, out: OutT) -> None:
        """Raise `NotFound` or `Forbidden` for an answer that is no longer the caller's."""
        raise NotImplementedError

    def location(self, out: OutT) -> str:
        """Where it can be read."""
        raise NotImplementedError

    async def earlier(
        self, session: AsyncSession, path: str, body: dict[str, Any], target: Callable[[], Awaitable[object]]
    ) -> OutT | None:
        """The first answer to the same request, if there is one. A repetition that comes meanwhile waits for it.

        `target` reads what the request is for, and raises for callers without rights to it: a key opens nothing, so
        they are refused as they are without one. Raises `Mismatch` if the key was used for another request.
        """
        if self.idempotency_key is None:
            return None
        try:
            answered = await idempotency.claim(session, self.scope.actor, self.idempotency_key, "POST", path, body)
        except idempotency.Mismatch:
            await target()
            raise
        if answered is None:
            return None
        out = cast(OutT, self.shape.model_validate(answered.answer))
        try:
            await self.mine(session, out)
        except (NotFound, Forbidden):
            await target()
            raise
        self.response.headers["Location"] = self.location(out)
        self.response.headers["Idempotency-Replayed"] = "true"
        return out

    async def keep(self, session: AsyncSession, out: OutT) -> OutT:
        """Store the answer in the transaction that creates what it is about: neither exists without the other."""
        if self.idempotency_key is not None:
            answer = out.model_dump(mode="json")
            await idempotency.keep(session, self.scope.actor, self.idempotency_key, 202, answer, self.location(out))
        self.response.headers["Location"] = self.location(out)
        return out


@dataclass(frozen=True)
class GenerationRequest(Requested[GenerationOut]):
    shape = GenerationOut

    async def mine(self, session: AsyncSession, out: GenerationOut) -> None:
        # The project, not the target: a target that was deleted since does not take the answer from its owner.
        await rows.get(session, self.scope, Project, out.project_id)

    def location(self, out: GenerationOut) -> str:
        return f"/api/v1/generations/{out.id}"

    async def accept(self, session: AsyncSession, generation: Generation) -> GenerationOut:
        """The answer, stored with the generation."""
        await session.refresh(generation)
        return await self.keep(session, await generation_out(session, generation))

    def start(self, generation: Generation) -> None:
        """Start the workflow after the answer is sent. If that fails, the sweeper starts it."""
        self.background.add_task(start_if_possible, self.owned.database, self.owned.temporal, generation)


@dataclass(frozen=True)
class BatchRequest(Requested[BatchOut]):
    shape = BatchOut

    async def mine(self, session: AsyncSession, out: BatchOut) -> None:
        await rows.get(session, self.scope, Batch, out.id)

    def location(self, out: BatchOut) -> str:
        return f"/api/v1/batches/{out.id}"

    async def accept(self, session: AsyncSession, batch: Batch) -> BatchOut:
        """The answer, stored with the batch."""
        await session.refresh(batch)
        return await self.keep(session, batch_out(await standing_of(session, batch)))

    def start(self, batch: Batch) -> None:
        """The same for a batch."""
        self.background.add_task(start_batch_if_possible, self.owned.temporal, batch)


Requesting = Annotated[GenerationRequest, Depends()]
RequestingBatch = Annotated[BatchRequest, Depends()]
