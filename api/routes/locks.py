"""Locks of panels that users are editing."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from api.http.deps import Editing, Scoped, Session
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND, refusal
from engine.store import locks, rows
from models.tables import Panel

router = APIRouter(tags=["together"])

HELD = refusal(
    409,
    "conflict",
    "Another user is editing this panel.",
    "Mara is editing this panel, at least until 12:00:00 UTC.",
    held={"user_id": ANOTHER_ID, "name": "Mara", "expires_at": A_MOMENT},
)


class LockOut(BaseModel):
    """The lock on a panel: its holder and when it expires. Without a holder, the panel is not locked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"panel_id": AN_ID, "user_id": ANOTHER_ID, "name": "Mara", "expires_at": A_MOMENT}]
        }
    )

    panel_id: UUID
    user_id: UUID | None = None
    name: str | None = None
    expires_at: datetime | None = Field(default=None, description="renew the lock before then to keep it")


@router.put("/panels/{panel_id}/lock", summary="Lock a panel, or renew the lock", responses={**NOT_FOUND, **HELD})
async def take(panel_id: UUID, session: Session, scope: Editing) -> LockOut:
    """Locks it for 60 seconds. Others see the lock, and their changes to the panel are refused."""
    await locks.take_lock(session, scope, panel_id)
    return await _out(session, panel_id)


@router.get("/panels/{panel_id}/lock", summary="Read a panel's lock", responses=NOT_FOUND)
async def read(panel_id: UUID, session: Session, scope: Scoped) -> LockOut:
    await rows.get(session, scope, Panel, panel_id)
    return await _out(session, panel_id)


@router.delete(
    "/panels/{panel_id}/lock",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Unlock a panel",
    responses={**NOT_FOUND, **HELD},
)
async def release(panel_id: UUID, session: Session, scope: Editing) -> None:
    await locks.release(session, scope, panel_id)


async def _out(session: Session, panel_id: UUID) -> LockOut:
    found = await locks.lock_of(session, panel_id)
    if found is None:
        return LockOut(panel_id=panel_id)
    lock, name = found
    return LockOut(panel_id=panel_id, user_id=lock.user_id, name=name, expires_at=lock.expires_at)
