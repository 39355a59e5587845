"""One panel: words and prompt side by side, then drafts, then a choice."""

from temporalio import workflow

from activities import calls
from activities.lifecycle import generation
from models.runs import Outcome, PanelRun


@workflow.defn
class PanelWorkflow(calls.Wakeable):
    """A panel that fails for good is marked and reported; its siblings go on."""

    @workflow.run
    async def run(self, run: PanelRun) -> Outcome:
        async with generation(run, own=run.own) as ending:
            outcome = await self._make(run)
            ending.failed = outcome.failed
        return outcome

    async def _make(self, run: PanelRun) -> Outcome:
        try:
            workflow.set_current_details("writing")
            await calls.together(
                calls.ask("Dialogue", run, run.panel_id, "words"),
                calls.ask("VisualPrompt", run, run.panel_id, "prompt"),
            )
            if run.options.until == "script":
                return Outcome(panels=1)
            workflow.set_current_details("drawing")
            if run.options.drafts == 1:
                await calls.draw(run, run.panel_id, 1, choose=True)
            else:
                drafts = range(1, run.options.drafts + 1)
                await calls.any_of(*(calls.draw(run, run.panel_id, ordinal) for ordinal in drafts))
                await calls.select_draft(run, run.panel_id)
            workflow.set_current_details("done")
        except Exception as error:
            if calls.cancelled(error):
                raise
            await calls.fail("panel", run, run.panel_id, calls.reason_of(error))
            workflow.set_current_details(f"failed: {calls.reason_of(error)}")
            return Outcome(panels=1, failed=1)
        return Outcome(panels=1)
