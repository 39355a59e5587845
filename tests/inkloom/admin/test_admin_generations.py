"""`admin generations` and `admin queues`: what is stuck is listed, ended, and started again."""

import json
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import Conflict, NotFound
from engine.settings import Settings
from engine.store import delays, open_work
from engine.store.rows import get
from inkloom.admin import generations, queues
from models.ids import generation_workflow_id
from models.options import DelayReason, GenerationStatus
from models.tables import Generation
from tests.conftest import Order, Ordered
from tests.working import STORY, Painter, Working, Writer, reached
from workflows.starting import start

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(180)]


@pytest.fixture
def installation(settings: Settings, database_url: str, temporal_address: str) -> Settings:
    return settings.model_copy(update={"database_url": database_url, "temporal_address": temporal_address})


async def row(database: Database, ordered: Ordered) -> Generation:
    async with database.session() as session:
        return await get(session, ordered.scope, Generation, ordered.run.generation_id)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


async def test_what_does_not_end_by_itself_is_terminated(
    installation: Settings, client: Client, database: Database, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    """No worker runs that could carry out the cancellation: when its time is over, the workflow is ended."""
    ordered = await order()
    await start(database, client, await row(database, ordered))
    generation_id = ordered.run.generation_id
    assert await generations.cancel_command(installation, generation_id, 0.2, as_json=True) == 0
    assert told(capsys) == {"generation_id": str(generation_id), "status": "cancelled", "terminated": True}
    description = await client.get_workflow_handle(generation_workflow_id(generation_id)).describe()
    assert description.status is not None
    assert description.status.name == "TERMINATED"
    with pytest.raises(Conflict, match="already cancelled"):
        await generations.cancel_command(installation, generation_id, 0, as_json=True)
    with pytest.raises(NotFound, match="admin generations list"):
        await generations.cancel_command(installation, uuid4(), 0, as_json=True)


async def test_what_was_never_started_is_cancelled_at_once(
    installation: Settings, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no workflow to wait for."""
    ordered = await order()
    await generations.cancel_command(installation, ordered.run.generation_id, 600, as_json=True)
    answer = told(capsys)
    assert (answer["status"], answer["terminated"]) == ("cancelled", False)


async def test_a_lost_generation_is_requeued_and_nothing_is_asked_twice(
    installation: Settings,
    client: Client,
    database: Database,
    order: Order,
    working: Working,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One that was not started is started, one that runs is left alone, one whose workflow ended is retried."""
    ordered = await order(STORY, review="outline", until="script")
    generation_id = ordered.run.generation_id
    await generations.requeue_command(installation, generation_id, as_json=True)
    assert told(capsys)["generation_id"] == str(generation_id)
    async with working(Writer(), Painter()):
        await reached(database, ordered, GenerationStatus.WAITING_REVIEW)
    with pytest.raises(Conflict, match="Its workflow runs"):
        await generations.requeue_command(installation, generation_id, as_json=True)
    await client.get_workflow_handle(generation_workflow_id(generation_id)).terminate()
    await generations.requeue_command(installation, generation_id, as_json=True)
    answer = told(capsys)
    assert answer["retry_of"] == str(generation_id)
    assert (await row(database, ordered)).status == GenerationStatus.FAILED
    writer = Writer()
    retried = Ordered(ordered.run.model_copy(update={"generation_id": answer["generation_id"]}), ordered.owner_id)
    async with working(writer, Painter()):
        await reached(database, retried, GenerationStatus.WAITING_REVIEW)
    assert writer.asked == []
    async with database.session() as session:
        [listed] = [one for one in await open_work.unfinished(session) if str(one.id) == answer["generation_id"]]
    assert (listed.stuck, listed.waiting, [wait.reason for wait in listed.waits]) == (False, True, ["review"])


async def test_those_that_are_stuck_are_listed_with_the_reason(
    installation: Settings, database: Database, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits for a provider is stuck, and the list says since when and why."""
    ordered = await order()
    waiting = delays.Waiting(
        project_id=ordered.run.project_id,
        generation_id=ordered.run.generation_id,
        part=f"part-{ordered.run.generation_id}",
        target_id=ordered.run.chapter_id,
        purpose="Dialogue",
        reason=DelayReason.PROVIDER_DOWN,
        message="vendor answered 503.",
    )
    async with database.session() as session:
        await delays.record(session, waiting)

    async def listed(**how: bool) -> list[Any]:
        capsys.readouterr()
        await generations.list_command(installation, **{"stuck": False, "waiting": False, **how}, as_json=True)
        return [one for one in told(capsys)["generations"] if one["id"] == str(ordered.run.generation_id)]

    [one] = await listed(stuck=True)
    assert (one["status"], one["project"], one["chapter"]) == ("requested", "Test", "A chapter")
    assert [(wait["reason"], wait["message"], wait["person"]) for wait in one["waits"]] == [
        ("provider_down", "vendor answered 503.", False)
    ]
    assert await listed(waiting=True) == []
    await generations.list_command(installation, stuck=False, waiting=False, as_json=False)
    assert "vendor answered 503." in capsys.readouterr().out


async def test_queues_name_what_waits_and_who_serves_it(
    installation: Settings, client: Client, database: Database, order: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tasks in a queue without a worker are a finding: the exit code says so."""
    ordered = await order()
    await start(database, client, await row(database, ordered))
    code = await queues.queues_command(installation, as_json=True)
    answer = told(capsys)
    names = [queue["queue"] for queue in answer["queues"]]
    assert names[0] == "workflows"
    assert {"io", "pages", "llm-offline", "images-offline"} <= set(names)
    assert code == (1 if answer["unserved"] else 0)
    assert await queues.queues_command(installation, as_json=False) == code
    assert capsys.readouterr().out.split()[0] == "queue"
    await generations.cancel_command(installation, ordered.run.generation_id, 0, as_json=True)
