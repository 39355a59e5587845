"""The table of descriptors is what workers register: name, argument, result and queue of everything that is called."""

import re
from typing import Any, cast

import pytest
from temporalio import activity

from activities.batching import Batching
from activities.files import Files
from activities.pages import Pages
from activities.records import Records
from activities.rendering import Rendering
from activities.translating import Translating
from activities.webhooks import WebhookActivities
from activities.writing import Writing
from engine.money.ledger import Terms
from engine.money.prices import Prices
from engine.webhooks.sender import WebhookSender
from inkloom.all_workflows import ALL_WORKFLOWS
from inkloom.described import require_activities, require_workflows
from inkloom.sweeping import Sweeping
from models.runs import ChapterRun, Run, TaskCall, TaskDone
from workflows.dispatch.queues import IO, PAGES, SWEEPS, WEBHOOKS, image_queue, llm_queue
from workflows.dispatch.table import ACTIVITIES, PAID
from workflows.panel import PanelWorkflow

pytestmark = pytest.mark.unit

# None of them touches what it is made of before it runs.
_NOTHING = cast(Any, None)
REGISTERED = {
    IO: [*Records(_NOTHING).activities(), *Translating(_NOTHING).activities(), *Batching(_NOTHING).activities()],
    PAGES: [*Pages(_NOTHING, _NOTHING).activities(), *Files(_NOTHING, _NOTHING).activities()],
    WEBHOOKS: WebhookActivities(_NOTHING, WebhookSender(), [""]).activities(),
    SWEEPS: Sweeping(_NOTHING, _NOTHING, _NOTHING).activities(),
    llm_queue("offline"): Writing(_NOTHING, {}, Prices(), Terms()).activities(),
    image_queue("offline"): Rendering(_NOTHING, _NOTHING, {}, Prices(), Terms()).activities(),
}


@pytest.mark.parametrize("queue", REGISTERED)
def test_every_activity_is_what_workflows_call(queue: str) -> None:
    require_activities(queue, REGISTERED[queue])


def test_every_descriptor_is_served() -> None:
    """A workflow that calls what nobody serves would wait for ever."""
    served = {activity._Definition.must_from_callable(each).name for many in REGISTERED.values() for each in many}
    assert served == {known.name for known in ACTIVITIES} | {known.name for known in PAID}


def test_every_child_workflow_is_what_workflows_start() -> None:
    require_workflows(ALL_WORKFLOWS)
    with pytest.raises(TypeError, match="PanelWorkflow"):
        require_workflows([kind for kind in ALL_WORKFLOWS if kind is not PanelWorkflow])


@activity.defn(name="begin_generation")
async def another_argument(run: ChapterRun) -> None: ...


@activity.defn(name="begin_generation")
async def another_result(run: Run) -> bool:
    return True


@activity.defn(name="unheard_of")
async def unheard_of(run: Run) -> None: ...


@activity.defn(name="Dialogue")
async def dialogue(call: TaskCall) -> TaskDone:
    return TaskDone(cached=False)


@pytest.mark.parametrize(
    ("queue", "function", "why"),
    [
        pytest.param(IO, another_argument, "unlike its descriptor", id="argument"),
        pytest.param(IO, another_result, "unlike its descriptor", id="result"),
        pytest.param(IO, unheard_of, "has no descriptor", id="name"),
        pytest.param(IO, dialogue, "called on 'llm-'", id="queue of a provider"),
        pytest.param(PAGES, REGISTERED[IO][0], "called on 'io'", id="queue"),
    ],
)
def test_a_worker_refuses_what_differs(queue: str, function: Any, why: str) -> None:
    with pytest.raises(TypeError, match=re.escape(why)):
        require_activities(queue, [function])
