"""Whole chapters on a real server: finished, failed in part, retried, cancelled, restarted."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError

from engine.db.session import Database
from engine.errors import ProviderBusy, ProviderRejected
from engine.images import ImageRequest, ImageResult
from engine.llm import LLMReply, LLMRequest
from engine.providers.usage import Tokens
from engine.store import events, generations, tallies
from engine.store.rows import get
from inkloom.sweeper import sweep
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Event, Export, Generation, Page, Panel, ProviderCall, Scene, TaskResult
from tests.conftest import Order, Ordered
from tests.support.chapter_failures import failures
from tests.working import STORY, Generate, Painter, Working, Writer, again, finished
from workflows.starting import start

pytestmark = pytest.mark.workflow


async def events_of(database: Database, ordered: Ordered) -> Sequence[Event]:
    async with database.session() as session:
        query = select(Event).where(Event.generation_id == ordered.run.generation_id).order_by(col(Event.seq))
        return (await session.exec(query)).all()


async def calls_of(database: Database, ordered: Ordered) -> Sequence[ProviderCall]:
    async with database.session() as session:
        query = select(ProviderCall).where(ProviderCall.project_id == ordered.run.project_id)
        return (await session.exec(query.order_by(col(ProviderCall.id)))).all()


async def test_a_story_becomes_pages_and_files(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Everything is there at the end, every call was confirmed once, and progress told it in order."""
    ordered = await order(STORY, drafts=2)
    writer, painter = Writer(), Painter()
    async with working(writer, painter):
        generation = await generate(ordered)
    assert (generation.status, generation.error) == (GenerationStatus.COMPLETED, "")
    calls = await calls_of(database, ordered)
    assert {call.state for call in calls} == {"confirmed"}
    assert len(calls) == len(writer.asked) + len(painter.asked)
    async with database.session() as session:
        made = await tallies.count_rows(session, ordered.run.chapter_id)
        exports = (await session.exec(select(Export.format).where(Export.chapter_id == ordered.run.chapter_id))).all()
        results = (await session.exec(select(TaskResult).where(TaskResult.project_id == ordered.run.project_id))).all()
    assert made.scenes == 2
    assert made.drafts == 2 * made.panels
    assert made.pages >= 1
    assert sorted(exports) == ["cbz", "epub", "pdf"]
    assert {result.task for result in results} == {
        "ChapterOutline", "SceneSummary", "CharacterProfile", "PanelDescription", "Dialogue", "VisualPrompt"
    }  # fmt: skip
    assert all(result.status == "completed" and result.attempts == 1 and result.output_tokens for result in results)
    told = await events_of(database, ordered)
    progress = [event.data["progress"] for event in told if "progress" in event.data]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert max(progress[:-1]) > 0.95
    assert [told[0].type, told[1].type, told[-1].type] == [
        "generation.requested",
        "generation.started",
        "generation.completed",
    ]


