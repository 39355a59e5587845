"""Whose turn it is to ask a provider."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from temporalio.testing import ActivityEnvironment

from activities.provider_slots import ProviderSlots
from engine.errors import NotConfigured, WorkerStopping

pytestmark = pytest.mark.unit


async def test_no_more_calls_at_a_time_than_slots() -> None:
    """Whoever comes later waits, however many there are."""
    turns = ProviderSlots(["offline"], slots=2)
    asking: set[int] = set()
    seen: list[int] = []

    async def ask(number: int) -> None:
        async with turns.take("offline"):
            asking.add(number)
            seen.append(len(asking))
            await asyncio.sleep(0)
            asking.remove(number)

    await asyncio.gather(*(ask(number) for number in range(7)))
    assert (max(seen), len(seen)) == (2, 7)


async def test_a_turn_ends_with_the_answer() -> None:
    """While one stores what came, the next one asks; ending it twice makes no second turn of it."""
    turns = ProviderSlots(["offline"], slots=1)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(turns.take("offline"))
        await first.aclose()
        await asyncio.wait_for(stack.enter_async_context(turns.take("offline")), 1)
        await first.aclose()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stack.enter_async_context(turns.take("offline")), 0.05)


async def test_nobody_waits_for_a_provider_that_is_not_there() -> None:
    with pytest.raises(NotConfigured, match="'missing'"):
        async with ProviderSlots(["offline"], slots=1).take("missing"):
            pass


async def test_what_waits_for_a_slot_is_left_to_another_worker_at_once() -> None:
    """When the worker stops: the call that has the slot may take minutes, and its slot is free again after that."""
    slots, environment, waits = ProviderSlots(["p"], 1), ActivityEnvironment(), asyncio.Event()

    async def second() -> None:
        waits.set()
        async with slots.take("p"):
            raise AssertionError("The worker stops.")

    async with slots.take("p"):
        waiting = asyncio.ensure_future(environment.run(second))
        await waits.wait()
        environment.worker_shutdown()
        with pytest.raises(WorkerStopping):
            await waiting
    async with asyncio.timeout(5), slots.take("p"):
        pass
