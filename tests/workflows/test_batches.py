"""A batch takes its items through to their end: side by side, whatever becomes of single ones."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import Conflict, ProviderRejected
from engine.llm import LLMReply, LLMRequest
from engine.money.prices import Prices
from engine.settings import Price
from engine.store import batch_events, batches, generations
from models.batches import BatchStatus, ItemState
from models.ids import batch_workflow_id, generation_workflow_id
from models.options import GenerationKind, GenerationStatus
from models.tables import Generation
from tests.batched import SCRIPT, Shelf, shelf
from tests.working import Painter, Working, Writer
from workflows.dispatch.attributes import BATCH_ID
from workflows.starting import start_batch, wake

pytestmark = pytest.mark.workflow


@pytest.fixture
async def mine(database: Database) -> AsyncIterator[Shelf]:
    async with shelf(database) as opened:
        yield opened


async def test_all_items_end(client: Client, mine: Shelf, working: Working) -> None:
    """Never more at a time than asked for; each item has one generation; the events say what happened, without gaps."""
    chapters = [*await mine.chapters(4), *await mine.chapters(3)]
    batch = await mine.batch(chapters, at_a_time=2)
    most = 0

    async def watch(request: LLMRequest) -> LLMReply | None:
        nonlocal most
        most = max(most, (await mine.counts(batch)).running)
        return None

    async with working(Writer(watch), Painter()):
        ended = await mine.run(client, batch)
    assert ended.status == BatchStatus.COMPLETED
    assert most == 2
    items = await mine.items(batch)
    assert [item.state for item in items] == [ItemState.COMPLETED] * 7
    assert len({item.generation_id for item in items}) == 7
    async with mine.database.session() as session:
        found = await batch_events.later_than(session, batch.id, 0, 1000)
        made = [await session.get_one(Generation, item.generation_id) for item in items]
    assert [event.seq for event in found] == list(range(1, len(found) + 1))
    types = [event.type for event in found]
    assert types[:2] == ["batch.requested", "batch.started"]
    assert types[-1] == "batch.completed"
    assert types.count("item.completed") == 7
    assert {one.status for one in made} == {GenerationStatus.COMPLETED}
    assert {one.options.priority for one in made} == {5}
    assert {one.batch_id for one in made} == {batch.id}
    described = await client.get_workflow_handle(batch_workflow_id(batch.id)).describe()
    assert await described.static_summary() == "batch: A batch"
    assert f"GET /api/v1/batches/{batch.id}" in (await described.static_details() or "")
    assert described.typed_search_attributes[BATCH_ID] == str(batch.id)
    child = await client.get_workflow_handle(generation_workflow_id(made[0].id)).describe()
    assert child.typed_search_attributes[BATCH_ID] == str(batch.id)
    assert (await child.static_summary() or "").startswith("chapter: Test / Chapter 0")


async def test_a_failing_item_holds_up_nothing(
    client: Client, mine: Shelf, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again, then set aside with its reason; a retry of the batch tries it once more and keeps the rest."""
    monkeypatch.setattr("engine.batches.advance.AGAIN_IN", timedelta(0))
    chapters = await mine.chapters(3)
    poison = chapters[1].source_text
    fails = True

    async def refuse(request: LLMRequest) -> LLMReply | None:
        if fails and poison in request.prompt:
            raise ProviderRejected("it does not like this text")
        return None

    batch = await mine.batch(chapters)
    writer = Writer(refuse)
    async with working(writer, Painter()):
        assert (await mine.run(client, batch)).status == BatchStatus.COMPLETED_WITH_FAILURES
        items = await mine.items(batch)
        assert [item.state for item in items] == [ItemState.COMPLETED, ItemState.FAILED, ItemState.COMPLETED]
        assert items[1].attempt == 2
        assert "it does not like this text" in items[1].error
        fails = False
        asked = len(writer.asked)
        async with mine.database.session() as session:
            again = await batches.retry(session, mine.scope, batch.id)
        assert (await mine.run(client, again)).status == BatchStatus.COMPLETED
    assert all(poison in one.prompt or "Mara" in one.prompt for one in writer.asked[asked:])
    assert [item.generation_id for item in items[::2]] == [
        item.generation_id for item in (await mine.items(batch))[::2]
    ]


async def test_pause_and_resume(client: Client, mine: Shelf, working: Working) -> None:
    """While it is paused no item is started, and those at work end."""
    chapters = await mine.chapters(4)
    batch = await mine.batch(chapters, at_a_time=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: LLMRequest) -> LLMReply | None:
        begun.set()
        await go_on.wait()
        return None

    async with working(Writer(wait), Painter()):
        await start_batch(client, batch)
        await begun.wait()
        async with mine.database.session() as session:
            await batches.pause(session, mine.scope, batch.id)
        go_on.set()

        await mine.until(batch, lambda counts: counts.completed == 1)
        assert await mine.counts(batch) == batches.Counts(waiting=3, completed=1)
        async with mine.database.session() as session:
            await batches.resume(session, mine.scope, batch.id)
        await wake(client, [batch_workflow_id(batch.id)])
        assert (await mine.ended(batch)).status == BatchStatus.COMPLETED


async def test_cancel_reaches_what_runs(client: Client, mine: Shelf, working: Working) -> None:
    chapters = await mine.chapters(3)
    batch = await mine.batch(chapters, at_a_time=1)
    begun = asyncio.Event()

    async def hang(request: LLMRequest) -> LLMReply | None:
        begun.set()
        await asyncio.sleep(3600)
        return None

    async with working(Writer(hang), Painter(), llm_patience=0.1, image_patience=0.1):
        await start_batch(client, batch)
        await begun.wait()
        async with mine.database.session() as session:
            await batches.cancel(session, mine.scope, batch.id)
        await wake(client, [batch_workflow_id(batch.id)])
        assert (await mine.ended(batch)).status == BatchStatus.CANCELLED
    assert await mine.counts(batch) == batches.Counts(cancelled=3)


