"""Repairs what a crash leaves behind: generations that were requested and never started, or whose workflow is gone,
and what deleted rows left in storage and in Temporal.

Postgres and Temporal are written one after the other, so a crash can leave them apart; a power cut may even cost the
embedded Temporal its last commits. The row in Postgres decides, so the sweeper brings Temporal in line with it.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database, execute
from engine.errors import Conflict
from engine.storage import Storage
from engine.storage.keys import project_prefix
from engine.store import expired, gauges, generations, holds, removals, reviews, webhooks
from engine.store.scope import Scope
from inkloom.stuck import look_for_stuck
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import Generation
from workflows.starting import start, start_delivery

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=5)
CARRY_EVERY = timedelta(seconds=1)
# After this time, a removal that failed is tried again.
REMOVE_AGAIN = timedelta(minutes=1)
TIDY_EVERY = timedelta(hours=1)
# Younger generations are about to be started by the process that created them.
GRACE = timedelta(seconds=5)
SWEEP_LOCK = 7431640002


async def sweep_forever(database: Database, client: Client) -> None:
    """Sweep until cancelled. An outage ends without the sweeper's help: log it and continue."""
    while True:
        try:
            await sweep(database, client)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round may go well
            log.warning("the sweeper could not finish a round: %s", type(error).__name__)
        await asyncio.sleep(EVERY.total_seconds())


async def carry_forever(database: Database, client: Client) -> None:
    """Start the workflows of webhook deliveries until cancelled; those left by a crash are found like all others."""
    while True:
        try:
            await carry(database, client)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round may go well
            log.warning("webhooks could not be started: %s", type(error).__name__)
        await asyncio.sleep(CARRY_EVERY.total_seconds())


async def remove_forever(database: Database, client: Client, storage: Storage) -> None:
    """Delete what was requested to be deleted, until cancelled."""
    while True:
        try:
            await remove(database, client, storage)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round may go well
            log.warning("deletions could not be carried out: %s", type(error).__name__)
        await asyncio.sleep(EVERY.total_seconds())


async def remove(database: Database, client: Client, storage: Storage) -> int:
    """One round; returns how many removals were carried out. One that fails is tried again in a minute."""
    count = 0
    while True:
        async with database.session() as session:
            removal = await removals.due(session)
            if removal is None:
                return count
            try:
                finished = await _remove(session, client, storage, removal)
            except Exception as error:  # noqa: BLE001  # one that cannot be carried out must not stand before the others
                log.warning("removal %s is postponed: %s", removal.id, type(error).__name__)
                finished = False
            if finished:
                await removals.done(session, removal.id)
                count += 1
            else:
                await removals.postpone(session, removal.id, REMOVE_AGAIN)


async def _remove(session: AsyncSession, client: Client, storage: Storage, removal: Any) -> bool:
    """Delete what a removal names; returns whether everything could be deleted."""
    keys = await removals.removable(session, removal)
    if keys is None:
        return False
    await storage.delete(keys)
    if removal.whole_project and not await removals.exists(session, removal.project_id):
        await storage.delete_under(project_prefix(removal.project_id))
    for workflow in removal.workflows:
        await _forget(client, workflow)
    if removal.whole_project:
        # Workflows that the rows did not know.
        await _forget_listed(client, f"ProjectId = '{removal.project_id}'")
    return True


async def _forget(client: Client, workflow: str) -> None:
    """Delete the histories of a workflow and of all its children, every run of each."""
    await _delete(client, workflow)
    await _forget_listed(client, f"WorkflowId STARTS_WITH '{workflow}/'")


async def _forget_listed(client: Client, query: str) -> None:
    async for found in client.list_workflows(query):
        await _delete(client, found.id, found.run_id)


async def _delete(client: Client, workflow: str, run: str = "") -> None:
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow, run_id=run)
    )
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


async def tidy_forever(database: Database) -> None:
    """Delete what has expired, once an hour, until cancelled. Several processes may do so at once."""
    while True:
        try:
            await expired.forget(database)
        except Exception as error:  # noqa: BLE001  # whatever it is, the next round may go well
            log.warning("expired rows could not be deleted, trying again in an hour: %s", type(error).__name__)
        await asyncio.sleep(TIDY_EVERY.total_seconds())