async def test_starting_twice_runs_once_even_after_the_end(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The same order, started by two at once and again when it is done, is one run."""
    ordered = await order(STORY, until="script")
    writer = Writer()
    async with working(writer, Painter()):
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await asyncio.gather(*(start(database, client, generation) for _ in range(5)))
        await generate(ordered)
        asked = len(writer.asked)
        await start(database, client, generation)
        await asyncio.sleep(0.5)
    assert len(writer.asked) == asked
    runs = [run async for run in client.list_workflows(f'WorkflowId = "{generation_workflow_id(generation.id)}"')]
    assert len(runs) == 1


async def test_a_finished_chapter_asked_for_again_costs_nothing(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """A second generation of the same finds every answer, every draft and every page where they were."""
    ordered = await order(STORY)
    async with working(Writer(), Painter()):
        await generate(ordered)
    writer, painter = Writer(), Painter()
    retried = await again(database, ordered)
    async with working(writer, painter):
        generation = await generate(retried)
    assert generation.status == GenerationStatus.COMPLETED
    assert (len(writer.asked), len(painter.asked)) == (0, 0)
    assert "page.composed" not in {event.type for event in await events_of(database, retried)}


async def test_a_panel_that_fails_for_good_is_marked_and_retried_alone(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The others go on; the page keeps its place; the retry asks for that one picture and nothing else."""
    ordered = await order(STORY)

    async def refuse(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None and request.panel.dialogue and "Wait" in request.panel.dialogue[0].text:
            raise ProviderRejected("The model does not know this size.")
        return None

    async with working(Writer(), Painter(refuse)):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED_WITH_FAILURES
    assert generation.progress == 1.0
    async with database.session() as session:
        why = await failures(session, ordered.run.chapter_id)
        pages = (await session.exec(select(Page).where(Page.chapter_id == ordered.run.chapter_id))).all()
    assert len(why) == 1
    assert "does not know this size" in why[0]
    assert pages
    assert all(page.image_id for page in pages)
    writer, painter = Writer(), Painter()
    retried = await again(database, ordered)
    async with working(writer, painter):
        generation = await generate(retried)
    assert generation.status == GenerationStatus.COMPLETED
    assert (len(writer.asked), len(painter.asked)) == (0, 1)
    async with database.session() as session:
        assert await failures(session, ordered.run.chapter_id) == []


async def test_a_sheet_that_fails_is_told_and_drawn_by_a_retry(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Panels are drawn without it; the reason is kept where the failures are listed, until there is a sheet."""
    ordered = await order(STORY)

    async def no_sheets(request: ImageRequest) -> ImageResult | None:
        if request.sheet is not None and request.sheet.name == "Mara":
            raise ProviderRejected("This size is not known.")
        return None

    async with working(Writer(), Painter(no_sheets)):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED_WITH_FAILURES
    async with database.session() as session:
        assert await failures(session, ordered.run.chapter_id) == ["character sheet of Mara: This size is not known."]
        told = await events.of_generation(session, ordered.run.generation_id, 0, 200)
    assert [event.data["name"] for event in told if event.type == "character.failed"] == ["Mara"]
    painter = Painter()
    async with working(Writer(), painter):
        generation = await generate(await again(database, ordered))
    assert generation.status == GenerationStatus.COMPLETED
    assert [request.sheet.name for request in painter.asked if request.sheet] == ["Mara"]
    async with database.session() as session:
        assert await failures(session, ordered.run.chapter_id) == []


async def test_a_busy_provider_is_asked_again_when_it_said(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """A 429 is waited for as long as it asks, shows as a failed attempt, and costs nobody their chapter."""
    ordered = await order("Mara laughed.", until="script")
    refused = 0

    async def busy(request: LLMRequest) -> LLMReply | None:
        nonlocal refused
        if request.task == "SceneSummary" and refused < 2:
            refused += 1
            raise ProviderBusy("Too many requests.", retry_after=0.2)
        return None

    async with working(Writer(busy), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED
    states = [call.state for call in await calls_of(database, ordered) if call.purpose == "SceneSummary"]
    assert states == ["failed", "failed", "confirmed"]


async def test_an_answer_that_fails_its_check_is_repaired_with_notes(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The next attempt is told what was wrong with the last; both are paid for, the good one is kept."""
    ordered = await order(STORY, until="script")
    prompts: list[str] = []

    async def first_wrong(request: LLMRequest) -> LLMReply | None:
        if request.task != "ChapterOutline":
            return None
        prompts.append(request.prompt)
        if len(prompts) > 1:
            return None
        wrong = {"scenes": [{"title": "t", "first": 1, "last": 1, "gist": "g"}], "characters": [], "places": []}
        return LLMReply(json.dumps(wrong), "", "stop", Tokens(1, 1))

    async with working(Writer(first_wrong), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert len(prompts) == 2
    assert "must begin at paragraph 0" in prompts[1]
    async with database.session() as session:
        query = select(TaskResult).where(
            TaskResult.project_id == ordered.run.project_id, TaskResult.task == "ChapterOutline"
        )
        assert (await session.exec(query)).one().attempts == 2


async def test_a_writer_that_never_gets_it_right_fails_its_panel_not_the_chapter(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Repairs are bounded; what was wrong is kept and told."""
    ordered = await order(STORY, until="script")
    asked = 0

    async def nonsense(request: LLMRequest) -> LLMReply | None:
        nonlocal asked
        if request.task == "Dialogue" and "Wait" in request.prompt.split("own sentences:")[1].split("[[end")[0]:
            asked += 1
            return LLMReply("not json", "", "stop", Tokens(1, 1))
        return None

    async with working(Writer(nonsense), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED_WITH_FAILURES
    assert asked >= 1
    async with database.session() as session:
        query = select(Panel.failure).where(Panel.project_id == ordered.run.project_id, Panel.state == "failed")
        assert [("Invalid JSON" in why) for why in (await session.exec(query)).all()] == [True]
    writer = Writer()
    async with working(writer, Painter()):
        generation = await generate(await again(database, ordered))
    assert generation.status == GenerationStatus.COMPLETED
    assert [request.task for request in writer.asked] == ["Dialogue"]


async def test_a_cancelled_chapter_leaves_nothing_in_flight(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """Cancel in the middle of drawing: the status, the event and the ledger all say so."""
    ordered = await order(STORY)
    drawing = asyncio.Event()

    async def slow(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            drawing.set()
            await asyncio.sleep(60)
        return None

    async with working(Writer(), Painter(slow)):
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await start(database, client, generation)
        await asyncio.wait_for(drawing.wait(), 60)
        handle = client.get_workflow_handle(generation_workflow_id(generation.id))
        await handle.cancel()
        generation = await finished(database, ordered)
        with pytest.raises(WorkflowFailureError) as stopped:
            await handle.result()
    assert isinstance(stopped.value.cause, CancelledError)
    assert generation.status == GenerationStatus.CANCELLED
    assert {call.state for call in await calls_of(database, ordered)} <= {"confirmed", "failed", "unknown"}
    assert (await events_of(database, ordered))[-1].type == "generation.cancelled"
    description = await handle.describe()
    assert description.status == WorkflowExecutionStatus.CANCELED


async def test_a_script_is_drawn_as_it_stands(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Words and prompts that a person wrote are kept; only what is missing is asked for."""
    script = {
        "title": "By hand",
        "characters": [{"name": "Ada", "age": "40", "hair": "grey bun", "clothes": "blue coat"}],
        "scenes": [
            {
                "place": "kitchen",
                "panels": [
                    {
                        "description": "Ada pours tea.",
                        "characters": ["Ada"],
                        "dialogue": [{"speaker": "Ada", "text": "Tea?"}],
                        "prompt": "A woman pours tea.",
                    },
                    {"description": "The cup.", "shot": "insert", "caption": "It was cold."},
                ],
            }
        ],
    }
    ordered = await order("", script=script)
    writer, painter = Writer(), Painter()
    async with working(writer, painter):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert [request.task for request in writer.asked] == ["VisualPrompt"]
    assert "A woman pours tea." in {request.prompt for request in painter.asked}
    async with database.session() as session:
        panels = (
            await session.exec(
                select(Panel)
                .join(Scene, col(Scene.id) == col(Panel.scene_id))
                .where(Scene.chapter_id == ordered.run.chapter_id)
                .order_by(col(Panel.position))
            )
        ).all()
    assert [panel.caption for panel in panels] == ["", "It was cold."]
    assert panels[0].dialogue == [{"speaker": "Ada", "kind": "speech", "text": "Tea?"}]


@pytest.mark.parametrize("max_panels", [1, 2, 3])
async def test_a_chapter_is_condensed_to_the_panels_asked_for(
    database: Database, order: Order, working: Working, generate: Generate, max_panels: int
) -> None:
    """Fewer panels than scenes is possible too."""
    ordered = await order(STORY, until="script", max_panels=max_panels)
    async with working(Writer(), Painter()):
        await generate(ordered)
    async with database.session() as session:
        made = await tallies.count_rows(session, ordered.run.chapter_id)
    assert 1 <= made.panels <= max_panels


async def test_the_sweeper_starts_what_nobody_started(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """Ordered, and the process died before it could start the workflow."""
    ordered = await order("Mara laughed.", until="script")
    async with working(Writer(), Painter()):
        await sweep(database, client, timedelta(0))
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED


async def test_the_sweeper_mends_what_temporal_lost_or_ended(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """A row that runs without a workflow is started again; one whose workflow was terminated is failed, and says so."""

    lost, ended = await order("Mara laughed.", until="script"), await order("Joss wept.", until="script")
    for one in (lost, ended):
        async with database.session() as session:
            await generations.begin(session, one.run.project_id, one.run.generation_id)
    async with database.session() as session:
        generation = await get(session, ended.scope, Generation, ended.run.generation_id)
    await start(database, client, generation)
    await client.get_workflow_handle(generation_workflow_id(generation.id)).terminate("by a test")
    async with working(Writer(), Painter()):
        await sweep(database, client, timedelta(0))
        assert (await finished(database, lost)).status == GenerationStatus.COMPLETED
        failed = await finished(database, ended)
    assert failed.status == GenerationStatus.FAILED
    assert "terminated" in failed.error


async def test_an_order_cancelled_before_it_began_does_nothing(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """The workflow that starts all the same finds the order ended, and asks nobody for anything."""
    ordered = await order(STORY)
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await generations.end(session, ordered.run.project_id, ordered.run.generation_id, GenerationStatus.CANCELLED)
    writer = Writer()
    async with working(writer, Painter()):
        await start(database, client, generation)
        with pytest.raises(WorkflowFailureError):
            await client.get_workflow_handle(generation_workflow_id(generation.id)).result()
    assert writer.asked == []
    assert (await events_of(database, ordered))[-1].type == "generation.cancelled"
