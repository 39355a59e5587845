"""One message on its way to one address: tried for a day, ever more seldom."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from models.runs import WebhookDelivery
from workflows.dispatch.concurrency import cancelled, reason_of
from workflows.dispatch.execute import execute
from workflows.dispatch.table import DELIVER, GIVE_UP


@workflow.defn
class WebhookWorkflow:
    """Ends as completed either way: the row says whether the message has arrived."""

    @workflow.run
    async def run(self, delivery: WebhookDelivery) -> bool:
        try:
            return await execute(DELIVER, delivery)
        except ActivityError as error:
            if cancelled(error):
                raise
            workflow.set_current_details(reason_of(error))
            await execute(GIVE_UP, delivery)
            return False
