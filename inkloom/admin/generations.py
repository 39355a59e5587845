"""`admin generations`: what is unfinished, and what an operator does about it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from uuid import UUID

from sqlmodel import col, select
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from engine.errors import Conflict, EngineError, NotFound
from engine.settings import Settings
from engine.store import generations, open_work, retries
from inkloom.admin.printing import age, columns, print_answer
from inkloom.admin.reaching import servers
from inkloom.commands import report
from inkloom.stuck import terminate
from inkloom.sweeper import recover
from inkloom.worker import connect
from models.ids import generation_workflow_id
from models.options import FINAL_STATUSES, GenerationStatus
from models.tables import Generation
from workflows.starting import start

# Seconds between two looks at a generation that is to end.
POLL = 0.5
TERMINATED = "an operator cancelled it, and it did not end in time"


async def list_command(settings: Settings, *, stuck: bool, waiting: bool, as_json: bool) -> int:
    """`list`: all that are unfinished, or those that wait."""
    async with servers(settings, temporal=False) as there:
        database = Database(there.database_url, pool_size=1)
        try:
            async with database.session() as session:
                found = await open_work.unfinished(session)
        finally:
            await database.close()
    if stuck or waiting:
        found = [one for one in found if (stuck and one.stuck) or (waiting and one.waiting)]
    rows: list[tuple[object, ...]] = []
    for one in found:
        first = one.waits[0] if one.waits else None
        title = f"{one.project} / {one.chapter}" if one.chapter else one.project
        rows.append(
            (
                one.id,
                one.kind,
                f"{one.status}{', cancelling' if one.cancel_requested_at else ''}",
                age(one.requested_at),
                age(one.last_event_at),
                f"{first.reason} for {age(first.since)}" if first else "",
                title[:60],
            )
        )
    lines = columns(("generation", "kind", "status", "requested", "last event", "waits for", "what"), rows)
    for one in found:
        lines += [f"  {one.id}: {wait.message}" for wait in one.waits if wait.message]
    listed = [{**asdict(one), "stuck": one.stuck, "waiting": one.waiting} for one in found]
    print_answer({"generations": listed}, as_json, lines)
    return 0


async def cancel_command(settings: Settings, generation_id: UUID, wait: float, *, as_json: bool) -> int:
    """`cancel`: as a user cancels it; if it has not ended after `wait` seconds, its workflow is terminated."""
    async with _reached(settings) as (database, client):
        generation = await _get(database, generation_id)
        if generation.status in FINAL_STATUSES:
            raise Conflict(f"The generation is already {generation.status}.")
        terminated = await cancelled(database, client, generation, wait)
        status = (await _get(database, generation_id)).status
    answer = {"generation_id": generation_id, "status": status, "terminated": terminated}
    how = ": its workflow did not end in time, and was terminated" if terminated else ""
    print_answer(answer, as_json, [f"Generation {generation_id} is {status}{how}."])
    return 0


async def cancelled(database: Database, client: Client, generation: Generation, wait: float) -> bool:
    """End a generation: True if it had to be terminated."""
    try:
        await client.get_workflow_handle(generation_workflow_id(generation.id)).cancel()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        async with database.session() as session:
            await generations.end(session, generation.project_id, generation.id, GenerationStatus.CANCELLED)
        return False
    async with database.session() as session:
        await generations.cancelling(session, generation.project_id, generation.id)
    report(f"Cancelled: it gets {wait:.0f} s to end by itself")
    until = time.monotonic() + wait
    while (await _get(database, generation.id)).status not in FINAL_STATUSES:
        if time.monotonic() >= until:
            await terminate(database, client, generation, TERMINATED)
            return True
        await asyncio.sleep(POLL)
    return False


async def requeue_command(settings: Settings, generation_id: UUID, *, as_json: bool) -> int:
    """`requeue`: a lost one gets its workflow again, an ended one is retried; one that runs is left alone."""
    async with _reached(settings) as (database, client):
        generation, how = await requeued(database, client, generation_id)
    answer = {"generation_id": generation.id, "retry_of": generation.retry_of, "status": generation.status, "how": how}
    print_answer(answer, as_json, [f"Generation {generation.id}: {how}."])
    return 0


async def requeued(database: Database, client: Client, generation_id: UUID) -> tuple[Generation, str]:
    """The generation that works on it now, and what was done. Raises `Conflict` if there is nothing to do."""
    generation = await _get(database, generation_id)
    if generation.status not in FINAL_STATUSES:
        swept = await recover(database, client, generation)
        if swept.found.get("not_started") or swept.found.get("workflow_lost"):
            return await _get(database, generation_id), "its workflow was started"
        generation = await _get(database, generation_id)
        if generation.status not in FINAL_STATUSES:
            raise Conflict(
                f"Its workflow runs, and the generation is {generation.status}. If it is stuck, cancel it first:"
                f" `python -m inkloom admin generations cancel {generation_id}`."
            )
    async with database.session() as session:
        again = await retries.retry(session, generation, None)
    await start(database, client, again)
    return again, "requested and started, as a retry of what had ended"


async def _get(database: Database, generation_id: UUID) -> Generation:
    async with database.session() as session:
        found = (await session.exec(select(Generation).where(col(Generation.id) == generation_id))).one_or_none()
    if found is None:
        raise NotFound(f"There is no generation {generation_id}. `admin generations list` shows the unfinished ones.")
    return found


@asynccontextmanager
async def _reached(settings: Settings) -> AsyncIterator[tuple[Database, Client]]:
    """The database and Temporal. Raises `EngineError` if Temporal does not answer."""
    async with servers(settings) as there:
        try:
            client = await connect(there.temporal_address, settings.temporal_namespace)
        except RuntimeError as error:
            raise EngineError(f"No Temporal server answers at {there.temporal_address}.") from error
        database = Database(there.database_url, pool_size=2)
        try:
            yield database, client
        finally:
            await database.close()
