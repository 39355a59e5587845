"""Who has a project open."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.http.deps import Scoped, Session
from api.http.paging import Listing
from api.http.schemas import AN_ID, ANOTHER_ID, NOT_FOUND
from engine.store import presences, rows
from models.tables import Project

router = APIRouter(tags=["together"])


class PresenceOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"user_id": AN_ID, "name": "Mara", "panel_ids": [ANOTHER_ID]}]},
    )

    user_id: UUID
    name: str
    panel_ids: list[UUID] = Field(description="the panels being looked at, in one window or several")


@router.get("/projects/{project_id}/presence", summary="List who has a project open", responses=NOT_FOUND)
async def listing(project_id: UUID, session: Session, scope: Scoped) -> Listing[PresenceOut]:
    """Lists users with an open socket of the project, for a few seconds longer than their last socket.

    Returns all of them on one page, because they come and go.
    """
    await rows.get(session, scope, Project, project_id)
    there = await presences.present_users(session, project_id)
    return Listing(items=[PresenceOut.model_validate(one) for one in there], next_cursor=None)
