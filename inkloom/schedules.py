"""The schedules of the sweeps in Temporal: made if they are missing, changed if this version wants them otherwise."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from models.sweeps import SWEEPS, Sweep, SweepKind
from workflows.dispatch.execute import priority
from workflows.dispatch.queues import WORKFLOWS
from workflows.sweep import SweepWorkflow


def schedule_id(kind: SweepKind) -> str:
    """The one ID that the schedule of a kind has; its workflows' IDs begin with it."""
    return f"sweep-{kind}"


async def ensure_schedules(client: Client) -> None:
    """See to it that every kind has its schedule. One call if all is as it should be.

    Whether a schedule is paused is an operator's business and stays.
    """
    there = {one.id: one async for one in await client.list_schedules()}
    for kind, (every, _) in SWEEPS.items():
        found = there.get(schedule_id(kind))
        spec = found.schedule.spec if found is not None and found.schedule is not None else None
        if spec is None:
            await _make(client, kind)
        elif [interval.every for interval in spec.intervals] != [every]:
            await _change(client, kind)


async def _make(client: Client, kind: SweepKind) -> None:
    try:
        await client.create_schedule(schedule_id(kind), _schedule(kind))
    except ScheduleAlreadyRunningError:
        # Another process made it, or the list lags behind.
        await _change(client, kind)


async def _change(client: Client, kind: SweepKind) -> None:
    def wanted(given: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = _schedule(kind)
        schedule.state = given.description.schedule.state
        return ScheduleUpdate(schedule=schedule)

    await client.get_schedule_handle(schedule_id(kind)).update(wanted)


def _schedule(kind: SweepKind) -> Schedule:
    every, purpose = SWEEPS[kind]
    sweep = Sweep(kind=kind)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SweepWorkflow.run,
            sweep,
            id=schedule_id(kind),
            task_queue=WORKFLOWS,
            static_summary=f"{kind}: {purpose}",
            priority=priority(sweep),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        # A round that is late is as good as the one that it would have been; those missed in an outage are not made up.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=max(every, timedelta(minutes=1))),
        state=ScheduleState(note=purpose),
    )
