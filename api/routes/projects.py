"""Projects, which contain chapters, characters and pictures."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from api.http.deps import Editing, Owned, Owning, Scoped, Session
from api.http.money import Usd
from api.http.paging import Listing, listed, sorted_by
from api.http.params import ExternalId, Facts, Metadata, labelled
from api.http.schemas import CONFLICT, NOT_FOUND
from api.shapes.projects import ProjectOut
from engine.errors import Forbidden
from engine.store import editing, holds, removals, rows
from engine.store.events import emit
from engine.store.generations import refuse_while_open
from engine.store.rows import Paging
from models.events import EventType
from models.numbers import Whole
from models.options import GenerationOptions
from models.tables import Project
from models.tables.projects import UnknownPolicy
from models.texts import Title, Words
from workflows.starting import wake_if_possible

router = APIRouter(tags=["projects"])


class NewProject(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "The Clock That Waited"}]})

    title: Title
    description: Words = Field(default="", max_length=10_000)
    style: Words = Field(default="", max_length=2_000, description="how pictures should look")
    budget_usd: Usd | None = Field(default=None, description="options for all of its generations")
    unknown_policy: UnknownPolicy = UnknownPolicy.AUTO
    options: GenerationOptions = Field(
        default_factory=GenerationOptions, description="used by generations that name none"
    )
    external_id: ExternalId | None = None
    metadata: Metadata = {}


class ProjectChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "title": "A new title"}]})

    version: Whole = Field(ge=1, lt=2**31, description="the version that you read; answers 409 if it has changed since")
    title: Title | None = None
    description: Words | None = Field(default=None, max_length=10_000)
    style: Words | None = Field(default=None, max_length=2_000)
    budget_usd: Usd | None = None
    unknown_policy: UnknownPolicy | None = None
    options: GenerationOptions | None = None
    external_id: ExternalId | None = Field(default=None, description="null removes it")
    metadata: Metadata | None = Field(default=None, description="replaces all previous values")


@router.post("/projects", status_code=201, summary="Create a project")
async def create(body: NewProject, session: Session, scope: Scoped, response: Response) -> ProjectOut:
    if scope.project_id is not None:
        raise Forbidden("This token can access one project only.")
    project = Project(owner_id=scope.actor, **_values(body))
    session.add(project)
    await session.flush()
    await session.refresh(project)
    response.headers["Location"] = f"/api/v1/projects/{project.id}"
    return ProjectOut.model_validate(project)


@router.get("/projects", summary="List projects")
async def listing(
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("created_at", "title")],
    external_id: Annotated[ExternalId | None, Query()] = None,
    facts: Facts = None,
    title: Annotated[Words | None, Query(max_length=200, description="a part of the title, ignoring case")] = None,
) -> Listing[ProjectOut]:
    """Lists projects that I own or am a member of."""
    filters = labelled(Project, facts, external_id)
    if title is not None:
        filters.append(col(Project.title).icontains(title, autoescape=True))
    return listed(ProjectOut, await rows.page(session, scope, Project, *filters, paging=paging))


@router.get("/projects/{project_id:uuid}", summary="Read a project", responses=NOT_FOUND)
async def read(project_id: UUID, session: Session, scope: Scoped) -> ProjectOut:
    return ProjectOut.model_validate(await rows.get(session, scope, Project, project_id))


@router.patch("/projects/{project_id:uuid}", summary="Change a project", responses={**NOT_FOUND, **CONFLICT})
async def change(project_id: UUID, body: ProjectChange, owned: Owned, scope: Editing) -> ProjectOut:
    """If you raise the budget enough, parts that wait for it continue."""
    woken: list[str] = []
    # A transaction of its own: a workflow that is woken reads the decision.
    async with owned.database.session() as session:
        await rows.get(session, scope, Project, project_id)
        if "budget_usd" in body.model_fields_set:
            woken = await holds.loosen_project(session, project_id)
        values = _values(body)
        project = await rows.change(session, scope, Project, project_id, body.version, values)
        changed = ProjectOut.model_validate(project)
        fields = sorted({editing.OUTSIDE.get(name, name) for name in values})
        await emit(session, project_id, None, EventType.PROJECT_CHANGED, {"fields": fields}, actor=scope.actor)
    await wake_if_possible(owned.temporal, woken)
    return changed


@router.delete(
    "/projects/{project_id:uuid}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a project and everything in it",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(project_id: UUID, session: Session, scope: Owning) -> None:
    """Deletes its pictures, files and workflow histories within minutes. This cannot be undone."""
    await rows.get(session, scope, Project, project_id, lock=True)
    await refuse_while_open(session, project_id=project_id)
    await removals.record_project(session, project_id)
    await rows.remove(session, scope, Project, project_id)


def _values(body: NewProject | ProjectChange) -> dict[str, Any]:
    """The given columns. Of `options` only those that are named, so that the others keep following the settings.

    Null removes a value.
    """
    values = body.model_dump(exclude={"version", "options", "budget_usd", "external_id", "metadata"}, exclude_none=True)
    for name in {"budget_usd", "external_id"} & body.model_fields_set:
        values[name] = getattr(body, name)
    if body.metadata is not None:
        values["labels"] = body.metadata
    if body.options is not None and "options" in body.model_fields_set:
        values["options"] = body.options.model_dump(mode="json", exclude_unset=True)
    return values
