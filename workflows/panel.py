"""One panel: words and prompt side by side, then drafts, then a selection; or the parts that a redraw concerns."""

from collections.abc import Sequence
from uuid import UUID

from temporalio import workflow

from models.runs import DraftMade, Outcome, PanelRun, RedrawRequest, SelectCall
from workflows.dispatch import calls
from workflows.dispatch.concurrency import any_of, cancelled, reason_of, together
from workflows.dispatch.execute import base, execute
from workflows.dispatch.paid import ask, draw
from workflows.dispatch.table import FAIL_PANEL, SELECT_DRAFT
from workflows.dispatch.waiting import Wakeable


@workflow.defn
class PanelWorkflow(Wakeable):
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
            if cancelled(error):
                raise
            redraw_id = run.redraw.id if run.redraw is not None else None
            await calls.fail(FAIL_PANEL, run, run.panel_id, error, redraw_id=redraw_id)
            workflow.set_current_details(f"failed: {reason_of(error)}")
            return Outcome(panels=1, failed=1)
        return Outcome(panels=1)

    async def _anew(self, run: PanelRun) -> None:
        workflow.set_current_details("writing")
        await together(
            ask("Dialogue", run, run.panel_id, "words"),
            ask("VisualPrompt", run, run.panel_id, "prompt"),
        )
        if run.options.until == "script":
            return
        workflow.set_current_details("drawing")
        many, wait = run.options.drafts, run.options.reviews("drafts")
        if many == 1 and not wait:
            await draw(run, run.panel_id, 1, choose=True)
            return
        drafts = await any_of(*(draw(run, run.panel_id, ordinal, many) for ordinal in range(1, many + 1)))
        await self._select(run, drafts, wait=wait)

    async def _again(self, run: PanelRun, request: RedrawRequest) -> None:
        """Only what the redraw concerns; other stale parts are left alone."""
        workflow.set_current_details("writing")
        if request.words:
            await ask("Dialogue", run, run.panel_id, "words")
        if request.prompt:
            await ask("VisualPrompt", run, run.panel_id, "prompt")
        workflow.set_current_details("drawing")
        drafts = await any_of(
            *(
                draw(run, run.panel_id, ordinal, request.drafts, redraw_id=request.id)
                for ordinal in range(1, request.drafts + 1)
            )
        )
        wait = run.options.reviews("drafts")
        await self._select(run, drafts, wait=wait, redraw_id=request.id)

    async def _select(
        self, run: PanelRun, drafts: Sequence[DraftMade], *, wait: bool, redraw_id: UUID | None = None
    ) -> None:
        """Show the best draft, or let a user select one; a redraw ends with that."""
        ids = list(dict.fromkeys(draft.draft_id for draft in drafts))
        call = SelectCall(**base(run), target_id=run.panel_id, draft_ids=ids, wait=wait, redraw_id=redraw_id)
        await execute(SELECT_DRAFT, call)
