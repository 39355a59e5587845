"""What a generation waits for is seen in the generation, in its events, and by those who follow it."""

import asyncio

import pytest

from engine.db.session import Database
from engine.errors import ProviderBusy
from engine.llm import LLMReply, LLMRequest
from engine.storage.folder import FolderStorage
from engine.store import delays, events
from inkloom.watch import follow
from models.options import DelayReason, GenerationStatus
from models.tables import Event
from tests.conftest import Order, Ordered
from tests.working import Generate, Painter, Working, Writer

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(180)]


class Lines:
    """A display that keeps what it is given to say."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def update(self, progress: float) -> None: ...

    def say(self, line: str) -> None:
        self.said.append(line)


async def listed(database: Database, ordered: Ordered) -> list[delays.Listed]:
    async with database.session() as session:
        return await delays.waiting_of(session, [ordered.run.generation_id])


async def announced(database: Database, ordered: Ordered) -> list[Event]:
    async with database.session() as session:
        told = await events.of_generation(session, ordered.run.generation_id, 0, 200)
    return [event for event in told if event.type == "generation.delayed"]


async def test_a_provider_that_is_down_is_seen_until_it_is_back(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Reason, words, since when and when next; an event, and a line for those who follow. Then nothing is left."""
    ordered = await order("Mara laughed.", until="script")
    back = asyncio.Event()
    display = Lines()

    async def down(_: LLMRequest) -> LLMReply | None:
        if not back.is_set():
            raise ProviderBusy("offline answered 500.", detail="model requires more system memory", retry_after=1)
        return None

    async with working(Writer(down), Painter()):
        running = asyncio.ensure_future(generate(ordered))
        following = asyncio.ensure_future(follow(database, ordered.run.project_id, ordered.run.generation_id, display))
        async with asyncio.timeout(60):
            while not (display.said and await announced(database, ordered)):  # noqa: ASYNC110  # rows do not notify
                await asyncio.sleep(0.1)
        [delay] = await listed(database, ordered)
        back.set()
        generation = await running
        await following
    assert (delay.reason, delay.purpose) == (DelayReason.PROVIDER_DOWN, "ChapterOutline")
    assert (delay.said, delay.next_try is not None) == ("model requires more system memory", True)
    assert "offline answered 500. It said: model requires more system memory" in display.said[0]
    assert generation.status == GenerationStatus.COMPLETED
    assert await listed(database, ordered) == []
    [event] = await announced(database, ordered)
    assert (event.data["reason"], event.data["said"]) == ("provider_down", delay.said)


async def test_storage_that_cannot_be_written_to_is_seen_while_a_paid_picture_waits(
    database: Database, order: Order, working: Working, generate: Generate, storage: FolderStorage
) -> None:
    """The picture waits inside its activity, for minutes: that is listed too, and ends with it."""
    ordered = await order("Mara laughed.")
    painter = Painter()
    # Where the folder should be is a file.
    storage.root.write_bytes(b"")
    async with working(Writer(), painter):
        running = asyncio.ensure_future(generate(ordered))
        async with asyncio.timeout(60):
            while not (found := await listed(database, ordered)):  # noqa: ASYNC110  # rows do not notify
                await asyncio.sleep(0.1)
        storage.root.unlink()
        generation = await running
    assert {(delay.reason, delay.purpose) for delay in found} <= {
        (DelayReason.STORAGE, "draw_panel"),
        (DelayReason.STORAGE, "draw_sheet"),
    }
    assert generation.status == GenerationStatus.COMPLETED
    assert await listed(database, ordered) == []
