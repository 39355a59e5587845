"""A project's activity: what happened, and who did it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.http.deps import Scoped, Session
from api.http.paging import Limit
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND
from engine.store import events, rows
from models.events import EventType
from models.tables import Project

router = APIRouter(tags=["together"])

_EXAMPLE: dict[str, Any] = {
    "seq": 12,
    "type": "comment.added",
    "at": A_MOMENT,
    "generation_id": AN_ID,
    "actor_id": ANOTHER_ID,
    "actor": "Mara",
    "data": {"comment_id": AN_ID, "panel_id": ANOTHER_ID, "mentions": []},
}


class ActivityOut(BaseModel):
    """An event, with the name of the user who caused it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    seq: int
    type: str
    at: datetime
    generation_id: UUID | None
    actor_id: UUID | None = Field(description="null: a workflow, or a deleted account")
    actor: str | None
    data: dict[str, Any]


class ActivityPage(BaseModel):
    """A page of events, the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE], "next_cursor": 12}]})

    items: list[ActivityOut]
    next_cursor: int | None = Field(description="pass as `before` for earlier events; null at the end")


@router.get("/projects/{project_id}/activity", summary="List a project's activity", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    after: Annotated[int, Query(ge=0, lt=2**63, description="only events after this `seq`")] = 0,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="only events before this `seq`")] = None,
    type: Annotated[
        list[EventType] | None,
        Query(description="only these types; default: all but `generation.progressed` and `presence.changed`"),
    ] = None,
    actor_id: Annotated[UUID | None, Query(description="only events caused by this user")] = None,
    limit: Limit = 50,
) -> ActivityPage:
    """The newest first."""
    await rows.get(session, scope, Project, project_id)
    found = await events.activity(
        session, project_id, after=after, before=before, types=type or [], actor_id=actor_id, limit=limit + 1
    )
    items = [
        ActivityOut(
            seq=event.seq,
            type=event.type,
            at=event.at,
            generation_id=event.generation_id,
            actor_id=event.actor_id,
            actor=name,
            data=event.data,
        )
        for event, name in found[:limit]
    ]
    return ActivityPage(items=items, next_cursor=items[-1].seq if len(found) > limit else None)
