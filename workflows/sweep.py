"""One round of the sweeper, as its schedule or an operator starts it. Its result is what it found."""

from temporalio import workflow

from models.sweeps import Sweep, SweepKind, Swept
from workflows.dispatch.execute import execute
from workflows.dispatch.table import SWEEP, SWEEP_FOR_BACKUPS


@workflow.defn
class SweepWorkflow:
    """Holds no state: a round that is lost with everything else is followed by the next."""

    @workflow.run
    async def run(self, sweep: Sweep) -> Swept:
        activity = SWEEP_FOR_BACKUPS if sweep.kind == SweepKind.BACKUPS else SWEEP
        swept = await execute(activity, sweep, f"{sweep.kind}, dry run" if sweep.dry_run else sweep.kind)
        workflow.set_current_details(swept.in_words)
        return swept
