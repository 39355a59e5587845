"""Whether the servers below the API answer: for the readiness probe and the status page."""

import asyncio
import time

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.http.deps import Resources
from engine.db.session import execute
from engine.errors import EngineError
from workflows.starting import PATIENCE

# For how many seconds the storage's answer stays valid: readiness probes are frequent.
FRESH = 5.0


async def readiness(owned: Resources) -> dict[str, str]:
    """`ok` for the database, Temporal and the storage, or what is wrong with each."""
    database = temporal = "ok"
    try:
        async with owned.database.session() as session:
            await execute(session, text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        database = type(error).__name__
    try:
        if not await asyncio.wait_for(owned.temporal.service_client.check_health(), PATIENCE):
            temporal = "not serving"
    except (RPCError, RuntimeError, TimeoutError) as error:
        temporal = type(error).__name__
    now = time.monotonic()
    looked, storage = owned.storage_state
    if now - looked >= FRESH:
        try:
            await asyncio.wait_for(owned.storage.check(), PATIENCE)
            storage = "ok"
        except (EngineError, TimeoutError) as error:
            storage = type(error).__name__
        owned.storage_state = now, storage
    return {"database": database, "temporal": temporal, "storage": storage}
