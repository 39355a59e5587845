"""How a batch stands: its counts, its costs, its pace, and what it waits for. The API and the command line say this."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.batches.advance import Waits, waits_of
from engine.store import batches, tallies
from models.batches import AT_WORK, ENDED
from models.tables import Batch, BatchItem, Generation


@dataclass(frozen=True)
class Standing:
    """The numbers of a batch. Costs are those of the ledger, over all attempts of all items.

    `seconds_left` is a guess, and `basis` says from what; None before the first item has ended.
    """

    batch: Batch
    counts: batches.Counts
    calls: tallies.Calls
    cached: int
    progress: float
    waits: Waits
    rate_per_hour: float | None
    seconds_left: float | None
    basis: str


async def standing_of(session: AsyncSession, batch: Batch) -> Standing:
    """How one batch stands."""
    return (await standings_of(session, [batch]))[0]


async def standings_of(session: AsyncSession, found: Sequence[Batch]) -> list[Standing]:
    """How several batches stand."""
    ids = [batch.id for batch in found]
    counts = await batches.counts_of(session, ids)
    calls = await tallies.calls_of_batches(session, ids)
    open_ids = [batch.id for batch in found if batch.status not in ENDED]
    begun, cached = await _begun(session, open_ids), await _cached(session, ids)
    standings = []
    for batch in found:
        mine = counts[batch.id]
        pace = await batches.pace_of(session, batch.id) if batch.id in open_ids else batches.Pace()
        rate, left, basis = _guess(batch, mine, pace)
        standings.append(
            Standing(
                batch=batch,
                counts=mine,
                calls=calls.get(batch.id, tallies.NOTHING),
                cached=cached.get(batch.id, 0),
                progress=round((mine.over + begun.get(batch.id, 0.0)) / mine.total, 6) if mine.total else 1.0,
                waits=await waits_of(session, batch) if batch.id in open_ids else Waits(),
                rate_per_hour=rate,
                seconds_left=left,
                basis=basis,
            )
        )
    return standings


def _guess(batch: Batch, counts: batches.Counts, pace: batches.Pace) -> tuple[float | None, float | None, str]:
    """Items per hour, seconds left, and the basis of both."""
    left = counts.waiting + counts.running
    if pace.seconds is None:
        return None, None, "no item has ended yet"
    abreast = max(1, min(batch.at_a_time, left or batch.at_a_time))
    seconds = max(pace.seconds, 0.001)
    basis = f"the last {pace.ended} items took {seconds:.1f} s each on average; {abreast} run side by side"
    if counts.held:
        basis += f"; without the {counts.held} that wait for a person"
    return round(3600 * abreast / seconds, 2), round(left * seconds / abreast, 1), basis


async def _begun(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, float]:
    """How many items' worth of progress the items at work have made."""
    query = (
        select(BatchItem.batch_id, func.sum(Generation.progress))
        .join(Generation, col(Generation.id) == col(BatchItem.generation_id))
        .where(col(BatchItem.batch_id).in_(ids), col(BatchItem.state).in_(AT_WORK))
        .group_by(col(BatchItem.batch_id))
    )
    return {batch_id: float(share) for batch_id, share in (await session.exec(query)).all()}


async def _cached(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, int]:
    query = (
        select(Generation.batch_id, func.sum(Generation.cached_calls))
        .where(col(Generation.batch_id).in_(ids))
        .group_by(col(Generation.batch_id))
    )
    return {batch_id: int(count) for batch_id, count in (await session.exec(query)).all() if batch_id is not None}


@dataclass(frozen=True)
class Line:
    """A line of a batch's report: an item with what it cost, over all attempts."""

    item: BatchItem
    calls: tallies.Calls

    @property
    def seconds(self) -> float | None:
        """From the start of the first attempt to the end."""
        begun, ended = self.item.started_at, self.item.finished_at
        return None if begun is None or ended is None else round((ended - begun).total_seconds(), 3)


async def lines_of(session: AsyncSession, batch_id: UUID, items: Sequence[BatchItem]) -> list[Line]:
    """The items with what each cost."""
    calls = await tallies.calls_of_items(session, [item.id for item in items], batch_id)
    return [Line(item, calls.get(item.id, tallies.NOTHING)) for item in items]


async def report(session: AsyncSession, batch: Batch) -> list[Line]:
    """All items of a batch, in its order."""
    query = select(BatchItem).where(BatchItem.batch_id == batch.id).order_by(col(BatchItem.position))
    return await lines_of(session, batch.id, (await session.exec(query)).all())
