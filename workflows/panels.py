"""Named panels of a chapter, or the redraws requested in them."""

from functools import partial
from uuid import UUID

from temporalio import workflow

from models.runs import Outcome, PanelRun, PanelsRun
from workflows.dispatch import calls
from workflows.dispatch.concurrency import PANELS_AT_A_TIME, placed, side_by_side
from workflows.dispatch.execute import base, execute, execute_child
from workflows.dispatch.generation import generation
from workflows.dispatch.table import OPEN_PANELS, PANEL
from workflows.dispatch.waiting import Wakeable, review


@workflow.defn
class PanelsWorkflow(Wakeable):
    """The rest of the chapter stays as it is; the chapter's next generation composes its pages."""

    @workflow.run
    async def run(self, run: PanelsRun) -> Outcome:
        async with generation(run, own=True, begin=False) as ending:
            opened = await execute(OPEN_PANELS, run)

            async def panel(panel: tuple[UUID, str]) -> Outcome:
                panel_id, place = panel
                part = PanelRun(**base(run), panel_id=panel_id)
                return await execute_child(PANEL, part, f"panel-{panel_id}", place or "panel")

            redraw = partial(calls.redraw, run)
            due = placed(opened.panel_ids, opened.places)
            outcomes = await side_by_side(PANELS_AT_A_TIME, due, panel, "panels" if due else "")
            outcomes += await side_by_side(
                PANELS_AT_A_TIME, opened.redraws, redraw, "redraws" if opened.redraws else ""
            )
            ending.failed = sum(outcome.failed for outcome in outcomes)
            if run.options.until == "pages" and run.options.reviews("drafts"):
                ending.failed += await review(run, "drafts", run.chapter_id, redraw)
            return Outcome(panels=len(outcomes), failed=ending.failed)
