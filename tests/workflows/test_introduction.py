"""Runs are recognised and found in Temporal: by titles, kind, summaries and details, the parts as well as the whole."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from sqlmodel import select
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from engine.settings import Settings
from engine.store import generations
from engine.store.headings import TARGETS_NAMED
from engine.store.rows import get
from inkloom.serve import ensure_search_attributes
from inkloom.worker import connect
from models import search_attributes as names
from models.ids import generation_workflow_id
from models.options import Choice, GenerationKind, GenerationOptions, GenerationStatus
from models.runs import GenerationStart, Heading
from models.tables import Chapter, Generation, Panel, Project, Scene
from tests.conftest import Order
from tests.working import STORY, Generate, Painter, Working, Writer
from workflows.dispatch.introduction import DETAILS_BYTES, SUMMARY_BYTES, TITLE_BYTES, introduction
from workflows.starting import start

pytestmark = pytest.mark.unit

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
LATER = """
Joss stopped at the boats. He threw his bag into the smallest one and untied the rope.

"You took the wrong key," said Mara behind him. "It opens nothing here."
"""


def requested(kind: GenerationKind, *titles: str, **values: Any) -> GenerationStart:
    """What a generation is started with; `targets` names each of its targets."""
    project, chapter = titles
    targets = {uuid4(): place for place in values.pop("targets", ())}
    heading = Heading(project=project, chapter=chapter, targets=dict(list(targets.items())[:TARGETS_NAMED]))
    ids = {"project_id": uuid4(), "generation_id": uuid4(), "chapter_id": uuid4(), "target_ids": list(targets)}
    given: dict[str, Any] = {**ids, "options": GenerationOptions(), **values}
    return GenerationStart(kind=kind, heading=heading, **given)


def test_it_says_what_was_requested() -> None:
    options = GenerationOptions(
        llm="anthropic", llm_fallback=[Choice(provider="openai", model="gpt")], drafts=3, translations=["de"]
    )
    by = uuid4()
    generation = requested(
        GenerationKind.CHAPTER,
        "Sea Tales",
        "The Two Keys",
        options=options,
        budget_usd=Decimal("2.50"),
        requested_by=by,
    )
    told = introduction(generation)
    assert told.summary == "chapter: Sea Tales / The Two Keys"
    for fact in (
        "- project: `Sea Tales`",
        "- chapter: `The Two Keys`",
        "- writer: `anthropic`, else `openai/gpt`",
        "- artist: `offline`",
        "- drafts of a panel: 3",
        "- budget: 2.5 USD",
        f"- requested by: `{by}`",
        "- translations: `de`",
        f"GET /api/v1/generations/{generation.generation_id}",
    ):
        assert fact in told.details


def test_it_says_which_panels() -> None:
    one = introduction(requested(GenerationKind.PANEL, "P", "C", targets=["scene 2, panel 3"]))
    assert one.summary == "panel: P / C, scene 2, panel 3"
    many = introduction(
        requested(GenerationKind.PANEL, "P", "C", targets=[f"scene 1, panel {n}" for n in range(1, 501)])
    )
    assert many.summary == "panel: P / C, 500 panels"
    assert "and 488 more" in many.details


@pytest.mark.parametrize(
    "title",
    [
        "龍" * 500,
        "👩‍👩‍👧‍👦" * 120,
        "a\n\n# Heading\n- list\x1b[31m red \u202e backwards\0",
        "![x](http://example.org/x.png) [link](javascript:alert(1)) <img src=x> `code` ``` \ud800",
        " ",
    ],
)
def test_titles_stay_within_bounds_and_mean_nothing(title: str) -> None:
    """The server refuses longer ones, and the UI reads Markdown."""
    options = GenerationOptions(llm_tasks={"Dialogue": Choice(provider="x" * 150, model="`m`" * 50)})
    told = introduction(requested(GenerationKind.CHAPTER, title, title, options=options, targets=["scene 1"]))
    assert len(told.summary.encode()) <= SUMMARY_BYTES
    assert len(told.details.encode()) <= DETAILS_BYTES
    for pair in told.attributes:
        assert len(str(pair.value).encode()) <= TITLE_BYTES
    assert not re.search(r"[\0-\x1f\x7f\u202e]", told.summary)
    assert not re.search(r"[\[\]<>`]", told.summary)
    lines = told.details.split("\n")
    assert all(line.startswith("- ") for line in lines)
    assert all(line.count("`") % 2 == 0 for line in lines)
    outside = re.sub(r"`[^`]*`", "", told.details)
    assert "example.org" not in outside
    assert "Heading" not in outside


@pytest.mark.workflow
async def test_runs_and_their_parts_are_found_by_title(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """By what a user sees in the product, in the list of workflows; each part says where it is."""
    ordered = await order(STORY, until="script")
    async with database.session() as session:
        project = await get(session, ordered.scope, Project, ordered.run.project_id, lock=True)
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id, lock=True)
        project.title, chapter.title = f'Mara\'s "Sea" {uuid4()}', "龍と鍵 👩‍👩‍👧‍👦 " * 40
        session.add_all([project, chapter])
    async with working(Writer(), Painter()):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
    sought = project.title.replace('"', "”").replace("'", "’")
    found = await listed(client, f"{names.PROJECT_TITLE} = '{sought}'", parts=6)
    root = found[generation_workflow_id(ordered.run.generation_id)]
    keys = {name: SearchAttributeKey.for_keyword(name) for name in names.ALL}
    assert root.typed_search_attributes[keys[names.KIND]] == "chapter"
    assert root.typed_search_attributes[keys[names.STATUS]] == "completed"
    assert root.typed_search_attributes[keys[names.PROJECT_ID]] == str(project.id)
    assert root.typed_search_attributes[keys[names.CHAPTER_ID]] == str(chapter.id)
    assert root.typed_search_attributes[keys[names.CHAPTER_TITLE]].startswith("龍と鍵")
    assert (await root.static_summary() or "").startswith(f"chapter: {sought}")
    assert str(ordered.run.generation_id) in (await root.static_details() or "")
    summaries = [await part.static_summary() or "" for part in found.values()]
    for place in ("scene 1", "scene 2", "scene 1, panel 1", "scene 2, panel 1"):
        assert any(summary.startswith(f"{place}: {sought}") for summary in summaries), summaries
    for part in found.values():
        if part.workflow_type in ("SceneWorkflow", "PanelWorkflow"):
            assert part.typed_search_attributes.get(keys[names.STATUS]) is None
            assert "/api/v1/" in (await part.static_details() or "")


@pytest.mark.workflow
async def test_panels_of_a_scene_are_named_after_their_place_in_the_chapter(
    client: Client, database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Also where the scene, or the panel, is requested by itself."""
    ordered = await order(STORY + LATER, until="script")
    run = ordered.run
    async with working(Writer(), Painter()):
        await generate(ordered)
        async with database.session() as session:
            scene = (
                await session.exec(select(Scene.id).where(Scene.chapter_id == run.chapter_id, Scene.position == 1))
            ).one()
            panels = (await session.exec(select(Panel).where(Panel.scene_id == scene))).all()
            assert len(panels) > 1
            last = max(panels, key=lambda panel: panel.position)
        for kind, target, most in ((GenerationKind.SCENE, scene, len(panels)), (GenerationKind.PANEL, last.id, 1)):
            async with database.session() as session:
                generation = await generations.request(
                    session,
                    project_id=run.project_id,
                    chapter_id=run.chapter_id,
                    kind=kind,
                    # Their pictures are still to be made.
                    options=GenerationOptions(),
                    target_ids=[target],
                )
            one = replace(ordered, run=run.model_copy(update={"generation_id": generation.id}))
            assert (await generate(one)).status == GenerationStatus.COMPLETED
            root = generation_workflow_id(generation.id)
            parts = await listed(client, f"WorkflowId STARTS_WITH '{root}'", parts=most)
            summaries = {name: await part.static_summary() or "" for name, part in parts.items()}
            assert "scene 2" in summaries.pop(root)
            assert any(told.startswith(f"scene 2, panel {last.position + 1}: Test / ") for told in summaries.values())


