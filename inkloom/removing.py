"""Carries out removals: what deleted rows left in storage and in Temporal."""

import logging
from datetime import timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from engine.storage import Storage
from engine.storage.keys import project_prefix
from engine.store import removals
from models.sweeps import SweepKind, Swept

log = logging.getLogger(__name__)

# After this time, a removal that failed is tried again.
AGAIN = timedelta(minutes=1)


async def remove(database: Database, client: Client, storage: Storage, *, dry_run: bool = False) -> Swept:
    """One round. A removal that fails, or whose project is busy, is tried again in a minute."""
    async with database.session() as session:
        found = {"due": await removals.count_due(session)}
    handled = failed = 0
    while not dry_run:
        async with database.session() as session:
            removal = await removals.due(session)
            if removal is None:
                break
            try:
                finished = await _remove(session, client, storage, removal)
            except Exception as error:  # noqa: BLE001  # one that cannot be carried out must not stand before the others
                log.warning("removal %s is postponed: %s", removal.id, type(error).__name__)
                finished = False
                failed += 1
            if finished:
                await removals.done(session, removal.id)
                handled += 1
            else:
                await removals.postpone(session, removal.id, AGAIN)
    return Swept(kind=SweepKind.REMOVALS, dry_run=dry_run, found=found, handled=handled, failed=failed)


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
        await forget_listed(client, f"ProjectId = '{removal.project_id}'")
    return True


async def _forget(client: Client, workflow: str) -> None:
    """Delete the histories of a workflow and of all its children, every run of each."""
    await _delete(client, workflow)
    await forget_listed(client, f"WorkflowId STARTS_WITH '{workflow}/'")


async def forget_listed(client: Client, query: str, *, limit: int | None = None) -> int:
    """Delete the histories of workflows; returns how many."""
    count = 0
    async for found in client.list_workflows(query, limit=limit):
        await _delete(client, found.id, found.run_id)
        count += 1
    return count


async def _delete(client: Client, workflow: str, run: str = "") -> None:
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow, run_id=run)
    )
    try:
        await client.workflow_service.delete_workflow_execution(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
