"""Is the process alive, and can it do its work?"""

from datetime import timedelta

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from api.deps import Owned

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: str = "ok"


class Ready(BaseModel):
    """`ok`, or what cannot be reached."""

    status: str
    database: str
    temporal: str


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Alive:
    return Alive()


@router.get("/readyz", summary="Can it do its work?", responses={503: {"model": Ready}})
async def readyz(owned: Owned, response: Response) -> Ready:
    database = temporal = "ok"
    try:
        async with owned.database.session() as session:
            await (await session.connection()).execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as error:
        database = type(error).__name__
    try:
        if not await owned.temporal.service_client.check_health(timeout=timedelta(seconds=3)):
            temporal = "not serving"
    except (RPCError, RuntimeError) as error:
        temporal = type(error).__name__
    ready = database == temporal == "ok"
    response.status_code = 200 if ready else 503
    return Ready(status="ok" if ready else "not ready", database=database, temporal=temporal)
