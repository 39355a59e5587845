"""One message on its way to one address: tried for a day, ever more seldom."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities import calls, carrying
from models.runs import Callback


@workflow.defn
class CallbackWorkflow:
    """Ends as completed either way: the row says whether the message has arrived."""

    @workflow.run
    async def run(self, callback: Callback) -> bool:
        try:
            return await carrying.deliver(callback)
        except ActivityError as error:
            if calls.cancelled(error):
                raise
            workflow.set_current_details(calls.reason_of(error))
            await carrying.give_up(callback)
            return False
