"""Export on demand: bring a chapter's pages up to date, then build the asked formats; of a project, from its pages."""

from temporalio import workflow

from models.runs import ChapterRun, ExportRun, Outcome
from workflows.dispatch import calls
from workflows.dispatch.execute import base
from workflows.dispatch.generation import generation


@workflow.defn
class ExportWorkflow:
    """Pages whose panels did not change are left as they are, and so are files whose pages did not."""

    @workflow.run
    async def run(self, run: ExportRun) -> Outcome:
        language = run.options.edition
        async with generation(run, own=run.own):
            if run.chapter_id is not None:
                await calls.pages(ChapterRun(**base(run), chapter_id=run.chapter_id), language)
            await calls.exports(run, run.chapter_id, run.formats, language, anew=True)
        return Outcome()
