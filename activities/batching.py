"""Batches: what their workflow does, as activities. `engine.batches.advance` decides."""

from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity

from engine.batches.advance import advance
from engine.db.session import Database
from engine.errors import Conflict, NotFound
from engine.store import batches
from engine.store.scope import Scope
from models.batches import BatchRun, BatchStep


class Batching:
    def __init__(self, database: Database) -> None:
        self._database = database

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.advance_batch, self.cancel_batch]

    @activity.defn
    async def advance_batch(self, run: BatchRun) -> BatchStep:
        """Take note of items that have ended, and claim the next ones."""
        return await advance(self._database, run.batch_id)

    @activity.defn
    async def cancel_batch(self, run: BatchRun) -> None:
        """Cancel the batch, as if by its account: its workflow was cancelled in Temporal."""
        async with self._database.session() as session:
            try:
                await batches.cancel(session, Scope(user_id=run.owner_id), run.batch_id)
            except (Conflict, NotFound):
                # It has ended already, or is gone.
                return
