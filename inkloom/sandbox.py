"""The SDK's workflow sandbox, without a question that it need not be asked.

For every payload of a workflow, the SDK asks the sandboxed instance three times, by executing source text in there,
which context the data converter should see. Ours sees none: no codec, no external store. A fifth of a flow worker's
time went into that question, so it is answered outside the sandbox.
"""

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info


class Sandbox(SandboxedWorkflowRunner):
    """For workers that belong to no build (inkloom/builds.py)."""

    # The server refuses what a workflow says of builds from a worker that belongs to none.
    builds = False

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Instance(super().create_instance(det), builds=self.builds)


class SandboxOfBuild(Sandbox):
    """For workers of a build."""

    builds = True


class _Instance(WorkflowInstance):
    """One workflow in its sandbox; only the two questions about contexts and that about builds are answered here."""

    def __init__(self, inside: WorkflowInstance, *, builds: bool) -> None:
        self._inside = inside
        self._builds = builds

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._inside.activate(act)
        if not self._builds and completion.HasField("successful"):
            completion.successful.ClearField("versioning_behavior")
        return completion

    def get_serialization_context(self, command_info: Any) -> None:
        return None

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return StorageDriverStoreContext()

    def get_info(self) -> Info:
        return self._inside.get_info()

    def get_thread_id(self) -> int | None:
        return self._inside.get_thread_id()
