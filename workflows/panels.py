"""Some panels of a chapter: those that were named, or what somebody wants redrawn in them."""

from functools import partial
from uuid import UUID

from temporalio import workflow

from models.runs import Outcome, PanelRun, PanelsRun
from workflows.dispatch import calls
from workflows.dispatch.lifecycle import generation


@workflow.defn
class PanelsWorkflow(calls.Wakeable):
    """The rest of the chapter stays as it is; its pages are composed again by the next order for it."""

    @workflow.run
    async def run(self, run: PanelsRun) -> Outcome:
        async with generation(run, own=True, begin=False) as ending:
            opened = await calls.open_panels(run)

            async def panel(panel_id: UUID) -> Outcome:
                part = PanelRun(**calls.base(run), panel_id=panel_id)
                return await calls.child("PanelWorkflow", part, f"panel-{panel_id}", "panel")

            redraw = partial(calls.redraw, run)
            outcomes = await calls.side_by_side(calls.PANELS_AT_A_TIME, opened.panel_ids, panel)
            outcomes += await calls.side_by_side(calls.PANELS_AT_A_TIME, opened.redraws, redraw)
            ending.failed = sum(outcome.failed for outcome in outcomes)
            if run.options.until == "pages" and run.options.reviews("drafts"):
                ending.failed += await calls.review(run, "drafts", run.chapter_id, redraw)
            return Outcome(panels=len(outcomes), failed=ending.failed)
