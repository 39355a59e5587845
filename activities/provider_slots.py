"""Provider slots: limit the calls in flight at each provider."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar
from uuid import UUID

from temporalio import activity

from activities.outages import see_through
from engine.errors import NotConfigured

ResultT = TypeVar("ResultT")


def holder() -> str:
    """The identity of a call's maker: the same for all attempts of one activity, different for every other."""
    info = activity.info()
    return f"{info.workflow_id}/{info.activity_type}/{info.activity_id}"


class ProviderSlots:
    """Limits the calls of this process to at most `slots` at a time per provider."""

    def __init__(self, providers: Iterable[str], slots: int) -> None:
        self._slots = {provider: asyncio.Semaphore(slots) for provider in providers}
        # Calls that were sent and whose answers are still awaited.
        self.waiting: set[UUID] = set()

    @asynccontextmanager
    async def take(self, provider: str) -> AsyncIterator[AsyncExitStack]:
        """Wait for a slot, and release it at the end or, by `aclose()`, when the answer arrives.

        Taken before a call is recorded as sent, so that no sent call waits for a slot; released before the answer is
        stored, so that storing it blocks no other call.
        """
        if provider not in self._slots:
            raise NotConfigured(f"This worker has no provider called {provider!r}.")
        async with AsyncExitStack() as held_slot:
            await held_slot.enter_async_context(self._slots[provider])
            yield held_slot

    async def wait(self, call_id: UUID, answer: Awaitable[ResultT]) -> ResultT:
        """Wait for the answer of a call that was just sent, and meanwhile list the call in `waiting`."""
        self.waiting.add(call_id)
        try:
            return await see_through(answer)
        finally:
            self.waiting.discard(call_id)
