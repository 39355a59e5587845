"""Members of a project and their roles."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, ConfigDict
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Owning, Scoped, Session
from api.http.paging import Listing, Paged
from api.http.schemas import AN_ID, CONFLICT, NOT_FOUND
from api.shapes.members import MemberOut
from engine.errors import Forbidden
from engine.store import members, rows
from engine.store.scope import Scope
from models.tables import Project
from models.tables.projects import Role

router = APIRouter(tags=["members"])


class MemberChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"role": "commenter"}]})

    role: Role


class Transfer(BaseModel):
    """The member whom the project is transferred to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"user_id": AN_ID}]})

    user_id: UUID


@router.get("/projects/{project_id}/members", summary="List a project's members", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Paged,
    role: Annotated[list[Role] | None, Query(max_length=4, description="any of these")] = None,
) -> Listing[MemberOut]:
    """In the order of their accounts, including the account that the project belongs to."""
    await rows.get(session, scope, Project, project_id)
    found, following = await members.listing(session, project_id, role, paging.after, paging.limit)
    addressed = await _owns(session, scope, project_id)
    return Listing(items=[_out(member, addressed) for member in found], next_cursor=following)


@router.get("/projects/{project_id}/members/{user_id}", summary="Read a member", responses=NOT_FOUND)
async def read(project_id: UUID, user_id: UUID, session: Session, scope: Scoped) -> MemberOut:
    await rows.get(session, scope, Project, project_id)
    member = await members.member_of(session, project_id, user_id)
    return _out(member, await _owns(session, scope, project_id))


@router.patch(
    "/projects/{project_id}/members/{user_id}",
    summary="Change a member's role",
    responses={**NOT_FOUND, **CONFLICT},
)
async def change(project_id: UUID, user_id: UUID, body: MemberChange, session: Session, scope: Owning) -> MemberOut:
    """For owners. The role of the account that the project belongs to cannot be changed."""
    return _out(await members.change(session, scope, project_id, user_id, body.role), addressed=True)


@router.delete(
    "/projects/{project_id}/members/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a member, or leave a project",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(project_id: UUID, user_id: UUID, session: Session, scope: Scoped) -> None:
    """Owners can remove others, and all members can leave, except the account that the project belongs to."""
    await members.leave(session, scope, project_id, user_id)


@router.post(
    "/projects/{project_id}/transfer",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Transfer a project to another member",
    responses={**NOT_FOUND, **CONFLICT},
)
async def transfer(project_id: UUID, body: Transfer, session: Session, scope: Owning) -> None:
    """Only the account it belongs to can do this; it stays an owner. Budgets and paid answers move with the project."""
    await members.transfer(session, scope, project_id, body.user_id)


async def _owns(session: AsyncSession, scope: Scope, project_id: UUID) -> bool:
    try:
        await rows.get(session, scope.needs(Role.OWNER), Project, project_id)
    except Forbidden:
        return False
    return True


def _out(member: members.Member, addressed: bool) -> MemberOut:
    out = MemberOut.model_validate(member)
    return out if addressed else out.model_copy(update={"email": None})
