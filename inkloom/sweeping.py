"""Sweeps by their kind: as an activity for `SweepWorkflow`, and as quick rounds in this process.

Quick rounds are for what users wait for: a request whose start failed, a message to a webhook, a deletion. A workflow
for each would cost more than all the work that there usually is.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client

from engine.db.session import Database
from engine.storage import Storage
from engine.store import expired, old_drafts, retention
from inkloom.all_workflows import ALL_WORKFLOWS, query_of
from inkloom.alone import alone
from inkloom.backup.scheduled import Scheduled
from inkloom.orphans import find_orphans
from inkloom.removing import forget_listed, remove
from inkloom.schedules import ensure_schedules
from inkloom.sweeper import carry
from inkloom.sweeper import sweep as sweep_generations
from models.sweeps import Sweep, SweepKind, Swept
from workflows.sweep import SweepWorkflow

log = logging.getLogger(__name__)

# How often this process looks by itself.
QUICK = {
    SweepKind.GENERATIONS: timedelta(seconds=5),
    SweepKind.DELIVERIES: timedelta(seconds=1),
    SweepKind.REMOVALS: timedelta(seconds=5),
}
# The most generations that a quick round looks at; the scheduled one looks at all.
QUICK_MOST = 500
# Seconds that a quick round may take.
PATIENCE = 600.0
# Schedules are lost with Temporal's data.
SCHEDULES_EVERY = timedelta(minutes=1)
# How long a finished sweep stays in Temporal, whatever its namespace keeps; and the most that are deleted in a round.
KEPT = timedelta(days=1)
MANY = 5_000
# Seconds until a sweep looks again whether another process has finished the same.
POLL = 0.5


@dataclass(frozen=True)
class Sweeping:
    """What sweeps need. `event_days` and `draft_days` are how long events, and drafts that no panel has shown, stay;
    None: for ever. `history_days` is how long Temporal keeps the histories of ended workflows; None: as long as its
    namespace says. `kept` is how long it keeps sweeps that have finished. `backups` makes those that are due.
    """

    database: Database
    client: Client
    storage: Storage
    event_days: int | None = None
    history_days: int | None = None
    draft_days: int | None = None
    kept: timedelta = KEPT
    backups: Scheduled | None = None

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.sweep]

    @activity.defn
    async def sweep(self, sweep: Sweep) -> Swept:
        """One round, after the one that another process may be in."""
        while True:
            async with alone(self.database, sweep.kind) as ours:
                if ours:
                    return await self.round(sweep)
            await asyncio.sleep(POLL)

    async def round(self, sweep: Sweep, most: int | None = None) -> Swept:
        """One round; the caller sees to it that it is the only one of its kind. `most` bounds the work on generations,
        each of which is a question to Temporal.
        """
        dry_run = sweep.dry_run
        match sweep.kind:
            case SweepKind.GENERATIONS:
                return await sweep_generations(self.database, self.client, dry_run=dry_run, most=most)
            case SweepKind.DELIVERIES:
                return await carry(self.database, self.client, dry_run=dry_run)
            case SweepKind.REMOVALS:
                return await remove(self.database, self.client, self.storage, dry_run=dry_run)
            case SweepKind.OBJECTS:
                return await find_orphans(self.database, self.storage, dry_run=dry_run)
            case SweepKind.EXPIRED:
                return await self._expired(dry_run=dry_run)
            case SweepKind.EVENTS:
                gone = await retention.forget_events(self.database, self.event_days, dry_run=dry_run)
                return _deleted(sweep, {"old_events": gone})
            case SweepKind.DRAFTS:
                gone = await old_drafts.forget_drafts(self.database, self.draft_days, dry_run=dry_run)
                return _deleted(sweep, {"old_drafts": gone})
            case SweepKind.BACKUPS:
                if self.backups is None:
                    return Swept(kind=sweep.kind, dry_run=dry_run)
                return await self.backups.round(self.database, self.storage, dry_run=dry_run)
            case SweepKind.HISTORIES:
                days = self.history_days
                ended = 0 if days is None else await self._ended(ALL_WORKFLOWS, timedelta(days=days), dry_run=dry_run)
                return _deleted(sweep, {"old_histories": ended})

    async def _expired(self, *, dry_run: bool) -> Swept:
        found = await expired.forget(self.database, dry_run=dry_run)
        found["finished_sweeps"] = await self._ended((SweepWorkflow,), self.kept, dry_run=dry_run)
        return _deleted(Sweep(kind=SweepKind.EXPIRED, dry_run=dry_run), found)

    async def _ended(self, kinds: Sequence[type], kept: timedelta, *, dry_run: bool) -> int:
        """Delete the histories of our workflows that ended longer ago, `MANY` at most, or count them."""
        query = f"{query_of(kinds)} AND CloseTime < '{(datetime.now(UTC) - kept).isoformat()}'"
        if dry_run:
            return (await self.client.count_workflows(query)).count
        return await forget_listed(self.client, query, limit=MANY)

    async def forever(self) -> None:
        """Quick rounds, and the schedules of all, until cancelled."""
        await asyncio.gather(self._scheduled(), *(self._quick(kind, every) for kind, every in QUICK.items()))

    async def _quick(self, kind: SweepKind, every: timedelta) -> None:
        while True:
            try:
                # One that hangs must not keep all other processes from their rounds.
                async with asyncio.timeout(PATIENCE), alone(self.database, kind) as ours:
                    if ours:
                        await self.round(Sweep(kind=kind), QUICK_MOST)
            except Exception as error:  # noqa: BLE001  # an outage ends without our help, and the next round may go well
                log.warning("a round of %s could not be finished: %s", kind, type(error).__name__)
            await asyncio.sleep(every.total_seconds())

    async def _scheduled(self) -> None:
        while True:
            try:
                await ensure_schedules(self.client)
            except Exception as error:  # noqa: BLE001  # as above
                log.warning("the sweeps could not be scheduled: %s", type(error).__name__)
            await asyncio.sleep(SCHEDULES_EVERY.total_seconds())


def _deleted(sweep: Sweep, found: dict[str, int]) -> Swept:
    """The result of a round that deletes all that it finds."""
    handled = 0 if sweep.dry_run else sum(found.values())
    return Swept(kind=sweep.kind, dry_run=sweep.dry_run, found=found, handled=handled)
