"""Which worker processes are alive, by their heartbeats to Temporal."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import WorkerStatus
from temporalio.api.workflowservice.v1 import ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

# How often a worker process says that it is alive, and after how long it is taken for dead.
HEARTBEAT = timedelta(seconds=5)
GONE = 4 * HEARTBEAT
# Each process has a worker for each of its queues.
_PAGE = 1000
_ENDED = (WorkerStatus.WORKER_STATUS_SHUTDOWN, WorkerStatus.WORKER_STATUS_SHUTTING_DOWN)
# What servers answer that keep no heartbeats, or where listing is switched off.
_WITHOUT = (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.INVALID_ARGUMENT)


@dataclass
class LiveWorker:
    """A worker process. `busy` counts the activities and workflow tasks that it has in hand."""

    host: str
    process: int
    build: str
    started_at: datetime
    seen_at: datetime
    busy: int = 0
    queues: list[str] = field(default_factory=list)


async def live_workers(client: Client) -> list[LiveWorker]:
    """The processes, the oldest first; none where the server lists no workers."""
    asked = ListWorkersRequest(namespace=client.namespace, page_size=_PAGE)
    try:
        answer = await client.workflow_service.list_workers(asked, timeout=timedelta(seconds=3))
    except RPCError as error:
        if error.status in _WITHOUT:
            return []
        raise
    now = datetime.now(UTC)
    found: dict[tuple[str, str, str], LiveWorker] = {}
    for info in answer.workers_info:
        beat = info.worker_heartbeat
        seen = beat.heartbeat_time.ToDatetime(tzinfo=UTC)
        if beat.status in _ENDED or now - seen > GONE:
            continue
        host, version = beat.host_info, beat.deployment_version
        # The SDK gives workers without a build a name for their code.
        build = version.build_id if version.deployment_name else ""
        began = beat.start_time.ToDatetime(tzinfo=UTC)
        worker = found.setdefault(
            (host.host_name, host.process_id, build),
            LiveWorker(host.host_name, int(host.process_id or 0), build, began, seen),
        )
        worker.started_at, worker.seen_at = min(worker.started_at, began), max(worker.seen_at, seen)
        worker.busy += (
            beat.workflow_task_slots_info.current_used_slots + beat.activity_task_slots_info.current_used_slots
        )
        worker.queues = sorted({*worker.queues, beat.task_queue})
    return sorted(found.values(), key=lambda worker: worker.started_at)
