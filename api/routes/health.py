"""Liveness and readiness probes."""

import asyncio
import time

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.http.deps import Owned
from engine.db.session import execute
from engine.errors import EngineError
from workflows.starting import PATIENCE

router = APIRouter(tags=["health"])

# For how many seconds the storage's answer stays valid: readiness probes are frequent.
FRESH = 5.0


class Alive(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = "ok"


class Ready(BaseModel):
    """`ok`, or what is unavailable."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "not ready", "database": "ok", "temporal": "RPCError", "storage": "ok"}]
        }
    )

    status: str
    database: str
    temporal: str
    storage: str


@router.get("/healthz", summary="Liveness probe")
async def healthz() -> Alive:
    return Alive()


@router.get("/readyz", summary="Readiness probe", responses={503: {"model": Ready}})
async def readyz(owned: Owned, response: Response) -> Ready:
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
    ready = database == temporal == storage == "ok"
    response.status_code = 200 if ready else 503
    return Ready(status="ok" if ready else "not ready", database=database, temporal=temporal, storage=storage)
