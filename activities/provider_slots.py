"""Provider slots: limit the calls in flight at each provider."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar
from uuid import UUID

from temporalio import activity

from activities.outages import see_through
from engine.errors import NotConfigured, WorkerStopping

ResultT = TypeVar("ResultT")


def holder() -> str:
    """The identity of a call's maker: the same for all attempts of one activity, different for every other."""
    info = activity.info()
    return f"{info.workflow_id}/{info.activity_type}/{info.activity_id}"


def go_on() -> None:
    """Raise `WorkerStopping` if the worker of this activity stops: what is not sent yet is left to another worker."""
    if activity.in_activity() and activity.is_worker_shutdown():
        raise WorkerStopping("The worker stops; another one makes the call.")


async def _unless_stopping(slot: Coroutine[None, None, None]) -> None:
    """Wait for a slot, but no longer than the worker takes work: its calls under way may last minutes, and another
    worker has room.
    """
    if not activity.in_activity():
        return await slot
    taking = asyncio.ensure_future(slot)
    stopping = asyncio.ensure_future(activity.wait_for_worker_shutdown())
    try:
        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (taking, stopping):
            task.cancel()
        # A slot that was taken is in the stack, which gives it back.
        await asyncio.gather(taking, stopping, return_exceptions=True)
    return None


class ProviderSlots:
    """Limits the calls of this process to at most `slots` at a time per provider.

    `waiting` are the calls that were sent and whose answers are still awaited; one set may serve several kinds of
    calls. Cancelled activities wait `patience` seconds for them.
    """

    def __init__(
        self, providers: Iterable[str], slots: int, patience: float = 30.0, waiting: set[UUID] | None = None
    ) -> None:
        self._slots = {provider: asyncio.Semaphore(slots) for provider in providers}
        self._patience = patience
        self.waiting: set[UUID] = set() if waiting is None else waiting

    @asynccontextmanager
    async def take(self, provider: str) -> AsyncIterator[AsyncExitStack]:
        """Wait for a slot, and release it at the end or, by `aclose()`, when the answer arrives.

        Taken before a call is recorded as sent, so that no sent call waits for a slot; released before the answer is
        stored, so that storing it blocks no other call. Raises `WorkerStopping` if the worker stops meanwhile.
        """
        if provider not in self._slots:
            raise NotConfigured(f"This worker has no provider called {provider!r}.")
        async with AsyncExitStack() as held_slot:
            await _unless_stopping(held_slot.enter_async_context(self._slots[provider]))
            go_on()
            yield held_slot

    async def wait(self, call_id: UUID, answer: Awaitable[ResultT]) -> ResultT:
        """Wait for the answer of a call that was just sent, and meanwhile list the call in `waiting`."""
        self.waiting.add(call_id)
        try:
            return await see_through(answer, self._patience)
        finally:
            self.waiting.discard(call_id)
