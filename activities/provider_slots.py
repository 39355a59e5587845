"""Provider slots: limits the calls in flight at each provider."""

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
    """Who makes a call: the same for every attempt of one activity, different for every other."""
    info = activity.info()
    return f"{info.workflow_id}/{info.activity_type}/{info.activity_id}"


class ProviderSlots:
    """The calls that this process makes to its providers, at most `slots` to each at a time."""

    def __init__(self, providers: Iterable[str], slots: int) -> None:
        self._slots = {provider: asyncio.Semaphore(slots) for provider in providers}
        # Calls that were sent and whose answers are still waited for.
        self.waiting: set[UUID] = set()

    @asynccontextmanager
    async def take(self, provider: str) -> AsyncIterator[AsyncExitStack]:
        """Wait for a turn, and give it back at the end or, by `aclose()`, with the answer.

        Taken before a call is written down as sent, so that none waits for its turn after that; given back before
        the answer is stored, so that storing it keeps nobody else from asking.
        """
        if provider not in self._slots:
            raise NotConfigured(f"This worker has no provider called {provider!r}.")
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._slots[provider])
            yield turn

    async def wait(self, call_id: UUID, answer: Awaitable[ResultT]) -> ResultT:
        """Wait for the answer of a call that was just sent, and remember meanwhile that somebody does."""
        self.waiting.add(call_id)
        try:
            return await see_through(answer)
        finally:
            self.waiting.discard(call_id)
