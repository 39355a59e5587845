"""One scene: what happens, then its panels, then each of them."""

from functools import partial
from uuid import UUID

from temporalio import workflow

from models.runs import Outcome, PanelRun, SceneRun
from workflows.dispatch import calls
from workflows.dispatch.concurrency import PANELS_AT_A_TIME, cancelled, placed, side_by_side
from workflows.dispatch.execute import base, execute_child
from workflows.dispatch.generation import generation
from workflows.dispatch.paid import ask
from workflows.dispatch.table import FAIL_SCENE, PANEL
from workflows.dispatch.waiting import Wakeable, review


@workflow.defn
class SceneWorkflow(Wakeable):
    """A scene whose words fail for good is marked; the chapter goes on without it."""

    @workflow.run
    async def run(self, run: SceneRun) -> Outcome:
        async with generation(run, own=run.own) as ending:
            outcome = await self._make(run)
            ending.failed = outcome.failed
            if run.own and run.options.until == "pages" and run.options.reviews("drafts"):
                ending.failed += await review(run, "drafts", run.scene_id, partial(calls.redraw, run))
        return outcome

    async def _make(self, run: SceneRun) -> Outcome:
        workflow.set_current_details("writing")
        try:
            await ask("SceneSummary", run, run.scene_id, "what happens")
            described = await ask("PanelDescription", run, run.scene_id, "break into panels")
        except Exception as error:
            if cancelled(error):
                raise
            await calls.fail(FAIL_SCENE, run, run.scene_id, error)
            return Outcome(failed=1)

        async def panel(panel: tuple[UUID, str]) -> Outcome:
            panel_id, place = panel
            part = PanelRun(**base(run), panel_id=panel_id)
            return await execute_child(PANEL, part, f"panel-{panel_id}", place or "panel")

        due = placed(described.made, described.places)
        outcomes = await side_by_side(PANELS_AT_A_TIME, due, panel, "panels")
        return Outcome(panels=len(outcomes), failed=sum(outcome.failed for outcome in outcomes))
