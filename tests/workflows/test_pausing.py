"""A generation that is paused makes no call until it is resumed, however long that takes and whoever dies meanwhile."""

import asyncio

import pytest
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import Conflict, ProviderRefused
from engine.llm import LLMReply, LLMRequest
from engine.store import events, generations, holds
from engine.store.rows import get
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Generation
from tests.conftest import Order, Ordered
from tests.support.resting import at_rest
from tests.working import STORY, Generate, Painter, Working, Writer, finished, reached
from workflows.starting import start, wake

pytestmark = pytest.mark.workflow


async def begin(client: Client, database: Database, ordered: Ordered) -> None:
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
    await start(database, client, generation)


async def pause(database: Database, ordered: Ordered) -> None:
    async with database.session() as session:
        await holds.pause(session, ordered.scope, ordered.run.generation_id)


async def resume(client: Client, database: Database, ordered: Ordered) -> None:
    async with database.session() as session:
        workflows = await holds.resume(session, ordered.scope, ordered.run.generation_id, skip=False)
    await wake(client, workflows)


async def started(database: Database, ordered: Ordered) -> Generation:
    """The generation once its workflow has begun it."""
    async with asyncio.timeout(30):
        while True:
            generation = await reached(database, ordered, GenerationStatus.PAUSED)
            if generation.started_at is not None:
                return generation
            await asyncio.sleep(0.05)


async def told(database: Database, ordered: Ordered) -> list[str]:
    async with database.session() as session:
        return [event.type for event in await events.of_generation(session, ordered.run.generation_id, 0, 500)]


async def test_in_the_middle(client: Client, database: Database, order: Order, working: Working) -> None:
    """Calls in flight are answered and kept, no other is made; other workers go on, and nothing is asked twice."""
    ordered = await order(STORY)
    halfway = asyncio.Event()
    writer = Writer()

    async def at_the_third(request: LLMRequest) -> LLMReply | None:
        if len(writer.asked) == 3:
            await pause(database, ordered)
            halfway.set()
        return None

    writer.before = at_the_third
    painter = Painter()
    async with working(writer, painter):
        await begin(client, database, ordered)
        await asyncio.wait_for(halfway.wait(), 30)
        await reached(database, ordered, GenerationStatus.PAUSED)
        asked = len(writer.asked), len(painter.asked)
        await at_rest(client, generation_workflow_id(ordered.run.generation_id))
        assert (len(writer.asked), len(painter.asked)) == asked
    assert (len(writer.asked), len(painter.asked)) == asked
    async with working(writer, painter):
        await resume(client, database, ordered)
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED
    requests = [repr(request) for request in writer.asked]
    assert len(set(requests)) == len(requests)
    types = await told(database, ordered)
    assert types.index("generation.paused") < types.index("generation.resumed")
    assert (types.count("generation.paused"), types.count("generation.resumed")) == (1, 1)


async def test_before_it_has_begun(client: Client, database: Database, order: Order, working: Working) -> None:
    """The workflow starts and waits; not a single call is made."""
    ordered = await order(STORY, until="script")
    await pause(database, ordered)
    writer = Writer()
    async with working(writer, Painter()):
        await begin(client, database, ordered)
        generation = await started(database, ordered)
        await at_rest(client, generation_workflow_id(generation.id))
        assert generation.status == GenerationStatus.PAUSED
        assert (writer.asked, generation.started_at is not None) == ([], True)
        await resume(client, database, ordered)
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED


async def test_paused_and_resumed_before_it_has_begun(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """It is as if it had not been; its workflow begins it as usual."""
    ordered = await order(STORY, until="script")
    await pause(database, ordered)
    await pause(database, ordered)
    async with database.session() as session:
        assert await holds.resume(session, ordered.scope, ordered.run.generation_id, skip=False) == []
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        assert generation.status == GenerationStatus.REQUESTED
    async with working(Writer(), Painter()):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
    types = await told(database, ordered)
    assert types.count("generation.paused") == 1
    assert types.count("generation.started") == 1


async def test_resuming_decides_nothing_else(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """What was refused still waits for a person after what was paused goes on."""
    ordered = await order(STORY, until="script")
    writer = Writer()

    async def refuse(request: LLMRequest) -> LLMReply | None:
        if request.task == "SceneSummary" and writer.before is not None:
            raise ProviderRefused("This may not be told.")
        return None

    writer.before = refuse
    async with working(writer, Painter()):
        await begin(client, database, ordered)
        await reached(database, ordered, GenerationStatus.WAITING_REVIEW)
        await pause(database, ordered)
        await reached(database, ordered, GenerationStatus.PAUSED)
        await resume(client, database, ordered)
        await reached(database, ordered, GenerationStatus.WAITING_REVIEW)
        writer.before = None
        await resume(client, database, ordered)
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED


async def test_what_is_over_cannot_be_paused(database: Database, order: Order) -> None:
    """The caller is told so."""
    ordered = await order()
    run = ordered.run
    async with database.session() as session:
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
    with pytest.raises(Conflict):
        await pause(database, ordered)
