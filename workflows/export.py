"""Export on demand: bring a chapter's pages up to date, then build the asked formats; of a project, from its pages."""

from temporalio import workflow

from activities import calls
from activities.lifecycle import generation
from models.runs import ChapterRun, ExportRun, Outcome


@workflow.defn
class ExportWorkflow:
    """Pages whose panels did not change are left as they are, and so are files whose pages did not."""

    @workflow.run
    async def run(self, run: ExportRun) -> Outcome:
        async with generation(run, own=run.own):
            if run.chapter_id is not None:
                await self._pages(ChapterRun(**calls.base(run), chapter_id=run.chapter_id))
            await calls.side_by_side(
                calls.EXPORTS_AT_A_TIME,
                run.formats,
                lambda format: calls.build_export(run, run.chapter_id, format, anew=True),
            )
        return Outcome()

    async def _pages(self, chapter: ChapterRun) -> None:
        planned = await calls.plan_pages(chapter)
        await calls.side_by_side(calls.PAGES_AT_A_TIME, planned.due, lambda number: calls.compose_page(chapter, number))
