"""One character: the fixed attributes, then the reference sheet. Once per character."""

from temporalio import workflow

from models.runs import Outcome, SheetRun
from workflows.dispatch import calls
from workflows.dispatch.concurrency import cancelled, reason_of
from workflows.dispatch.generation import generation
from workflows.dispatch.paid import ask, draw_sheet
from workflows.dispatch.table import FAIL_SHEET
from workflows.dispatch.waiting import Wakeable


@workflow.defn
class CharacterSheetWorkflow(Wakeable):
    """Without a sheet the panels can still be drawn from the profile, so a failed sheet fails nothing else."""

    @workflow.run
    async def run(self, run: SheetRun) -> Outcome:
        async with generation(run, own=run.own) as ending:
            outcome = await self._make(run)
            ending.failed = outcome.failed
        return outcome

    async def _make(self, run: SheetRun) -> Outcome:
        try:
            await ask("CharacterProfile", run, run.character_id, "fixed attributes")
            if run.options.until != "script":
                await draw_sheet(run, run.character_id)
        except Exception as error:
            if cancelled(error):
                raise
            await calls.fail(FAIL_SHEET, run, run.character_id, error)
            workflow.set_current_details(f"failed: {reason_of(error)}")
            return Outcome(failed=1)
        return Outcome()
