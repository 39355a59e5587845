"""Liveness and readiness probes."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from api.http.deps import Owned
from api.http.readiness import readiness

router = APIRouter(tags=["health"])


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
    found = await readiness(owned)
    ready = all(state == "ok" for state in found.values())
    response.status_code = 200 if ready else 503
    return Ready(status="ok" if ready else "not ready", **found)
