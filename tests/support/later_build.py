"""A chapter's workflow as a later version might have it. Alone in its file, because the sandbox loads the file anew."""

from temporalio import workflow

from models.runs import ChapterRun, Outcome, Outlined
from workflows.chapter import ChapterWorkflow
from workflows.dispatch.execute import execute
from workflows.dispatch.table import OPEN_CHAPTER

PATCH = "measure-again"


@workflow.defn(name="ChapterWorkflow")
class LaterChapter(ChapterWorkflow):
    """With one more activity before the review of the outline."""

    @workflow.run
    async def run(self, run: ChapterRun) -> Outcome:
        return await super().run(run)

    async def _outline(self, run: ChapterRun) -> Outlined:
        outlined = await super()._outline(run)
        if workflow.patched(PATCH):
            await execute(OPEN_CHAPTER, run)
        return outlined
