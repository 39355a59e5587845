"""How far behind a task queue is, and whether any worker serves it: for the sweeper, `/metrics` and `doctor`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from engine.providers.registry import configured
from engine.settings import Settings
from workflows.dispatch.queues import IO, PAGES, SWEEPS, WEBHOOKS, WORKFLOWS, image_queue, llm_queue

# A worker polls once a minute at least; the server lists pollers for minutes after their end.
GONE = timedelta(seconds=90)


@dataclass(frozen=True)
class Lag:
    """The tasks that wait in a queue, the seconds that the oldest one has waited, and whether a worker serves it."""

    tasks: int
    seconds: float
    served: bool


def activity_queues(settings: Settings) -> list[str]:
    """The queues of activities, with one for each configured provider."""
    return [
        IO,
        PAGES,
        WEBHOOKS,
        SWEEPS,
        *(llm_queue(one.id) for one in configured("llm", settings)),
        *(image_queue(one.id) for one in configured("images", settings)),
    ]


async def lags_of(client: Client, queues: Sequence[str]) -> dict[str, Lag | BaseException]:
    """The states of the queue of workflow tasks and of these queues of activities, or why one is not known."""
    lags = await asyncio.gather(
        lag_of(client, WORKFLOWS, workflows=True), *(lag_of(client, queue) for queue in queues), return_exceptions=True
    )
    return dict(zip([WORKFLOWS, *queues], lags, strict=True))


async def lag_of(client: Client, queue: str, *, workflows: bool = False) -> Lag:
    """The state of a queue of activities, or of workflow tasks."""
    kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if workflows else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind, report_stats=True
        ),
        timeout=timedelta(seconds=2),
    )
    now = datetime.now(UTC)
    polled = (poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers)
    return Lag(
        tasks=answer.stats.approximate_backlog_count,
        seconds=answer.stats.approximate_backlog_age.ToTimedelta().total_seconds(),
        served=any(now - at < GONE for at in polled),
    )
