"""Builds: workers of an old and a new version side by side, by Temporal's worker deployment versioning.

Workers with INKLOOM_BUILD belong to a build. A run stays with the build that began it, children included, unless its
workflow says `@workflow.defn(versioning_behavior=VersioningBehavior.AUTO_UPGRADE)`: then each of its next tasks goes to
the current build. Workers without it serve whatever is there, as those of `up` and `run` do.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus, WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkflowExecutionResponse,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import Client
from temporalio.common import AutoUpgradeVersioningOverride, VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from engine.errors import BadInput
from workflows.live_workers import live_workers

DEPLOYMENT = "inkloom"
# The setting that names the build after its code.
AUTO = "auto"
# In place of a build: workers that belong to none.
NONE = "none"
ROOT = Path(__file__).parents[1]
# What decides whether a run that one worker began fits another: the workflows, and what they send and receive.
CODE = ("workflows", "models")
# Seconds for the workers of a build, which have just been started, to ask for work on every queue.
PATIENCE = 30.0
POLL = 0.5
CALL = timedelta(seconds=10)
# Runs that are looked at in one round while a build is retired.
MOST = 500
_STATE = "WORKER_DEPLOYMENT_VERSION_STATUS_"
# Servers that have no such thing, or where it is switched off.
_WITHOUT = (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED)
NO_BUILDS = (
    "This Temporal server keeps no builds; that of `up` and `run` does not, because a new version replaces the old one"
    " there. Unset INKLOOM_BUILD, or name a server in TEMPORAL_ADDRESS."
)


class NoBuilds(BadInput):
    """The Temporal server does not tell builds apart."""


@dataclass(frozen=True)
class Build:
    """A build that the server knows: `current`, `draining` (runs need it), `drained`, or `inactive`."""

    build: str
    state: str
    runs: int
    workers: int


def build_of(setting: str) -> str:
    """The build that INKLOOM_BUILD means; empty for none.

    `auto` is the same for versions between which neither the workflows nor their messages changed: their workers are
    one build, and nothing has to be drained between them.
    """
    if setting != AUTO:
        return setting
    digest = hashlib.sha256()
    for path in sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def deployment(build: str) -> WorkerDeploymentConfig | None:
    """How a worker of this build presents itself. Runs are pinned unless their workflow says otherwise."""
    if not build:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


async def current(client: Client) -> str:
    """The build that new runs go to; empty if they go to workers without one."""
    described = await _described(client)
    return described.routing_config.current_deployment_version.build_id


async def require_fitting(client: Client, build: str) -> None:
    """Raise `BadInput` if a worker of this build, or of none, would never get work."""
    try:
        serving = await current(client)
    except NoBuilds:
        if build:
            raise
        return
    if serving and not build:
        raise BadInput(
            f"The server gives work to build {serving}, and this worker belongs to none: set INKLOOM_BUILD, or give the"
            f" work to workers without a build with `python -m inkloom deploy --build {NONE}`."
        )


async def listed(client: Client) -> list[Build]:
    """The builds that the server knows, the newest first."""
    described = await _described(client)
    alive = [worker.build for worker in await live_workers(client)]
    found = []
    for summary in described.version_summaries:
        build = summary.deployment_version.build_id
        state = WorkerDeploymentVersionStatus.Name(summary.status).removeprefix(_STATE).lower()
        runs = await client.count_workflows(_pinned(build), rpc_timeout=CALL)
        found.append(Build(build, state, runs.count, alive.count(build)))
    return found


async def make_current(client: Client, build: str, patience: float = PATIENCE) -> None:
    """Give new runs, and the next tasks of those that are not pinned, to this build; `none`: to workers without one.

    Raises `BadInput` if its workers do not serve what those of the present one do.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id="" if build == NONE else build
    )
    deadline = time.monotonic() + patience
    while True:
        try:
            await client.workflow_service.set_worker_deployment_current_version(request, timeout=CALL)
        except RPCError as error:
            if error.status in _WITHOUT:
                raise NoBuilds(NO_BUILDS) from error
            if error.status == RPCStatusCode.NOT_FOUND and build == NONE:
                return
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
                raise
            if time.monotonic() > deadline:
                raise BadInput(_not_ready(build, error)) from error
            await asyncio.sleep(POLL)
        else:
            return


