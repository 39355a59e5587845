"""When workflows have done all there is to do, and wait for a signal."""

import asyncio

from temporalio.client import Client

PATIENCE = 30.0
POLL = 0.05


async def at_rest(client: Client, workflow_id: str) -> None:
    """Wait until neither the workflow nor a child of it has an activity or a step pending."""
    async with asyncio.timeout(PATIENCE):
        while await _busy(client, workflow_id):  # noqa: ASYNC110  # a server's state, which tells nobody
            await asyncio.sleep(POLL)


async def _busy(client: Client, workflow_id: str) -> bool:
    found = (await client.get_workflow_handle(workflow_id).describe()).raw_description
    if found.pending_activities or found.HasField("pending_workflow_task"):
        return True
    # A child that is ordered and not started yet has no run.
    return any([not child.run_id or await _busy(client, child.workflow_id) for child in found.pending_children])
