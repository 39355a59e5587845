"""Standing instructions to a project's writers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, listed, sorted_by
from api.http.params import Order, Position
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from engine.store import editing, rows
from engine.store.rows import Paging
from models.instructions import InstructionKind
from models.numbers import Whole
from models.tables import Project, ProjectInstruction
from models.texts import Said

router = APIRouter(tags=["instructions"])

Body = Annotated[Said, Field(min_length=1, max_length=4_000)]
_NEW: dict[str, Any] = {"kind": "tone", "body": "Quiet and dry; nobody explains a joke."}


class NewInstruction(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    kind: InstructionKind = InstructionKind.DO
    body: Body
    position: Position = None


class InstructionChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, **_NEW}]})

    version: Whole = Field(ge=1, lt=2**31)
    kind: InstructionKind | None = None
    body: Body | None = None


class InstructionOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "position": 0,
                    **_NEW,
                    "version": 1,
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    project_id: UUID
    position: int
    kind: InstructionKind
    body: str
    version: int
    created_at: datetime


@router.post(
    "/projects/{project_id}/instructions", status_code=201, summary="Add a standing instruction", responses=NOT_FOUND
)
async def create(
    project_id: UUID, body: NewInstruction, session: Session, scope: Editing, response: Response
) -> InstructionOut:
    """Prompts list instructions in their order. Later writing follows the new one; existing text stays."""
    await editing.open_project(session, scope, project_id)
    new = ProjectInstruction(project_id=project_id, position=0, kind=body.kind, body=body.body)
    instruction = await editing.add(session, scope, new, at=body.position)
    response.headers["Location"] = f"/api/v1/instructions/{instruction.id}"
    return InstructionOut.model_validate(instruction)


@router.get("/projects/{project_id}/instructions", summary="List standing instructions", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("position", "created_at")],
    kind: Annotated[list[InstructionKind] | None, Query(max_length=5, description="any of these")] = None,
) -> Listing[InstructionOut]:
    filters = [col(ProjectInstruction.kind).in_(kind)] if kind else []
    return listed(
        InstructionOut,
        await rows.children(
            session,
            scope,
            Project,
            project_id,
            ProjectInstruction,
            *filters,
            columns=InstructionOut.model_fields,
            paging=paging,
        ),
    )


@router.post(
    "/projects/{project_id}/instructions/reorder",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Reorder standing instructions",
    responses=NOT_FOUND,
)
async def reorder(project_id: UUID, body: Order, session: Session, scope: Editing) -> None:
    """`ids` lists every instruction of the project once."""
    await editing.open_project(session, scope, project_id)
    await editing.reorder(session, scope, ProjectInstruction, project_id, project_id, body.ids)


@router.get("/instructions/{instruction_id}", summary="Read a standing instruction", responses=NOT_FOUND)
async def read(instruction_id: UUID, session: Session, scope: Scoped) -> InstructionOut:
    return InstructionOut.model_validate(await rows.get(session, scope, ProjectInstruction, instruction_id))


@router.patch(
    "/instructions/{instruction_id}", summary="Change a standing instruction", responses={**NOT_FOUND, **CONFLICT}
)
async def change(instruction_id: UUID, body: InstructionChange, session: Session, scope: Editing) -> InstructionOut:
    values = body.model_dump(exclude={"version"}, exclude_none=True)
    found = await editing.change(session, scope, ProjectInstruction, instruction_id, body.version, values)
    return InstructionOut.model_validate(found)


@router.delete(
    "/instructions/{instruction_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a standing instruction",
    responses=NOT_FOUND,
)
async def remove(instruction_id: UUID, session: Session, scope: Editing) -> None:
    """The instructions after it move up."""
    found = await rows.get(session, scope, ProjectInstruction, instruction_id)
    await editing.open_project(session, scope, found.project_id)
    found = await rows.get(session, scope, ProjectInstruction, instruction_id, lock=True)
    await editing.remove(session, scope, found)
