"""A worker process with activities that end it, for `tests/activities/test_set_aside.py`."""

import asyncio
import os
import signal
import sys

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.interceptor import ActivityErrors
from engine.errors import ProviderBusy
from inkloom.worker import connect
from models.runs import PageCall
from workflows.dispatch.queues import RETRY

with workflow.unsafe.imports_passed_through():
    from datetime import timedelta

# Lost attempts after which an activity is set aside.
LOST = 2
BUSY = 6


@workflow.defn
class Careless:
    """One activity, retried for as long as it takes."""

    @workflow.run
    async def run(self, name: str, queue: str, call: PageCall) -> str:
        answer: str = await workflow.execute_activity(
            name,
            call,
            task_queue=queue,
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=timedelta(seconds=3),
            retry_policy=RETRY,
        )
        return answer


@activity.defn
async def poison(call: PageCall) -> str:
    """Ends whoever tries it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


@activity.defn
async def late_poison(call: PageCall) -> str:
    """Ends whoever tries it, once others have begun beside it."""
    await asyncio.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


@activity.defn
async def innocent(call: PageCall) -> str:
    """Lasts longer than its worker if there is poison beside it."""
    await asyncio.sleep(2.5)
    return "done"


@activity.defn
async def busy(call: PageCall) -> str:
    """Fails more often than may be lost, in order."""
    if activity.info().attempt <= BUSY:
        raise ProviderBusy("later", retry_after=0.0)
    return "done"


async def main(address: str, namespace: str, queue: str) -> None:
    client = await connect(address, namespace)
    worker = Worker(
        client,
        task_queue=queue,
        activities=[poison, late_poison, innocent, busy],
        workflows=[Careless],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[ActivityErrors(lost=LOST)],
        default_heartbeat_throttle_interval=timedelta(seconds=1),
        max_heartbeat_throttle_interval=timedelta(seconds=1),
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
