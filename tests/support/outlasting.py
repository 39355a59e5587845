"""A workflow that runs longer than a release. Alone in its file, because the sandbox loads the file anew."""

from temporalio import workflow
from temporalio.common import VersioningBehavior


@workflow.defn(versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class Outlasting:
    """Ends once it was woken twice."""

    def __init__(self) -> None:
        self.woken = 0

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.woken == 2)
        return self.woken

    @workflow.signal
    def wake(self) -> None:
        self.woken += 1
