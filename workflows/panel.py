"""One panel: words and prompt side by side, then drafts, then a choice; or what a redraw wants of it again."""

from temporalio import workflow

from models.runs import Outcome, PanelRun, RedrawOrder
from workflows.dispatch import calls


@workflow.defn
class PanelWorkflow(calls.Wakeable):
    """A panel that fails for good is marked and reported; its siblings go on."""

    @workflow.run
    async def run(self, run: PanelRun) -> Outcome:
        try:
            if run.redraw is not None:
                await self._again(run, run.redraw)
            else:
                await self._anew(run)
            workflow.set_current_details("done")
        except Exception as error:
            if calls.cancelled(error):
                raise
            redraw_id = run.redraw.id if run.redraw is not None else None
            await calls.fail("panel", run, run.panel_id, calls.reason_of(error), redraw_id)
            workflow.set_current_details(f"failed: {calls.reason_of(error)}")
            return Outcome(panels=1, failed=1)
        return Outcome(panels=1)

    async def _anew(self, run: PanelRun) -> None:
        workflow.set_current_details("writing")
        await calls.together(
            calls.ask("Dialogue", run, run.panel_id, "words"),
            calls.ask("VisualPrompt", run, run.panel_id, "prompt"),
        )
        if run.options.until == "script":
            return
        workflow.set_current_details("drawing")
        many, wait = run.options.drafts, run.options.reviews("drafts")
        if many == 1 and not wait:
            await calls.draw(run, run.panel_id, 1, choose=True)
            return
        drafts = await calls.any_of(*(calls.draw(run, run.panel_id, ordinal, many) for ordinal in range(1, many + 1)))
        await calls.select_draft(run, run.panel_id, drafts, wait=wait)

    async def _again(self, run: PanelRun, order: RedrawOrder) -> None:
        """Only what the redraw is about; whatever else may be stale is not its business."""
        workflow.set_current_details("writing")
        if order.words:
            await calls.ask("Dialogue", run, run.panel_id, "words")
        if order.prompt:
            await calls.ask("VisualPrompt", run, run.panel_id, "prompt")
        workflow.set_current_details("drawing")
        drafts = await calls.any_of(
            *(
                calls.draw(run, run.panel_id, ordinal, order.drafts, redraw_id=order.id)
                for ordinal in range(1, order.drafts + 1)
            )
        )
        wait = run.options.reviews("drafts")
        await calls.select_draft(run, run.panel_id, drafts, wait=wait, redraw_id=order.id)
