"""Workflows of every version go on with the code of today: recorded histories are replayed, and hold no secrets.

`python -m scripts.record_histories` records those of the present version again.
"""

import base64
import dataclasses
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError, SandboxImportNotificationPolicy

from inkloom.all_workflows import ALL_WORKFLOWS
from inkloom.worker import sandbox
from models.runs import Outcome, PanelRun
from scripts.record_histories import FOLDER, HISTORIES, WORDS
from workflows.dispatch.paid import ask

pytestmark = pytest.mark.unit

RECORDED = sorted(HISTORIES.glob("*/*.json"))
LARGEST_PAYLOAD = 64 * 1024

every_history = pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")


def started(path: Path) -> dict[str, Any]:
    """How the workflow of a history was begun."""
    first = json.loads(path.read_text())["events"][0]
    attributes: dict[str, Any] = first["workflowExecutionStartedEventAttributes"]
    return attributes


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(started(path)["workflowId"], path.read_text())


async def replay(path: Path, workflows: Sequence[type], runner: WorkflowRunner) -> None:
    replayer = Replayer(workflows=workflows, data_converter=pydantic_data_converter, workflow_runner=runner)
    await replayer.replay_workflow(history(path))


def payloads(node: Any) -> Iterator[bytes]:
    """The content of every payload below a piece of history: inputs, results, summaries, search attributes."""
    if isinstance(node, list):
        for item in node:
            yield from payloads(item)
    elif isinstance(node, dict):
        if "encoding" in node.get("metadata", {}):
            yield base64.b64decode(node.get("data", ""))
        for item in node.values():
            yield from payloads(item)


def test_every_workflow_has_a_history() -> None:
    """A new workflow is recorded before it ships: later, nobody could tell whether a change breaks it."""
    recorded = {started(path)["workflowType"]["name"] for path in FOLDER.glob("*.json")}
    assert recorded == {kind.__name__ for kind in ALL_WORKFLOWS}


@every_history
async def test_the_code_does_what_it_did(path: Path) -> None:
    """Replayed in the workers' own sandbox, every command comes in the recorded order."""
    await replay(path, ALL_WORKFLOWS, sandbox())


async def test_a_workflow_in_another_order_is_found_out() -> None:
    """The control: a panel that is written in another order does not replay."""

    with pytest.raises(NondeterminismError):
        await replay(FOLDER / "panel.json", [Reordered], sandbox())


@workflow.defn(name="PanelWorkflow", sandboxed=False)
class Reordered:
    """A panel whose prompt is asked for before its words."""

    @workflow.run
    async def run(self, run: PanelRun) -> Outcome:
        await ask("VisualPrompt", run, run.panel_id, "prompt")
        await ask("Dialogue", run, run.panel_id, "words")
        return Outcome(panels=1)


@pytest.mark.parametrize("name", ["chapter", "scene", "panel", "character-sheet", "export"])
async def test_nothing_is_loaded_anew_for_every_run(name: str) -> None:
    """Whatever a workflow imports stands in the passthrough list, but for its own file."""
    runner = sandbox()
    assert isinstance(runner, SandboxedWorkflowRunner)
    raising = runner.restrictions.with_import_notification_policy(
        SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
    )
    await replay(FOLDER / f"{name}.json", ALL_WORKFLOWS, dataclasses.replace(runner, restrictions=raising))


@pytest.mark.parametrize("kind", ALL_WORKFLOWS)
def test_the_sandbox_sees_what_a_workflow_does(kind: type) -> None:
    """Its own file is loaded into the sandbox: passed through, it could ask the clock and nobody would know."""
    runner = sandbox()
    assert isinstance(runner, SandboxedWorkflowRunner)
    parts = kind.__module__.split(".")
    own = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    assert own & runner.restrictions.passthrough_modules == set()


@every_history
def test_payloads_are_small(path: Path) -> None:
    """Temporal carries ids, options and small facts."""
    sizes = [len(payload) for payload in payloads(json.loads(path.read_text()))]
    assert sizes
    assert max(sizes) <= LARGEST_PAYLOAD


@every_history
def test_a_history_tells_nothing_of_the_story(path: Path) -> None:
    """No manuscript, no prompt and no answer, in no payload and no message: they stay in Postgres."""
    told = path.read_text() + "".join(payload.decode() for payload in payloads(json.loads(path.read_text())))
    assert [word for word in WORDS if word in told] == []


@every_history
def test_a_history_tells_nothing_of_the_machine(path: Path) -> None:
    """Recorded here or there, the files name no host, no process and no folder."""
    text = path.read_text()
    assert set(re.findall(r'"identity":"(.*?)"', text)) == {"recorder"}
    assert re.findall(r"stackTrace|[^a-z-]/(?:home|root|tmp|usr|var|work|Users)/", text) == []
    queues = re.findall(r'"name":"([^"]*)","kind":"TASK_QUEUE_KIND_STICKY"', text)
    assert set(queues) <= {"sticky"}
