"""One message on its way to one address: tried for a day, ever more seldom."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from models.runs import Callback
from workflows.dispatch import calls, webhooks


@workflow.defn
class CallbackWorkflow:
    """Ends as completed either way: the row says whether the message has arrived."""

    @workflow.run
    async def run(self, callback: Callback) -> bool:
        try:
            return await webhooks.deliver(callback)
        except ActivityError as error:
            if calls.cancelled(error):
                raise
            workflow.set_current_details(calls.reason_of(error))
            await webhooks.give_up(callback)
            return False
