"""Requests for generations: carried out once for each `Idempotency-Key`; the workflow starts after the answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, Header, Response
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.service import RPCError

from api.http.deps import Editing, Owned
from api.shapes.generations import GenerationOut, generation_out
from engine.errors import Forbidden, NotFound
from engine.store import idempotency, rows
from models.tables import Generation, Project
from workflows.starting import PATIENCE, start

IdempotencyKey = Annotated[
    str | None,
    Header(pattern=r"^[!-~]{1,255}$", description="a new key for every request; the same key when you repeat it"),
]


@dataclass(frozen=True)
class GenerationRequest:
    """What a route that creates a generation is given."""

    owned: Owned
    scope: Editing
    response: Response
    background: BackgroundTasks
    idempotency_key: IdempotencyKey = None

    async def earlier(
        self, session: AsyncSession, path: str, body: dict[str, Any], target: Callable[[], Awaitable[object]]
    ) -> GenerationOut | None:
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
        out = GenerationOut.model_validate(answered.answer)
        try:
            # The project, not the target: a target that was deleted since does not take the answer from its owner.
            await rows.get(session, self.scope, Project, out.project_id)
        except (NotFound, Forbidden):
            await target()
            raise
        self.response.headers["Location"] = _location(out)
        self.response.headers["Idempotency-Replayed"] = "true"
        return out

    async def accept(self, session: AsyncSession, generation: Generation) -> GenerationOut:
        """The answer, stored in the transaction that creates the generation: neither exists without the other."""
        await session.refresh(generation)
        out = await generation_out(session, generation)
        if self.idempotency_key is not None:
            answer = out.model_dump(mode="json")
            await idempotency.keep(session, self.scope.actor, self.idempotency_key, 202, answer, _location(out))
        self.response.headers["Location"] = _location(out)
        return out

    def start(self, generation: Generation) -> None:
        """Start the workflow after the answer is sent. If that fails, the sweeper starts it."""
        self.background.add_task(self._start, generation)

    async def _start(self, generation: Generation) -> None:
        with suppress(RPCError, RuntimeError, TimeoutError):
            await asyncio.wait_for(start(self.owned.temporal, generation), PATIENCE)


Requesting = Annotated[GenerationRequest, Depends()]


def _location(out: GenerationOut) -> str:
    return f"/api/v1/generations/{out.id}"
