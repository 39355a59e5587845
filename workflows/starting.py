"""Starts the workflow of a stored request. Starting it twice equals starting it once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.ids import delivery_workflow_id, generation_workflow_id
from models.options import GenerationKind
from models.runs import ChapterRun, ExportRun, PanelsRun, Run, SceneRun, SheetRun, WebhookDelivery
from models.tables import Delivery, Generation
from workflows.chapter import ChapterWorkflow
from workflows.character_sheet import CharacterSheetWorkflow
from workflows.dispatch.execute import priority
from workflows.dispatch.generation import STATUS
from workflows.dispatch.queues import WORKFLOWS
from workflows.export import ExportWorkflow
from workflows.panels import PanelsWorkflow
from workflows.scene import SceneWorkflow
from workflows.webhook import WebhookWorkflow

PROJECT_ID = SearchAttributeKey.for_keyword("ProjectId")
CHAPTER_ID = SearchAttributeKey.for_keyword("ChapterId")

# Seconds for a request of the API to Temporal: more than it takes normally, less than users wait.
PATIENCE = 3.0


async def start(client: Client, generation: Generation, title: str = "") -> None:
    """Start the workflow of a generation whose row is committed. Already started, or finished, counts as success."""
    run_method, argument = _work(generation)
    attributes = [
        SearchAttributePair(PROJECT_ID, str(generation.project_id)),
        SearchAttributePair(STATUS, generation.status),
    ]
    if generation.chapter_id is not None:
        attributes.append(SearchAttributePair(CHAPTER_ID, str(generation.chapter_id)))
    try:
        await client.start_workflow(
            run_method,
            argument,
            id=generation_workflow_id(generation.id),
            task_queue=WORKFLOWS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes(attributes),
            static_summary=f"{generation.kind}: {title}"[:190] if title else generation.kind,
            priority=priority(argument),
        )
    except WorkflowAlreadyStartedError:
        return


async def start_delivery(client: Client, delivery: Delivery) -> None:
    """Start the workflow that delivers a message. Already started, or finished, counts as success."""
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            WebhookWorkflow.run,
            WebhookDelivery(project_id=delivery.project_id, delivery_id=delivery.id),
            id=delivery_workflow_id(delivery.id),
            task_queue=WORKFLOWS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes([SearchAttributePair(PROJECT_ID, str(delivery.project_id))]),
            static_summary=f"webhook: {delivery.type}",
        )


async def wake(client: Client, workflows: Sequence[str]) -> None:
    """Tell workflows that a decision was made. A workflow that is gone needs no signal; the sweeper repeats failed
    ones.
    """
    for one in workflows:
        try:
            await client.get_workflow_handle(one).signal("wake")
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise


async def wake_if_possible(client: Client, workflows: Sequence[str]) -> None:
    """The same, within seconds: if Temporal is unavailable, the decision is stored, and the sweeper sends the signal
    later.
    """
    with suppress(RPCError, RuntimeError, TimeoutError):
        await asyncio.wait_for(wake(client, workflows), PATIENCE)


def _work(generation: Generation) -> tuple[Any, Run]:
    """The workflow that carries out the request, and its input."""
    base: dict[str, Any] = {
        "project_id": generation.project_id,
        "generation_id": generation.id,
        "options": generation.options,
    }
    target = UUID(generation.target_ids[0]) if generation.target_ids else generation.chapter_id
    match generation.kind:
        case GenerationKind.CHAPTER:
            return ChapterWorkflow.run, ChapterRun(**base, chapter_id=generation.chapter_id)
        case GenerationKind.SCENE:
            return SceneWorkflow.run, SceneRun(**base, scene_id=target, own=True)
        case GenerationKind.PANEL:
            return PanelsWorkflow.run, PanelsRun(**base, chapter_id=generation.chapter_id)
        case GenerationKind.CHARACTER_SHEET:
            return CharacterSheetWorkflow.run, SheetRun(**base, character_id=target, own=True)
        case GenerationKind.EXPORT:
            formats = base["options"].export.wanted
            return ExportWorkflow.run, ExportRun(**base, chapter_id=generation.chapter_id, formats=formats, own=True)
