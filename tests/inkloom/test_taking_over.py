"""A worker that is told to stop gives its work to another one at once, while it waits for its own answers."""

import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.client import Client

from engine.db.session import Database
from engine.settings import Settings
from engine.store.rows import get
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Generation
from tests.conftest import Order
from tests.fakes.server import eventually
from tests.fakes.taught import TaughtVendor
from tests.support.stories import STORY
from tests.working import finished
from workflows.starting import start

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(300)]

# The characters of the story.
SHEETS = 3
ROOT = Path(__file__).parents[2]
# Long enough for the second worker to be at work before the first has its answer.
DRAWING = 30.0
# A cold start on a busy machine, and some room; below that, the first worker has its answer.
AT_ONCE = 25.0


@pytest.mark.parametrize("beside", [True, False], ids=["running-beside", "started-now"])
async def test_another_worker_goes_on_before_the_first_has_its_answers(
    client: Client,
    settings: Settings,
    database_url: str,
    temporal_address: str,
    database: Database,
    order: Order,
    tmp_path: Path,
    beside: bool,
) -> None:
    """Whether it runs already or starts with the SIGTERM; every picture is drawn, and paid for, once."""
    ordered = await order(STORY, images="openai")
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(TaughtVendor(DRAWING))
        environment = {
            **os.environ,
            "INKLOOM_DATA": str(tmp_path),
            "INKLOOM_DATABASE_URL": database_url,
            "TEMPORAL_ADDRESS": temporal_address,
            "TEMPORAL_NAMESPACE": settings.temporal_namespace,
            "OPENAI_API_KEY": "sk-tests",
            "OPENAI_BASE_URL": vendor.base_url,
        }

        async def worker(name: str, slots: int) -> asyncio.subprocess.Process:
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "inkloom", "worker"),
                env=environment | {"INKLOOM_IMAGE_SLOTS": str(slots)},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
            stack.callback(end, process)
            return process

        # The first has one call under way and another activity waiting for its slot; the second has room for all.
        first = await worker("first", 1)
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await start(database, client, generation)
        # The reference sheets of the characters: one is being drawn, one waits in the worker, the others in the queue.
        await eventually(lambda: len(vendor.paid) == 1, 120)
        second = await worker("second", 16) if beside else None
        if beside:
            await eventually(lambda: len(vendor.paid) > 1, 120)
        told = time.time()
        first.send_signal(signal.SIGTERM)
        second = second or await worker("second", 16)
        await eventually(lambda: len(vendor.paid) == SHEETS, 120)
        under_way, vendor.drawing = first.returncode is None, 0.2
        ended = asyncio.create_task(first.wait())
        done = await finished(database, ordered, 240)
        assert await ended == 0
    assert done.status == GenerationStatus.COMPLETED
    assert under_way
    assert set(vendor.answered.values()) == {1}
    assert len(vendor.paid) == sum(vendor.answered.values())
    taken = await first_activity(client, ordered.run.generation_id, f"{second.pid}@", told) - told
    print(f"{taken:.2f} s from SIGTERM to the first activity elsewhere ({'beside' if beside else 'cold start'})")
    assert taken < AT_ONCE


def end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()


async def first_activity(client: Client, generation: UUID, identity: str, after: float) -> float:
    """When a worker began its first activity of the generation after a moment."""
    began: list[float] = []
    async for workflow in client.list_workflows(f'WorkflowId STARTS_WITH "{generation_workflow_id(generation)}"'):
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        async for event in handle.fetch_history_events():
            by = event.activity_task_started_event_attributes.identity
            if by.startswith(identity) and (at := event.event_time.ToDatetime(tzinfo=UTC).timestamp()) > after:
                began.append(at)
    return min(began)
