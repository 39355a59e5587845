"""One message to one address: tried for a day, at growing intervals."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from models.runs import WebhookDelivery
from workflows.dispatch.concurrency import cancelled, reason_of
from workflows.dispatch.execute import execute
from workflows.dispatch.table import DELIVER, GIVE_UP


@workflow.defn
class WebhookWorkflow:
    """Completes in either case: the row says whether the message was delivered."""

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
