"""A chapter's workflow as another version might have it. Alone in its file, because the sandbox loads the file anew."""

from temporalio import workflow

from models.runs import ChapterRun, Outcome
from workflows.dispatch.execute import execute
from workflows.dispatch.table import OPEN_CHAPTER, STORE_OUTLINE


@workflow.defn(name="ChapterWorkflow")
class AnotherBuild:
    """A chapter in an order that no running chapter was begun with."""

    @workflow.run
    async def run(self, run: ChapterRun) -> Outcome:
        await execute(STORE_OUTLINE, run)
        await execute(OPEN_CHAPTER, run)
        return Outcome()

    @workflow.signal
    def wake(self) -> None:
        """As the other one."""