async def carry(database: Database, client: Client) -> int:
    """One round; returns how many deliveries were started. Starting one twice equals starting it once."""
    async with database.session() as session:
        found = await webhooks.waiting(session)
    for delivery in found:
        await start_delivery(client, delivery)
        async with database.session() as session:
            await webhooks.mark_started(session, delivery.id)
    return len(found)


async def sweep(database: Database, client: Client, older_than: timedelta = GRACE) -> int:
    """One round; returns how many generations needed repair. Only one process sweeps at a time."""
    async with database.session() as session:
        alone = await execute(session, text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": SWEEP_LOCK})
        if not alone.scalar_one():
            return 0
        open_ones = await generations.open_generations(session, older_than)
        decided = await holds.released_workflows(session, older_than)
        overdue = await reviews.overdue(session)
    helped = 0
    for review in overdue:
        with _apart(f"the overdue review of generation {review.generation_id} could not be decided"):
            # Its workflow may be lost or have ended: that is repaired below, and the review decided in the next round.
            helped += await _decide(database, client, review)
    helped += await _remind(database)
    for one in decided:
        with _apart(f"workflow {one} could not be woken"):
            helped += await _wake(database, client, one)
    for generation in open_ones:
        with _apart(f"generation {generation.id} could not be recovered"):
            helped += await _mend(database, client, generation)
    async with database.session() as session:
        await gauges.swept(session)
    return helped


@contextmanager
def _apart(failed: str) -> Iterator[None]:
    """Log what fails for one row, and go on with the next; only an outage of Temporal ends the round.

    A workflow that has just ended, is slow to answer or has lost its data says nothing about the others.
    """
    try:
        yield
    except RPCError as error:
        if error.status == RPCStatusCode.UNAVAILABLE:
            raise
        log.warning("%s: %s", failed, error.status.name)
    except Exception as error:  # noqa: BLE001  # one that cannot be helped must not stand before the others
        log.warning("%s: %s", failed, type(error).__name__)


async def _decide(database: Database, client: Client, review: reviews.Overdue) -> bool:
    """The review's deadline has passed: do what the request says for that case."""
    if not review.approve:
        await client.get_workflow_handle(generation_workflow_id(review.generation_id)).cancel()
        async with database.session() as session:
            await generations.cancelling(session, review.project_id, review.generation_id)
        return True
    try:
        async with database.session() as session:
            scope = Scope(project_id=review.project_id)
            woken = await reviews.approve(session, scope, review.chapter_id, past_deadline=True)
    except Conflict as refusal:
        # A redraw is running, or a panel has no draft left: the next round, or a user, decides.
        log.info("the review of generation %s is overdue and stays: %s", review.generation_id, refusal.message)
        return False
    for one in woken:
        await _wake(database, client, one)
    return True


async def _remind(database: Database) -> int:
    """Remind of reviews that have waited long enough, each in a transaction of its own."""
    told = 0
    while True:
        async with database.session() as session:
            if not await reviews.remind(session):
                return told
        told += 1


async def _wake(database: Database, client: Client, workflow: str) -> bool:
    """Send a workflow its wake signal again; one that has ended waits for nothing."""
    try:
        await client.get_workflow_handle(workflow).signal("wake")
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        async with database.session() as session:
            await holds.forget(session, workflow)
    return True


async def _mend(database: Database, client: Client, generation: Generation) -> bool:
    if generation.status == GenerationStatus.REQUESTED:
        await start(client, generation)
        return True
    try:
        description = await client.get_workflow_handle(generation_workflow_id(generation.id)).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        # Temporal never had it, or lost it: every answer is in the ledger, so starting again costs nothing.
        await start(client, generation)
        return True
    if description.status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW, None):
        return await look_for_stuck(database, client, generation, description)
    status = (
        GenerationStatus.CANCELLED
        if description.status == WorkflowExecutionStatus.CANCELED
        else GenerationStatus.FAILED
    )
    how = description.status.name.lower().replace("_", " ")
    async with database.session() as session:
        await generations.end(
            session,
            generation.project_id,
            generation.id,
            status,
            f"The workflow ended without finishing ({how}). Start it again to continue where it stopped.",
        )
    return True
