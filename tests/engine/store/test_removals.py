"""What a deleted project leaves behind: everything outside of Postgres is listed, to be deleted after the row."""

import pytest
from sqlmodel import col, select

from engine.db.session import Database
from engine.store import removals
from models.ids import delivery_workflow_id, generation_workflow_id
from models.tables import Delivery, Removal, Webhook
from tests.conftest import Order

pytestmark = pytest.mark.integration


async def test_the_workflows_of_generations_and_webhooks_are_listed(database: Database, order: Order) -> None:
    """By the ids under which they run, or their histories would stay in Temporal."""
    ordered = await order()
    project_id = ordered.run.project_id
    async with database.session() as session:
        webhook = Webhook(project_id=project_id, url="https://example.org/hook")
        session.add(webhook)
        await session.flush()
        delivery = Delivery(project_id=project_id, webhook_id=webhook.id, seq=1, type="generation.completed")
        session.add(delivery)
        await session.flush()
        await removals.record_project(session, project_id)
        removed = (await session.exec(select(Removal).where(col(Removal.project_id) == project_id))).all()
    listed = {workflow for removal in removed for workflow in removal.workflows}
    assert listed == {generation_workflow_id(ordered.run.generation_id), delivery_workflow_id(delivery.id)}
