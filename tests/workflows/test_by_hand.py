"""A workflow that was started by hand, by whoever reaches Temporal, pays for nothing that was not requested."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select
from temporalio.client import Client, WorkflowFailureError

from engine.db.session import Database
from engine.store.rows import get
from models.options import GenerationOptions, GenerationStatus
from models.runs import SceneRun
from models.tables import Generation, Panel, ProviderCall, Scene
from tests.conftest import Order, Ordered
from tests.working import Generate, Painter, Working, Writer, reached
from workflows.dispatch.queues import WORKFLOWS
from workflows.scene import SceneWorkflow
from workflows.starting import start

pytestmark = pytest.mark.workflow


async def scene_of(database: Database, ordered: Ordered) -> UUID:
    async with database.session() as session:
        query = select(Scene.id).where(Scene.chapter_id == ordered.run.chapter_id).order_by(col(Scene.position))
        return (await session.exec(query)).all()[0]


async def by_hand(client: Client, run: SceneRun) -> None:
    """Start the workflow as somebody outside of Inkloom would; it has to fail, or to do nothing."""
    try:
        await client.execute_workflow(SceneWorkflow.run, run, id=f"by-hand-{uuid4()}", task_queue=WORKFLOWS)
    except WorkflowFailureError:
        return


async def input_of(database: Database, ordered: Ordered) -> dict[str, Any]:
    """The input of a workflow for the first scene, without options."""
    return {
        "project_id": ordered.run.project_id,
        "generation_id": ordered.run.generation_id,
        "scene_id": await scene_of(database, ordered),
    }


async def calls_of(database: Database, ordered: Ordered) -> list[ProviderCall]:
    async with database.session() as session:
        query = select(ProviderCall).where(ProviderCall.project_id == ordered.run.project_id)
        return list((await session.exec(query)).all())


# What is written into the workflow's input, instead of what the row says.
INPUTS: dict[str, dict[str, Any]] = {
    "another artist": {"options": GenerationOptions(images="openai", drafts=8)},
    "another writer": {"options": GenerationOptions(llm="openai")},
    "another model": {"options": GenerationOptions(drafts=8, image_model="dear")},
    "no such project": {"project_id": uuid4(), "options": GenerationOptions(images="openai")},
    "no such generation": {"generation_id": uuid4(), "options": GenerationOptions(images="openai")},
    "the requested ones": {"options": GenerationOptions()},
}


async def test_a_finished_generation_makes_no_call(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """It was requested from the offline providers and has ended: neither vendor nor ledger notices other inputs."""
    ordered = await order("Mara laughed.")
    writer, painter, other_writer, other_painter = Writer(), Painter(), Writer(), Painter()
    both: dict[str, Any] = {
        "writers": {"offline": writer, "openai": other_writer},
        "artists": {"offline": painter, "openai": other_painter},
    }
    async with working(writer, painter, **both):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
        before, asked = len(await calls_of(database, ordered)), len(painter.asked) + len(writer.asked)
        async with database.session() as session:
            # Otherwise its parts are found done, whoever asks.
            for panel in (await session.exec(select(Panel).where(Panel.project_id == ordered.run.project_id))).all():
                panel.prompt, panel.selected_draft_id = f"{panel.prompt} In the rain.", None
                session.add(panel)
        run = await input_of(database, ordered)
        for name, given in INPUTS.items():
            await by_hand(client, SceneRun(**{**run, **given}))
            assert (other_painter.asked, other_writer.asked) == ([], []), name
            assert len(painter.asked) + len(writer.asked) == asked, name
            assert len(await calls_of(database, ordered)) == before, name


async def test_an_open_generation_makes_only_the_calls_that_it_requests(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """It waits for a review, so it may call: its own artist, for as many drafts as were requested."""
    ordered = await order("Mara laughed.", review="drafts")
    writer, painter, other = Writer(), Painter(), Painter()
    async with working(writer, painter, artists={"offline": painter, "openai": other}):
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await start(database, client, generation)
        await reached(database, ordered, GenerationStatus.WAITING_REVIEW)
        drawn = [request for request in painter.asked if request.panel]
        run = await input_of(database, ordered)
        await by_hand(client, SceneRun(**run, options=GenerationOptions(images="openai", drafts=8)))
        await by_hand(client, SceneRun(**run, options=GenerationOptions(drafts=8)))
        assert (other.asked, [request for request in painter.asked if request.panel]) == ([], drawn)
