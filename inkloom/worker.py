"""Builds the workers: which queues a process serves, with which activities, in which sandbox.

Tests and replay use the same builder, so they run what production runs.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import GrpcCompression
from temporalio.worker import Interceptor, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities import tracing
from activities.batching import Batching
from activities.files import Files
from activities.interceptor import ActivityErrors
from activities.pages import Pages
from activities.records import Records
from activities.rendering import Rendering
from activities.request_ids import RequestIds
from activities.requested import AsRequested
from activities.set_aside import MAX_LOST
from activities.translating import Translating
from activities.webhooks import AT_A_TIME, WebhookActivities
from activities.writing import Writing
from engine.db.session import Database
from engine.export.signing import Signer
from engine.images import Artist
from engine.llm import LLM
from engine.money.ledger import Terms
from engine.money.prices import Prices
from engine.storage import Storage
from engine.webhooks.sender import WebhookSender
from inkloom.all_workflows import ALL_WORKFLOWS
from inkloom.backup.scheduled import Scheduled
from inkloom.builds import deployment
from inkloom.described import require_activities, require_workflows
from inkloom.sandbox import Sandbox, SandboxOfBuild
from inkloom.sweeping import Sweeping
from models.sweeps import SweepKind
from workflows.dispatch.queues import IO, PAGES, SWEEPS, WEBHOOKS, WORKFLOWS, image_queue, llm_queue
from workflows.live_workers import HEARTBEAT

if TYPE_CHECKING:
    from engine.money.answer_cache import AnswerCache

# Everything a workflow file reaches by import. Ours, because loading a table class again for every run costs half a
# second of CPU each; the libraries, because ours import them. Nothing in them changes at module level. Of `workflows`
# only `dispatch`: the workflow files are what the sandbox must check, and they do not import each other.
PASSTHROUGH = (
    "workflows.dispatch",
    "engine",
    "models",
    "jinja2",
    "PIL",
    "opentelemetry",
    "psycopg",
    "sqlalchemy",
    "sqlmodel",
    "uuid_utils",
)

# Seconds for the work without a provider: to store an answer that has come, or to finish what is not paid for.
STORING = 20.0

Queues = Literal["flow", "draw", "all"]


@dataclass(frozen=True)
class Parts:
    """What activities are made of."""

    database: Database
    storage: Storage
    writers: Mapping[str, LLM]
    artists: Mapping[str, Artist]
    prices: Prices = field(default_factory=Prices)
    terms: Terms = field(default_factory=Terms)
    cache: "AnswerCache | None" = None
    caller: WebhookSender = field(default_factory=WebhookSender)
    # The keys that sign webhooks are derived from these.
    secrets: Sequence[str] = ("",)
    llm_slots: int = 8
    image_slots: int = 8
    # Seconds for which answers under way are waited for when the worker stops, or their activity is cancelled.
    llm_patience: float = 30.0
    image_patience: float = 30.0
    # Calls of this process that are under way.
    awaited: set[UUID] = field(default_factory=set)
    lost_attempts: int = MAX_LOST
    signer: Signer | None = None
    # How long events, drafts and histories are kept; None: for ever, and histories as long as Temporal keeps them.
    event_days: int | None = None
    draft_days: int | None = None
    backups: Scheduled | None = None
    history_days: int | None = None
    # The build that the workers belong to (inkloom/builds.py); empty for none.
    build: str = ""


def sandbox(build: str = "") -> WorkflowRunner:
    """The workflow sandbox with our passthrough list."""
    kind = SandboxOfBuild if build else Sandbox
    return kind(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSTHROUGH))


async def connect(address: str, namespace: str, runtime: Runtime | None = None) -> Client:
    """A Temporal client with pydantic payloads."""
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=pydantic_data_converter,
        interceptors=[*tracing.interceptors(), RequestIds()],
        runtime=runtime,
        # Messages are a few hundred bytes: to compress one takes more time than to send it.
        grpc_compression=GrpcCompression.NONE,
    )


def worker_runtime(metrics: str | None) -> Runtime:
    """What a worker process runs on: it says that it is alive, and with `metrics`, host:port, it serves Prometheus
    metrics there.
    """
    prometheus = PrometheusConfig(bind_address=metrics, durations_as_seconds=True) if metrics else None
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus), worker_heartbeat_interval=HEARTBEAT)


def build_workers(client: Client, parts: Parts, queues: Queues = "all") -> list[Worker]:
    """One worker per task queue. `flow` orchestrates and writes, `draw` draws: Pillow must not starve the first."""
    workers: list[Worker] = []
    errors = ActivityErrors(parts.database, parts.lost_attempts)
    serving = partial(_worker, client, parts.build, [errors, AsRequested(parts.database)])
    if queues in ("flow", "all"):
        workers.append(workflow_worker(client, parts.build))
        recording = (Records(parts.database), Translating(parts.database), Batching(parts.database))
        workers.append(serving(IO, [work for part in recording for work in part.activities()], 16))
        telling = WebhookActivities(parts.database, parts.caller, parts.secrets).activities()
        workers.append(serving(WEBHOOKS, telling, AT_A_TIME))
        # One of each kind.
        workers.append(serving(SWEEPS, sweeping_of(client, parts).activities(), len(SweepKind)))
        writing = Writing(
            parts.database,
            parts.writers,
            parts.prices,
            parts.terms,
            parts.llm_slots,
            parts.llm_patience,
            parts.awaited,
            parts.cache,
        ).activities()
        ahead, patience = _ahead(parts.llm_slots), parts.llm_patience + STORING
        workers += [serving(llm_queue(one), writing, ahead, patience) for one in parts.writers]
    if queues in ("draw", "all"):
        paging = (Pages(parts.database, parts.storage), Files(parts.database, parts.storage, parts.signer))
        # More than there are cores: those of a project that has its share wait in the process, and let others by.
        slots = 4 * (os.cpu_count() or 1)
        workers.append(serving(PAGES, [work for part in paging for work in part.activities()], slots))
        drawing = Rendering(
            parts.database,
            parts.storage,
            parts.artists,
            parts.prices,
            parts.terms,
            parts.image_slots,
            parts.image_patience,
            parts.awaited,
        ).activities()
        ahead, patience = _ahead(parts.image_slots), parts.image_patience + STORING
        workers += [serving(image_queue(one), drawing, ahead, patience) for one in parts.artists]
    return workers


def sweeping_of(client: Client, parts: Parts) -> Sweeping:
    """What sweeps are made of, in a worker and beside it."""
    return Sweeping(
        parts.database,
        client,
        parts.storage,
        parts.event_days,
        parts.history_days,
        parts.draft_days,
        backups=parts.backups,
    )


def _ahead(slots: int) -> int:
    """How many activities to run for this many calls at a time: while some store answers, others wait for a slot."""
    return slots + (slots + 1) // 2


def workflow_worker(client: Client, build: str = "") -> Worker:
    """The worker that runs workflows and nothing else."""
    require_workflows(ALL_WORKFLOWS)
    return Worker(
        client,
        task_queue=WORKFLOWS,
        workflows=ALL_WORKFLOWS,
        workflow_runner=sandbox(build),
        deployment_config=deployment(build),
        # More at a time than the cores can replay, and a busy restart exceeds the deadlock limit of two seconds.
        max_concurrent_workflow_tasks=8,
        max_cached_workflows=400,
        # After a crash, the server waits this long for the old process before it offers its workflows to the new one.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=4),
    )


def _worker(
    client: Client,
    build: str,
    interceptors: Sequence[Interceptor],
    queue: str,
    activities: Sequence[Callable[..., Any]],
    slots: int,
    patience: float = STORING,
) -> Worker:
    """A worker that has `patience` seconds to finish its activities after it was told to stop."""
    require_activities(queue, activities)
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        max_concurrent_activities=slots,
        max_concurrent_activity_task_polls=min(4, slots),
        interceptors=interceptors,
        deployment_config=deployment(build),
        # The server forgets a dead worker after ten seconds; a live one must send a heartbeat well before.
        max_heartbeat_throttle_interval=timedelta(seconds=3),
        default_heartbeat_throttle_interval=timedelta(seconds=3),
        graceful_shutdown_timeout=timedelta(seconds=patience),
    )
