"""What was paid for once is not paid for again, whatever is asked for next."""

import asyncio

import pytest
from sqlmodel import select
from temporalio import activity
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import ProviderRejected
from engine.images import ImageRequest, ImageResult
from engine.llm import LLMReply, LLMRequest
from engine.providers.usage import Tokens
from engine.store.rows import get
from engine.store.scripts import script_of
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Chapter, Generation, ProviderCall
from tests.conftest import Order
from tests.support.variants import another_chapter, variant
from tests.working import STORY, Generate, Painter, Working, Writer, finished
from workflows.starting import start

pytestmark = pytest.mark.workflow


async def test_another_format_asks_the_writer_nothing(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Script first, then pages, then a strip: the words are the same, and known."""
    ordered = await order(STORY, until="script")
    async with working(Writer(), Painter()):
        await generate(ordered)
    for options in ({"until": "pages"}, {"format": "webtoon", "direction": "rtl"}):
        writer, painter = Writer(), Painter()
        async with working(writer, painter):
            generation = await generate(await variant(database, ordered, **options))
        assert generation.status == GenerationStatus.COMPLETED
        assert [request.task for request in writer.asked] == []
        # Whoever draws is told which way the page is read.
        drawn = {request.panel.direction for request in painter.asked if request.panel}
        assert drawn == {options.get("direction", "ltr")}


async def test_an_unedited_script_is_not_drawn_again(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """`script.json` holds all that a picture depends on: run as it is, every picture is found."""
    ordered = await order(STORY)
    async with working(Writer(), Painter()):
        await generate(ordered)
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        told = await script_of(session, chapter, ordered.run.options)
    assert told.script is not None
    writer, painter = Writer(), Painter()
    again = await another_chapter(database, ordered, "", told.script.model_dump(mode="json"), {})
    async with working(writer, painter):
        generation = await generate(again)
    assert generation.status == GenerationStatus.COMPLETED
    assert (writer.asked, painter.asked) == ([], [])


async def test_every_repair_is_a_question_of_its_own(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The same mistake twice gives the same notes; the third attempt is asked all the same."""
    ordered = await order(STORY, until="script")
    asked = 0

    async def wrong_twice(request: LLMRequest) -> LLMReply | None:
        nonlocal asked
        asked += request.task == "ChapterOutline"
        return (
            LLMReply("not json", "", "stop", Tokens(1, 1)) if request.task == "ChapterOutline" and asked < 3 else None
        )

    async with working(Writer(wrong_twice), Painter()):
        generation = await generate(ordered)
    assert (generation.status, asked) == (GenerationStatus.COMPLETED, 3)


async def test_drafts_that_came_out_are_shown_though_one_did_not(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Three were paid for; the fourth was refused, which is no reason to show none."""
    ordered = await order("Mara laughed.", drafts=3)
    refused = 0

    async def refuse_one(request: ImageRequest) -> ImageResult | None:
        nonlocal refused
        if request.panel is not None and not refused:
            refused += 1
            raise ProviderRejected("no")
        return None

    async with working(Writer(), Painter(refuse_one)):
        generation = await generate(ordered)
    assert (generation.status, refused) == (GenerationStatus.COMPLETED, 1)


async def test_a_cancelled_activity_stores_the_answer_that_is_on_its_way(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """Cancelled while the artist draws: the picture is paid for, so it is kept."""
    ordered = await order("Mara laughed.")
    drawing = asyncio.Event()

    async def slow(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            drawing.set()
            await activity.wait_for_cancelled()
        return None

    async with working(Writer(), Painter(slow)):
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await start(database, client, generation)
        await asyncio.wait_for(drawing.wait(), 60)
        await client.get_workflow_handle(generation_workflow_id(generation.id)).cancel()
        generation = await finished(database, ordered)
    assert generation.status == GenerationStatus.CANCELLED
    async with database.session() as session:
        calls = await session.exec(select(ProviderCall.state).where(ProviderCall.generation_id == generation.id))
        assert set(calls.all()) == {"confirmed"}
