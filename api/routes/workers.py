"""The workers of this installation, for those who run it."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from temporalio.service import RPCError

from api.http.deps import Owned
from api.http.operators import Operating
from api.http.paging import Listing, Part, listed, part_of
from api.http.schemas import A_MOMENT, FORBIDDEN
from engine.errors import EngineError
from workflows.live_workers import live_workers
from workflows.starting import PATIENCE

router = APIRouter(tags=["health"])

_EXAMPLE: dict[str, Any] = {
    "host": "studio-1",
    "process": 4711,
    "build": "",
    "started_at": A_MOMENT,
    "seen_at": A_MOMENT,
    "busy": 3,
    "queues": ["io", "llm-offline", "webhooks", "workflows"],
}


class TemporalAway(EngineError):
    """Temporal does not answer."""

    http_status = 503


class WorkerOut(BaseModel):
    """A worker process that was alive within the last seconds."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]}, from_attributes=True)

    host: str
    process: int
    build: str = Field(description="its INKLOOM_BUILD; empty: none")
    started_at: datetime
    seen_at: datetime
    busy: int = Field(description="activities and workflow tasks that it has in hand")
    queues: list[str]


@router.get("/workers", summary="List the live workers", responses=FORBIDDEN)
async def listing(owned: Owned, _: Operating, part: Annotated[Part, part_of(50)]) -> Listing[WorkerOut]:
    """The oldest first. Empty where Temporal's server lists no workers.

    For the owner of this machine and `INKLOOM_OPERATORS`.
    """
    try:
        found = await asyncio.wait_for(live_workers(owned.temporal), PATIENCE)
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise TemporalAway("Temporal does not answer, so it is not known which workers are alive.") from error
    return listed(WorkerOut, part.of(found))
