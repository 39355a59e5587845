"""What ends every worker that tries it is set aside, with its name; what only fails is not."""

import asyncio
import sys
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError

from models.options import GenerationOptions
from models.runs import PageCall
from tests.support.command_line import ROOT
from tests.support.mortal_worker import BUSY, LOST, Careless

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


async def ended(client: Client, address: str, *activities: str) -> tuple[list[WorkflowHandle[Careless, str]], int]:
    """The runs of activities by workers that are started again whenever one ends, and how many there were."""
    queue, ids = f"mortal-{uuid4()}", {"project_id": uuid4(), "generation_id": uuid4(), "chapter_id": uuid4()}
    call = PageCall(**ids, options=GenerationOptions(), number=3)
    handles = [
        await client.start_workflow(
            Careless.run, args=[activity, queue, call], id=f"careless-{uuid4()}", task_queue=queue
        )
        for activity in activities
    ]
    result: asyncio.Future[Any] = asyncio.gather(*(handle.result() for handle in handles), return_exceptions=True)
    workers = 0
    while not result.done():
        workers += 1
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.mortal_worker", address, client.namespace, queue, cwd=ROOT
        )
        over: asyncio.Future[Any] = asyncio.ensure_future(worker.wait())
        await asyncio.wait({result, over}, return_when="FIRST_COMPLETED")
        if not over.done():
            worker.kill()
            await over
    await result
    return handles, workers


@pytest.mark.timeout(400)
async def test_what_ends_every_worker_is_set_aside_and_named(client: Client, temporal_address: str) -> None:
    """The first attempt is not counted, because most need only that one; the last worker lives on.

    How many workers it takes is not fixed: one may end before the heartbeat that counts its attempt has left it, and on
    a busy machine most do.
    """
    async with asyncio.timeout(280):
        (handle,), workers = await ended(client, temporal_address, "poison")
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ActivityError)
    error = caught.value.cause.cause
    assert isinstance(error, ApplicationError)
    assert (error.type, error.non_retryable) == ("SetAside", True)
    assert f"poison (number 3) is set aside: {LOST + 1} times the worker that tried it ended" in error.message
    assert workers >= LOST + 2


async def test_what_only_ran_beside_it_is_not(client: Client, temporal_address: str) -> None:
    """All of them are lost together, again and again; alone, each shows what it is."""
    async with asyncio.timeout(300):
        handles, _ = await ended(client, temporal_address, "late_poison", "innocent", "innocent", "late_poison")
    found = await asyncio.gather(*(handle.result() for handle in handles), return_exceptions=True)
    assert found[1:3] == ["done", "done"]
    for failure in (found[0], found[3]):
        assert isinstance(failure, WorkflowFailureError)
        assert isinstance(failure.cause, ActivityError)
        assert isinstance(error := failure.cause.cause, ApplicationError)
        assert error.type == "SetAside"


async def test_what_fails_in_order_is_never_set_aside(client: Client, temporal_address: str) -> None:
    assert BUSY > LOST + 1
    async with asyncio.timeout(200):
        (handle,), workers = await ended(client, temporal_address, "busy")
    assert (await handle.result(), workers) == ("done", 1)
