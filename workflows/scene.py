"""One scene: what happens, then its panels, then each of them."""

from functools import partial
from uuid import UUID

from temporalio import workflow

from models.runs import Outcome, PanelRun, SceneRun
from workflows.dispatch import calls
from workflows.dispatch.lifecycle import generation


@workflow.defn
class SceneWorkflow(calls.Wakeable):
    """A scene whose words fail for good is marked; the chapter goes on without it."""

    @workflow.run
    async def run(self, run: SceneRun) -> Outcome:
        async with generation(run, own=run.own) as ending:
            outcome = await self._make(run)
            ending.failed = outcome.failed
            if run.own and run.options.until == "pages" and run.options.reviews("drafts"):
                ending.failed += await calls.review(run, "drafts", run.scene_id, partial(calls.redraw, run))
        return outcome

    async def _make(self, run: SceneRun) -> Outcome:
        try:
            await calls.ask("SceneSummary", run, run.scene_id, "what happens")
            described = await calls.ask("PanelDescription", run, run.scene_id, "break into panels")
        except Exception as error:
            if calls.cancelled(error):
                raise
            await calls.fail("scene", run, run.scene_id, calls.reason_of(error))
            return Outcome(failed=1)

        async def panel(panel_id: UUID) -> Outcome:
            part = PanelRun(**calls.base(run), panel_id=panel_id)
            return await calls.child("PanelWorkflow", part, f"panel-{panel_id}", "panel")

        workflow.set_current_details(f"{len(described.made)} panels")
        outcomes = await calls.side_by_side(calls.PANELS_AT_A_TIME, described.made, panel)
        return Outcome(panels=len(outcomes), failed=sum(outcome.failed for outcome in outcomes))