@pytest.mark.workflow
async def test_a_server_of_an_older_version_learns_what_is_new(
    database: Database, order: Order, temporal_address: str, settings: Settings
) -> None:
    """Registered by the first worker that starts, and known when it is ready; the second finds nothing to do."""
    client = await connect(temporal_address, f"{settings.temporal_namespace}-older")
    retention = Duration(seconds=24 * 3600)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=retention)
    )
    await patiently(
        lambda: client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes=dict.fromkeys(("ProjectId", "ChapterId", "GenerationStatus"), KEYWORD),
            )
        )
    )
    ordered = await order()
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
    with pytest.raises(RPCError, match="no mapping defined for search attribute"):
        await patiently(lambda: start(database, client, generation))
    await asyncio.gather(*(ensure_search_attributes(client) for _ in range(3)))
    await start(database, client, generation)
    described = await client.get_workflow_handle(generation_workflow_id(generation.id)).describe()
    assert {pair.key.name for pair in described.typed_search_attributes} >= set(names.ALL) - {names.BATCH_ID}
    await ensure_search_attributes(client)


async def patiently(work: Callable[[], Awaitable[object]]) -> None:
    """Until every part of the server knows a new namespace."""
    async with asyncio.timeout(30):
        while True:
            try:
                await work()
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                await asyncio.sleep(0.1)
            else:
                return


async def listed(client: Client, query: str, parts: int) -> dict[str, WorkflowExecutionDescription]:
    """What the list shows, once it shows a workflow and at least so many parts of it: it lags behind."""
    async with asyncio.timeout(20):
        while True:
            found = [run async for run in client.list_workflows(query)]
            if len(found) > parts:
                return {run.id: await client.get_workflow_handle(run.id, run_id=run.run_id).describe() for run in found}
            await asyncio.sleep(0.1)
