"""A task is one folder: all that the program knows about it derives from there.

`tests/support/made_up` adds a task as docs/tasks.md describes it, up to the line in `TaskName`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from temporalio.testing import ActivityEnvironment

from activities.writing import Writing
from engine.db.session import Database
from engine.freshness.parts import stale_parts
from engine.freshness.remaining import work_left
from engine.money.estimate import Estimate, estimate, work_of_script, work_of_text
from engine.money.ledger import Terms
from engine.money.prices import Prices
from engine.offline.writer import OfflineWriter
from engine.steps.step import step_of
from engine.store.rows import get
from engine.tasks import ALL, Task, tasks_in
from models.options import GenerationOptions, TaskName
from models.runs import TaskCall, TaskDone
from models.script import Script
from models.story import Shot
from models.tables import Chapter, Panel, Scene
from models.tables.story import SceneState
from tests.conftest import Order, Ordered
from tests.support import made_up, made_up_answers

every_task = pytest.mark.parametrize("name", list(ALL))
ROOT = Path(__file__).parents[3]
PER_PANEL = GenerationOptions(until="script")


@pytest.fixture
def sounds() -> Iterator[Task[Any, Any]]:
    """The made-up task, registered as if its folder lay in `engine/tasks`."""
    found = tasks_in(made_up)
    ALL.update(found)
    yield from found.values()
    for name in found:
        del ALL[name]


@pytest.mark.unit
def test_every_folder_is_a_task_and_every_name_has_its_folder() -> None:
    """`TaskName` is the table of names, which `models` cannot derive: it imports nothing of the engine."""
    assert list(ALL) == list(get_args(TaskName))
    folders = {path.parent.name for path in (ROOT / "engine" / "tasks").glob("*/__init__.py")}
    assert folders == {task.folder for task in ALL.values()}


@every_task
@pytest.mark.unit
def test_a_task_stores_what_it_answers(name: TaskName) -> None:
    """Its rows are found by its folder's name, and take its output."""
    task = ALL[name]
    step = step_of(task)
    assert get_type_hints(step.apply)["out"] is task.output
    assert list(get_type_hints(step.load)) == ["session", "call", "token_budget", "return"]


@every_task
@pytest.mark.unit
def test_a_task_is_answered_offline_under_its_own_name(name: TaskName) -> None:
    """All but translations, for which no rule is good enough."""
    task = ALL[name]
    module = f"engine.offline.storyboard.{task.folder}"
    assert (find_spec(module) is None) == (name == "Translate")
    if name != "Translate":
        hints = get_type_hints(import_module(module).answer)
        assert hints == {"data": task.input, "return": task.output}


@every_task
@pytest.mark.unit
def test_a_task_is_asked_by_a_workflow(name: TaskName) -> None:
    sources = [path.read_text() for path in (ROOT / "workflows").rglob("*.py")]
    assert any(re.search(rf'ask\(\s*"{name}"', source) for source in sources)


@pytest.mark.unit
def test_a_new_task_is_estimated_by_its_own_numbers(sounds: Task[Any, Any]) -> None:
    """Once for every panel, at its usual size, before and after there is a script."""
    del ALL[sounds.name]
    before = _estimated()
    ALL[sounds.name] = sounds
    work = work_of_text(320, PER_PANEL)
    assert work.tasks[sounds.name] == work.tasks["Dialogue"]
    assert _estimated().llm.low == before.llm.low + work.tasks[sounds.name].low
    assert _estimated().usd.expected > before.usd.expected
    panels = [{"description": "Rain."}, {"description": "Fog."}]
    script = Script.model_validate({"title": "A script", "scenes": [{"panels": panels}]})
    assert work_of_script(script, PER_PANEL).tasks[sounds.name].expected == Decimal(2)


def _estimated() -> Estimate:
    options = PER_PANEL.model_copy(update={"llm": "openai", "llm_model": "gpt-5.2"})
    return estimate(work_of_text(320, options), options, Prices(), {})


async def _panel(database: Database, ordered: Ordered) -> Panel:
    """A described panel in the chapter's only scene."""
    project_id = ordered.run.project_id
    scene = Scene(
        project_id=project_id,
        chapter_id=ordered.run.chapter_id,
        position=0,
        sentences=["It rained."],
        summary="It rains.",
        state=SceneState.DESCRIBED,
    )
    panel = Panel(project_id=project_id, scene_id=scene.id, position=0, shot=Shot.WIDE, description="Heavy rain.")
    async with database.session() as session:
        session.add(scene)
        await session.flush()
        session.add(panel)
    return panel


async def _stale(database: Database, ordered: Ordered, part: str) -> list[tuple[str, list[str]]]:
    """How the part is listed, and why; and it is counted as often as it is listed."""
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        parts = [found for found in await stale_parts(session, chapter, PER_PANEL) if found.part == part]
        work = await work_left(session, chapter, PER_PANEL)
    (task,) = (task for task in ALL.values() if task.part == part)
    assert work.tasks[task.name].expected == len(parts)
    return [(found.state.value, found.because) for found in parts]


async def _written(database: Database, ordered: Ordered, task: Task[Any, Any], panel: Panel) -> TaskDone:
    """The activity, as a worker runs it, with the offline writer."""
    writer = OfflineWriter(ALL.values(), made_up_answers)
    work = Writing(database, {"offline": writer}, Prices(), Terms(), tasks=[task])
    (activity,) = work.activities()
    call = TaskCall(**ordered.run.model_dump(exclude={"chapter_id"}), target_id=panel.id)
    done: TaskDone = await ActivityEnvironment().run(activity, call)
    return done


@pytest.mark.integration
async def test_a_new_task_is_asked_stored_and_kept_up_to_date(
    database: Database, order: Order, sounds: Task[Any, Any]
) -> None:
    """Listed while it is missing, written offline and paid for once, stale as soon as its input changes."""
    ordered = await order()
    panel = await _panel(database, ordered)
    assert await _stale(database, ordered, "sounds") == [("missing", [])]
    done = await _written(database, ordered, sounds, panel)
    assert (done.cached, done.attempts) == (False, 1)
    async with database.session() as session:
        assert (await get(session, ordered.scope, Panel, panel.id)).notes == {"sounds": "SPLASH"}
    assert await _stale(database, ordered, "sounds") == []
    assert (await _written(database, ordered, sounds, panel)).cached
    async with database.session() as session:
        changed = await get(session, ordered.scope, Panel, panel.id, lock=True)
        changed.description = "Silence."
        session.add(changed)
    assert await _stale(database, ordered, "sounds") == [("stale", ["description"])]