async def test_cancelled_in_temporal(client: Client, mine: Shelf, working: Working) -> None:
    """What someone cancels in Temporal's UI is the batch: its items are not left running."""
    batch = await mine.batch(await mine.chapters(2), at_a_time=1)
    begun = asyncio.Event()

    async def hang(request: LLMRequest) -> LLMReply | None:
        begun.set()
        await asyncio.sleep(3600)
        return None

    async with working(Writer(hang), Painter(), llm_patience=0.1, image_patience=0.1):
        await start_batch(client, batch)
        await begun.wait()
        await client.get_workflow_handle(batch_workflow_id(batch.id)).cancel()
        assert (await mine.ended(batch)).status == BatchStatus.CANCELLED


async def test_a_busy_chapter_is_waited_for(
    client: Client, mine: Shelf, working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chapter that someone generates by hand keeps its place in the queue, and others go before it."""
    monkeypatch.setattr("engine.batches.advance.BUSY_FOR", timedelta(seconds=1))
    chapters = await mine.chapters(2)
    async with mine.database.session() as session:
        by_hand = await generations.request(
            session,
            project_id=chapters[0].project_id,
            chapter_id=chapters[0].id,
            kind=GenerationKind.CHAPTER,
            options=SCRIPT,
        )
    batch = await mine.batch(chapters)
    async with working(Writer(), Painter()):
        await start_batch(client, batch)

        await mine.until(batch, lambda counts: counts.completed == 1)
        busy = (await mine.items(batch))[0]
        assert busy.state == ItemState.WAITING
        assert "already being generated" in busy.error
        async with mine.database.session() as session:
            await generations.end(session, by_hand.project_id, by_hand.id, GenerationStatus.CANCELLED)
        assert (await mine.ended(batch)).status == BatchStatus.COMPLETED


async def test_not_before(client: Client, mine: Shelf, working: Working) -> None:
    """It starts by a timer of its own, without any signal."""
    batch = await mine.batch(await mine.chapters(1), not_before=datetime.now(UTC) + timedelta(seconds=4))
    async with working(Writer(), Painter()):
        ended = await mine.run(client, batch)
    first = (await mine.items(batch))[0]
    assert ended.status == BatchStatus.COMPLETED
    assert first.started_at is not None
    assert batch.not_before is not None
    assert first.started_at >= batch.not_before


async def test_a_lost_workflow_goes_on(client: Client, mine: Shelf, working: Working) -> None:
    """Terminated between two items, it is started again from its rows, and no item is made twice."""
    batch = await mine.batch(await mine.chapters(3), at_a_time=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: LLMRequest) -> LLMReply | None:
        begun.set()
        await go_on.wait()
        return None

    writer = Writer(wait)
    async with working(writer, Painter()):
        await start_batch(client, batch)
        await begun.wait()
        await client.get_workflow_handle(batch_workflow_id(batch.id)).terminate()
        go_on.set()
        assert (await mine.run(client, batch)).status == BatchStatus.COMPLETED
    assert {item.attempt for item in await mine.items(batch)} == {1}


async def test_the_budget_is_a_gate(client: Client, mine: Shelf, working: Working) -> None:
    """Once a call does not fit, nothing is started; a raised budget releases what waits, and the rest follows."""
    prices = Prices({"offline/": Price(call=Decimal("0.01"))})
    batch = await mine.batch(await mine.chapters(4), at_a_time=1, budget_usd=Decimal("0.02"))
    async with working(Writer(), Painter(), prices=prices):
        await start_batch(client, batch)

        await mine.until(batch, lambda counts: counts.held == 1)
        assert (await mine.counts(batch)).waiting == 3
        async with mine.database.session() as session:
            _, woken = await batches.set_budget(session, mine.scope, batch.id, Decimal(10))
        await wake(client, [*woken, batch_workflow_id(batch.id)])
        ended = await mine.ended(batch)
    assert ended.status == BatchStatus.COMPLETED
    assert Decimal("0.02") < ended.spent_usd <= Decimal(10)


async def test_one_batch_of_a_folder(mine: Shelf) -> None:
    """A second one is refused while the first is open."""
    chapters = await mine.chapters(1)
    items = [batches.NewItem(project_id=chapters[0].project_id, target_ids=[chapters[0].id])]

    async def make() -> None:
        async with mine.database.session() as session:
            await batches.request(
                session, mine.owner_id, "A folder", items, SCRIPT, batches.Terms(), identity_key="folder"
            )

    await make()
    with pytest.raises(Conflict, match="open already"):
        await make()


async def test_events_are_read_up_to_a_number(mine: Shelf) -> None:
    """A socket that catches up would send what comes meanwhile twice: as missed, and as new."""
    batch = await mine.batch(await mine.chapters(1))
    for width in range(2, 6):
        async with mine.database.session() as session:
            await batches.change(session, mine.scope, batch.id, at_a_time=width)
    async with mine.database.session() as session:
        read = {
            (after, until, limit): [
                event.seq for event in await batch_events.between(session, batch.id, after, until, limit)
            ]
            for after, until, limit in ((0, 3, 200), (3, 5, 1), (4, 5, 200))
        }
    assert read == {(0, 3, 200): [1, 2, 3], (3, 5, 1): [4], (4, 5, 200): [5]}
