"""Repairs what a crash leaves behind: generations that were requested and never started, or whose workflow is gone,
decisions whose signal was lost, and messages to webhooks that nothing sends.

Postgres and Temporal are written one after the other, so a crash can leave them apart; a power cut may even cost the
embedded Temporal its last commits. The row in Postgres decides, so the sweeper brings Temporal in line with it.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from engine.errors import Conflict
from engine.store import batches, gauges, generations, holds, reviews, webhooks
from engine.store.scope import Scope
from inkloom.stuck import look_for_stuck
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.sweeps import SweepKind, Swept
from models.tables import Generation
from workflows.starting import start, start_batch, start_delivery

log = logging.getLogger(__name__)

# Younger generations are about to be started by the process that created them.
GRACE = timedelta(seconds=5)
# A batch at which its workflow has not looked for this long may have none: looking at it when it is idle takes longer,
# and to start a workflow that runs changes nothing.
NEGLECTED = timedelta(seconds=20)


@dataclass
class _Round:
    """What a round has found so far. A dry run does nothing about it."""

    kind: SweepKind
    dry_run: bool
    found: Counter[str] = field(default_factory=Counter)
    handled: int = 0
    failed: int = 0

    @contextmanager
    def apart(self, failed: str) -> Iterator[None]:
        """Log what fails for one row, and go on with the next; only an outage of Temporal ends the round.

        A workflow that has just ended, is slow to answer or has lost its data says nothing about the others.
        """
        try:
            yield
        except RPCError as error:
            if error.status == RPCStatusCode.UNAVAILABLE:
                raise
            log.warning("%s: %s", failed, error.status.name)
            self.failed += 1
        except Exception as error:  # noqa: BLE001  # one that cannot be helped must not stand before the others
            log.warning("%s: %s", failed, type(error).__name__)
            self.failed += 1

    @property
    def swept(self) -> Swept:
        return Swept(
            kind=self.kind, dry_run=self.dry_run, found=dict(self.found), handled=self.handled, failed=self.failed
        )


async def carry(database: Database, client: Client, *, dry_run: bool = False) -> Swept:
    """Start the workflows of messages to webhooks, new ones and those left by a crash alike. Starting one twice equals
    starting it once.
    """
    this = _Round(SweepKind.DELIVERIES, dry_run, Counter(not_started=0))
    after = None
    while True:
        async with database.session() as session:
            found = await webhooks.waiting(session, after)
        this.found["not_started"] += len(found)
        for delivery in [] if dry_run else found:
            with this.apart(f"delivery {delivery.id} could not be started"):
                await start_delivery(client, delivery)
                async with database.session() as session:
                    await webhooks.mark_started(session, delivery.id)
                this.handled += 1
        if not found:
            return this.swept
        after = found[-1].id


async def sweep(
    database: Database,
    client: Client,
    older_than: timedelta = GRACE,
    *,
    dry_run: bool = False,
    most: int | None = None,
) -> Swept:
    """One round over all open generations, or over `most` that run and `most` that were not started."""
    this = _Round(SweepKind.GENERATIONS, dry_run)
    async with database.session() as session:
        open_ones = await generations.open_generations(session, older_than, most)
        decided = await holds.released_workflows(session, older_than)
        overdue = await reviews.overdue(session)
        reminders = await reviews.reminders_due(session)
        neglected = await batches.neglected(session, max(older_than, NEGLECTED))
    this.found.update(
        not_started=0,
        workflow_lost=0,
        ended_unnoticed=0,
        cancelled_and_stuck=0,
        reviews_overdue=len(overdue),
        reminders_due=len(reminders),
        decisions_not_signalled=len(decided),
        batches_neglected=len(neglected),
    )
    if not dry_run:
        for review in overdue:
            with this.apart(f"the overdue review of generation {review.generation_id} could not be decided"):
                # Its workflow may be lost or have ended: that is repaired below, and the review decided in the next
                # round.
                this.handled += await _decide(database, client, review)
        for hold_id in reminders:
            with this.apart(f"the reminder of hold {hold_id} could not be sent"):
                async with database.session() as session:
                    this.handled += await reviews.remind(session, hold_id)
        for one in decided:
            with this.apart(f"workflow {one} could not be woken"):
                this.handled += await _wake(database, client, one)
        for batch in neglected:
            with this.apart(f"batch {batch.id} could not be continued"):
                await start_batch(client, batch)
                this.handled += 1
    for generation in open_ones:
        with this.apart(f"generation {generation.id} could not be recovered"):
            await _recover(database, client, generation, this)
    if not dry_run:
        async with database.session() as session:
            await gauges.swept(session)
    return this.swept


async def _decide(database: Database, client: Client, review: reviews.Overdue) -> bool:
    """The review's deadline has passed: do what the request says for that case."""
    if not review.approve:
        await client.get_workflow_handle(generation_workflow_id(review.generation_id)).cancel()
        async with database.session() as session:
            await generations.cancelling(session, review.project_id, review.generation_id)
        return True
    try:
        async with database.session() as session:
            scope = Scope(project_id=review.project_id)
            woken = await reviews.approve(session, scope, review.chapter_id, past_deadline=True)
    except Conflict as refusal:
        # A redraw is running, or a panel has no draft left: the next round, or a user, decides.
        log.info("the review of generation %s is overdue and stays: %s", review.generation_id, refusal.message)
        return False
    for one in woken:
        await _wake(database, client, one)
    return True


async def _wake(database: Database, client: Client, workflow: str) -> bool:
    """Send a workflow its wake signal again; one that has ended waits for nothing."""
    try:
        await client.get_workflow_handle(workflow).signal("wake")
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        async with database.session() as session:
            await holds.forget(session, workflow)
    return True


async def recover(database: Database, client: Client, generation: Generation) -> Swept:
    """Bring Temporal in line with the row of one open generation, now; what was found says how they differed."""
    this = _Round(SweepKind.GENERATIONS, dry_run=False)
    await _recover(database, client, generation, this)
    return this.swept


async def _recover(database: Database, client: Client, generation: Generation, this: _Round) -> None:
    """Bring Temporal in line with the row of an open generation."""
    if generation.status == GenerationStatus.REQUESTED:
        this.found["not_started"] += 1
        await _start(database, client, generation, this)
        return
    try:
        description = await client.get_workflow_handle(generation_workflow_id(generation.id)).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        # Temporal never had it, or lost it: every answer is in the ledger, so starting again costs nothing.
        this.found["workflow_lost"] += 1
        await _start(database, client, generation, this)
        return
    if description.status in (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CONTINUED_AS_NEW, None):
        if not this.dry_run and await look_for_stuck(database, client, generation, description):
            this.found["cancelled_and_stuck"] += 1
            this.handled += 1
        return
    this.found["ended_unnoticed"] += 1
    if this.dry_run:
        return
    status = (
        GenerationStatus.CANCELLED
        if description.status == WorkflowExecutionStatus.CANCELED
        else GenerationStatus.FAILED
    )
    how = description.status.name.lower().replace("_", " ")
    async with database.session() as session:
        await generations.end(
            session,
            generation.project_id,
            generation.id,
            status,
            f"The workflow ended without finishing ({how}). Start it again to continue where it stopped.",
        )
    this.handled += 1


async def _start(database: Database, client: Client, generation: Generation, this: _Round) -> None:
    if not this.dry_run:
        await start(database, client, generation)
        this.handled += 1
