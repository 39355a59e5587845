"""Starts the workflow of a stored request. Starting it twice equals starting it once."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from engine.store.headings import start_of
from models.batches import ENDED, BatchRun
from models.ids import batch_workflow_id, delivery_workflow_id, generation_workflow_id
from models.runs import WebhookDelivery
from models.tables import Batch, Delivery, Generation
from workflows.batch import BatchWorkflow
from workflows.dispatch.attributes import BATCH_ID, PROJECT_ID
from workflows.dispatch.execute import priority
from workflows.dispatch.introduction import Introduction, batch_summary, introduction
from workflows.dispatch.kinds import workflow_of
from workflows.dispatch.queues import WORKFLOWS
from workflows.webhook import WebhookWorkflow

# Seconds for a request of the API to Temporal: more than it takes normally, less than users wait.
PATIENCE = 3.0


async def start(database: Database, client: Client, generation: Generation) -> None:
    """Start the workflow of a generation whose row is committed. Already started, or finished, counts as success."""
    async with database.session() as session:
        starting = await start_of(session, generation)
    (name, argument), shown = workflow_of(starting), introduction(starting)
    try:
        await client.start_workflow(
            name,
            argument,
            id=generation_workflow_id(generation.id),
            task_queue=WORKFLOWS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=shown.attributes,
            static_summary=shown.summary,
            static_details=shown.details,
            priority=priority(argument),
        )
    except WorkflowAlreadyStartedError:
        return


async def start_if_possible(database: Database, client: Client, generation: Generation) -> bool:
    """The same, within seconds; returns whether it succeeded. If Temporal or Postgres is unavailable, the sweeper
    starts it later: the request is stored.
    """
    try:
        await asyncio.wait_for(start(database, client, generation), PATIENCE)
    except (RPCError, RuntimeError, TimeoutError, SQLAlchemyError):
        return False
    return True


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


async def start_batch(client: Client, batch: Batch) -> None:
    """Start the workflow of a batch whose rows are committed, or leave the one that runs alone.

    A batch that was retried after its end gets another run under the same id: its rows say what is left to do.
    """
    shown = introduction_of_batch(batch)
    await client.start_workflow(
        BatchWorkflow.run,
        BatchRun(owner_id=batch.owner_id, batch_id=batch.id),
        id=batch_workflow_id(batch.id),
        task_queue=WORKFLOWS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=shown.attributes,
        static_summary=shown.summary,
        static_details=shown.details,
    )


def introduction_of_batch(batch: Batch) -> Introduction:
    """How a batch's workflow introduces itself. Its current details say how it stands."""
    attributes = [SearchAttributePair(BATCH_ID, str(batch.id))]
    if batch.project_id is not None:
        attributes.append(SearchAttributePair(PROJECT_ID, str(batch.project_id)))
    hours = batch.only_between
    facts = {
        "budget": f"{batch.budget_usd.normalize():f} USD" if batch.budget_usd is not None else "none",
        "at a time": batch.at_a_time,
        "priority": f"{batch.priority} (1 interactive … 5 batch)",
        "not before": batch.not_before.isoformat() if batch.not_before else None,
        "only between": f"{hours.start} and {hours.end} {hours.zone}" if hours else None,
        "requested by": f"`{batch.owner_id}`",
        "look at it": f"`GET /api/v1/batches/{batch.id}` (state, costs), `…/items`, `…/report`",
    }
    details = "\n".join(f"- {name}: {value}" for name, value in facts.items() if value is not None)
    return Introduction(TypedSearchAttributes(attributes), batch_summary(batch.name), details)


async def start_batch_if_possible(client: Client, batch: Batch) -> None:
    """The same, within seconds and for an open batch: if Temporal is unavailable, the sweeper starts it later."""
    if batch.status not in ENDED:
        with suppress(RPCError, RuntimeError, TimeoutError):
            await asyncio.wait_for(start_batch(client, batch), PATIENCE)