async def retire(client: Client, build: str, report: Callable[[str], None], *, at_once: bool = False) -> None:
    """Return once no run needs the workers of this build.

    Runs that work are waited for. Those that wait for a person, maybe for days, go on with the current build, and so
    does everything else `at_once`.
    """
    if build == await current(client):
        raise BadInput(f"Build {build} is the current one: make another one current first.")
    reported, empty = -1, 0
    before: dict[str, int] = {}
    # What was begun a moment ago may not be listed yet.
    while empty < 2:
        runs = [run async for run in client.list_workflows(_pinned(build), limit=MOST, rpc_timeout=CALL)]
        empty = 0 if runs else empty + 1
        described = [
            (await client.get_workflow_handle(run.id, run_id=run.run_id).describe(rpc_timeout=CALL)).raw_description
            for run in runs
        ]
        leaving = described if at_once else [run async for run in _at_rest(client, described, before)]
        before = {run.workflow_execution_info.execution.run_id: _length(run) for run in described}
        for one in leaving:
            await _move(client, one.workflow_execution_info.execution)
        if leaving:
            report(f"{len(leaving)} runs go on with the current build")
        if runs and len(runs) != reported:
            reported = len(runs)
            report(f"{reported} runs need build {build}, first {runs[0].id}")
        await asyncio.sleep(POLL)


async def _at_rest(
    client: Client, runs: list[DescribeWorkflowExecutionResponse], before: Mapping[str, int]
) -> AsyncIterator[DescribeWorkflowExecutionResponse]:
    """Those in which nothing is under way, here or below: only a decision wakes them.

    They were looked at one after another, so each must be as it was `before`, in the last round.
    """
    waiting = {
        run.workflow_execution_info.execution.workflow_id: run
        for run in runs
        if run.workflow_execution_info.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
        and not run.pending_activities
        and not run.HasField("pending_workflow_task")
        and before.get(run.workflow_execution_info.execution.run_id) == _length(run)
    }
    known = {run.workflow_execution_info.execution.workflow_id for run in runs}
    elsewhere = {child.workflow_id for run in waiting.values() for child in run.pending_children} - known
    resting = {child for child in elsewhere if await _goes_along(client, child)}
    while more := {
        name: run
        for name, run in waiting.items()
        if name not in resting and all(child.workflow_id in resting for child in run.pending_children)
    }:
        for run in more.values():
            yield run
        resting |= more.keys()


async def _goes_along(client: Client, workflow: str) -> bool:
    """Whether a part of a run goes on with the current build already; one that has just begun says nothing yet."""
    described = (await client.get_workflow_handle(workflow).describe(rpc_timeout=CALL)).raw_description
    return described.workflow_execution_info.versioning_info.versioning_override.auto_upgrade


def _length(run: DescribeWorkflowExecutionResponse) -> int:
    return run.workflow_execution_info.history_length


async def _move(client: Client, run: WorkflowExecution) -> None:
    """Let a run go on with whatever build is current."""
    options = WorkflowExecutionOptions(versioning_override=AutoUpgradeVersioningOverride()._to_proto())
    try:
        await client.workflow_service.update_workflow_execution_options(
            UpdateWorkflowExecutionOptionsRequest(
                namespace=client.namespace,
                workflow_execution=run,
                workflow_execution_options=options,
                update_mask=FieldMask(paths=["versioning_override"]),
            ),
            timeout=CALL,
        )
    except RPCError as error:
        # It has ended meanwhile.
        if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
            raise


def _pinned(build: str) -> str:
    """The query for open runs that only workers of this build can serve."""
    return (
        f"TemporalWorkerDeploymentVersion = '{DEPLOYMENT}:{build}' AND TemporalWorkflowVersioningBehavior = 'Pinned'"
        " AND ExecutionStatus = 'Running'"
    )


def _not_ready(build: str, error: RPCError) -> str:
    if error.status == RPCStatusCode.NOT_FOUND:
        return (
            f"No worker of build {build} has asked for work yet: start them first, with INKLOOM_BUILD={build} and"
            " `python -m inkloom worker`."
        )
    return (
        f"The workers of build {build} do not serve every queue that has work: start those that are missing, such as"
        f" `worker --queues draw`, with the same providers. The server says: {error.message}"
    )


async def _described(client: Client) -> WorkerDeploymentInfo:
    """What the server knows of our builds; empty before the first worker of one."""
    asked = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
    try:
        answer = await client.workflow_service.describe_worker_deployment(asked, timeout=CALL)
    except RPCError as error:
        if error.status in _WITHOUT:
            raise NoBuilds(NO_BUILDS) from error
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return WorkerDeploymentInfo()
    return answer.worker_deployment_info
