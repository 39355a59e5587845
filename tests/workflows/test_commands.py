"""What a workflow asks of Temporal changes on purpose only: its fingerprint is compared with the committed one."""

import json
import shutil
from pathlib import Path

import pytest

from inkloom.all_workflows import ALL_WORKFLOWS
from scripts.workflow_commands import COMMANDS, PACKAGE, ROOT, Fingerprints, changed, fingerprints

pytestmark = pytest.mark.unit

WHAT_TO_DO = (
    "These workflows no longer do what the committed fingerprints say. A run that the last release began must still"
    " replay: put the change behind `workflow.patched`, or make sure that it issues no other commands. Then run"
    " `python -m scripts.workflow_commands`, and `python -m scripts.record_histories` for the new way. "
)


def edited(folder: Path, file: str, *changes: tuple[str, str]) -> Fingerprints:
    """The fingerprints of a copy of the package in which something is changed."""
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE)
    path = folder / PACKAGE / file
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    return fingerprints(folder)


def test_the_workflows_do_what_is_committed() -> None:
    """The message says which functions differ, by workflow."""
    assert changed(json.loads(COMMANDS.read_text()), fingerprints()) == {}, WHAT_TO_DO


def test_every_workflow_has_a_fingerprint() -> None:
    assert set(fingerprints()["workflows"]) == {kind.__name__ for kind in ALL_WORKFLOWS}


def test_a_workflow_reaches_what_it_calls_and_nothing_else() -> None:
    """Through names, methods, lambdas and functions that are passed on."""
    reached = fingerprints()["workflows"]
    assert {
        "workflows.chapter:ChapterWorkflow._scene",
        "workflows.dispatch.calls:redraw",
        "workflows.dispatch.waiting:review",
        "workflows.dispatch.paid:_again",
        "workflows.dispatch.concurrency:SCENES_AT_A_TIME",
        "workflows.dispatch.table:OPEN_CHAPTER",
    } <= set(reached["ChapterWorkflow"])
    assert not [place for place in reached["ChapterWorkflow"] if place.startswith("workflows.scene")]
    assert not [place for place in reached["WebhookWorkflow"] if place.startswith("workflows.dispatch.paid")]


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        (
            "panel.py",
            'ask("VisualPrompt", run, run.panel_id, "prompt"),\n        )',
            ")",
            "panel:PanelWorkflow._anew",
        ),
        ("panel.py", "many == 1 and not wait", "many == 1", "panel:PanelWorkflow._anew"),
        ("dispatch/concurrency.py", "PANELS_AT_A_TIME = 8", "PANELS_AT_A_TIME = 9", "concurrency:PANELS_AT_A_TIME"),
        ("dispatch/table.py", '    "select_draft", SelectCall', '    "choose_draft", SelectCall', "SELECT_DRAFT"),
        ("dispatch/execute.py", "{name}", "part-{name}", "execute:execute_child"),
        ("dispatch/waiting.py", "waiting.next_wake(seen)\n        decision", "0\n        decision", "waiting:decided"),
    ],
)
def test_a_change_of_commands_is_noticed(tmp_path: Path, file: str, old: str, new: str, place: str) -> None:
    """Another call, another condition, another width, another name, another child, another wait."""
    found = changed(fingerprints(), edited(tmp_path, file, (old, new)))
    assert found
    assert all(any(one.endswith(place) for one in places) for places in found.values())


def test_a_change_of_anything_else_is_not(tmp_path: Path) -> None:
    """Comments, docstrings and what the UI shows meanwhile are no commands."""
    words = ('set_current_details("reading")', 'set_current_details("reads the text")')
    comment = ("# Redraw the sheets of characters", "# Once more the sheets of characters")
    assert changed(fingerprints(), edited(tmp_path, "chapter.py", words, comment)) == {}
