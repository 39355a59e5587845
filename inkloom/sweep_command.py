"""`sweep`: rounds of the sweeper by hand, as the workflows that the schedules start: Temporal shows them, too."""

import json
from collections.abc import Sequence

from rich.console import Console
from temporalio.client import Client, WorkflowHandle

from engine.settings import Settings
from inkloom.commands import report
from inkloom.local.signals import cancelled_by_signals
from inkloom.local.stack import Stack
from inkloom.worker import connect
from models.ids import new_id
from models.sweeps import SWEEPS, Sweep, SweepKind, Swept
from workflows.dispatch.execute import priority
from workflows.dispatch.queues import WORKFLOWS
from workflows.sweep import SweepWorkflow


async def sweep_command(settings: Settings, kinds: Sequence[SweepKind], *, dry_run: bool, as_json: bool) -> int:
    """One round of each kind, one after another; 1 if something failed, which the workers' logs explain."""
    with cancelled_by_signals():
        async with Stack(settings, api=False, report=report) as endpoints:
            client = await connect(endpoints.temporal_address, settings.temporal_namespace)
            swept = [await (await by_hand(client, Sweep(kind=kind, dry_run=dry_run))).result() for kind in kinds]
    if as_json:
        print(json.dumps({"sweeps": [one.model_dump(mode="json") for one in swept]}))  # noqa: T201  # the result
    else:
        out = Console(highlight=False, soft_wrap=True)
        for one in swept:
            out.print(one.in_words, markup=False)
    return 1 if any(one.failed for one in swept) else 0


async def by_hand(client: Client, sweep: Sweep) -> WorkflowHandle[SweepWorkflow, Swept]:
    """Start a round; it waits for one of the same kind that is under way."""
    purpose = "dry run" if sweep.dry_run else SWEEPS[sweep.kind][1]
    return await client.start_workflow(
        SweepWorkflow.run,
        sweep,
        id=f"sweep-{sweep.kind}-by-hand-{new_id()}",
        task_queue=WORKFLOWS,
        static_summary=f"{sweep.kind}: {purpose}",
        priority=priority(sweep),
    )
