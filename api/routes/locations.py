"""Locations of the story."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, listed, sorted_by
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from engine.store import cast, editing, rows
from engine.store.rows import Paging
from models.numbers import Whole
from models.tables import Location, Project
from models.texts import Name, Words

router = APIRouter(tags=["locations"])

_NEW: dict[str, Any] = {"name": "the quay", "description": "Wet stone steps under one lamp."}


class NewLocation(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    name: Name
    description: Words = Field(default="", max_length=4_000)


class LocationChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, **_NEW}]})

    version: Whole = Field(ge=1, lt=2**31)
    name: Name | None = None
    description: Words | None = Field(default=None, max_length=4_000)


class LocationOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{"id": AN_ID, "project_id": ANOTHER_ID, **_NEW, "version": 1, "created_at": A_MOMENT}]
        },
    )

    id: UUID
    project_id: UUID
    name: str
    description: str
    version: int
    created_at: datetime


@router.post(
    "/projects/{project_id}/locations", status_code=201, summary="Add a location", responses={**NOT_FOUND, **CONFLICT}
)
async def create(
    project_id: UUID, body: NewLocation, session: Session, scope: Editing, response: Response
) -> LocationOut:
    """Names are unique in a project, ignoring case."""
    await rows.get(session, scope, Project, project_id)
    location = Location(project_id=project_id, **cast.name_columns(body.name), description=body.description)
    async with cast.unique_name():
        await editing.add(session, scope, location)
    response.headers["Location"] = f"/api/v1/locations/{location.id}"
    return LocationOut.model_validate(location)


@router.get("/projects/{project_id}/locations", summary="List a project's locations", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("created_at", "name")],
    name: Annotated[Name | None, Query(description="the whole name, ignoring case")] = None,
) -> Listing[LocationOut]:
    filters = [col(Location.name_key) == name.casefold()] if name is not None else []
    return listed(
        LocationOut,
        await rows.children(
            session,
            scope,
            Project,
            project_id,
            Location,
            *filters,
            columns=LocationOut.model_fields,
            paging=paging,
        ),
    )


@router.get("/locations/{location_id}", summary="Read a location", responses=NOT_FOUND)
async def read(location_id: UUID, session: Session, scope: Scoped) -> LocationOut:
    return LocationOut.model_validate(await rows.get(session, scope, Location, location_id))


@router.patch("/locations/{location_id}", summary="Change a location", responses={**NOT_FOUND, **CONFLICT})
async def change(location_id: UUID, body: LocationChange, session: Session, scope: Editing) -> LocationOut:
    """Scenes keep the name that they have. A running generation uses the change for the rest of its work."""
    values: dict[str, Any] = body.model_dump(include={"description"}, exclude_none=True)
    if body.name is not None:
        values |= cast.name_columns(body.name)
    async with cast.unique_name():
        location = await editing.change(session, scope, Location, location_id, body.version, values)
    return LocationOut.model_validate(location)


@router.delete(
    "/locations/{location_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a location",
    responses=NOT_FOUND,
)
async def remove(location_id: UUID, session: Session, scope: Editing) -> None:
    """Scenes keep its name, and the next outline that finds it adds it again."""
    await editing.remove(session, scope, await rows.get(session, scope, Location, location_id, lock=True))
