"""Invitations: the owner of an address joins a project with a code."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from api.http.deps import Owning, Person, Session
from api.http.paging import Listing, Paged, listed
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from api.shapes.members import MemberOut
from engine.store import accounts, members, rows
from models.tables import Invitation, Project
from models.tables.projects import Role
from models.texts import Email

router = APIRouter(tags=["members"])

_OUT: dict[str, Any] = {
    "id": AN_ID,
    "project_id": ANOTHER_ID,
    "email": "mara@example.org",
    "role": "editor",
    "created_at": A_MOMENT,
    "expires_at": A_MOMENT,
}


class NewInvitation(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"email": "mara@example.org", "role": "editor"}]}
    )

    email: Email
    role: Role = Role.VIEWER


class InvitationOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_OUT]})

    id: UUID
    project_id: UUID
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class InvitationMade(InvitationOut):
    """An invitation with its code, which is shown only now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_OUT, "code": "q3ZvZ0kq…"}]})

    code: str = Field(description="shown only now: pass it on to the person you invite, because Inkloom sends no mail")


class InvitedOut(BaseModel):
    """An invitation to me, without its code, which the inviter passes on."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project": "The Clock That Waited",
                    "invited_by": "Jo",
                    "role": "editor",
                    "expires_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    project: str = Field(description="its title")
    invited_by: str = Field(description="the inviter's name; empty if they have none or their account was deleted")
    role: Role
    expires_at: datetime


class Code(BaseModel):
    """The code that the inviter passed on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"code": "q3ZvZ0kq…"}]})

    code: str = Field(max_length=200)


class JoinedOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "project_id": ANOTHER_ID,
                    "member": {
                        "user_id": AN_ID,
                        "name": "Mara",
                        "email": "mara@example.org",
                        "role": "editor",
                        "belongs": False,
                        "since": A_MOMENT,
                    },
                }
            ]
        }
    )

    project_id: UUID
    member: MemberOut


@router.post(
    "/projects/{project_id}/invitations",
    status_code=201,
    summary="Invite a person by e-mail address",
    responses={**NOT_FOUND, **CONFLICT},
)
async def create(project_id: UUID, body: NewInvitation, session: Session, scope: Owning) -> InvitationMade:
    """The code is valid once, for 14 days, and only for an account with this address. Inviting again replaces it.

    The answer is the same whether or not the address has an account. The address of a member is refused.
    """
    row, code = await members.invite(session, scope, project_id, body.email, body.role)
    return InvitationMade(**InvitationOut.model_validate(row).model_dump(), code=code)


@router.get("/projects/{project_id}/invitations", summary="List a project's invitations", responses=NOT_FOUND)
async def listing(project_id: UUID, session: Session, scope: Owning, paging: Paged) -> Listing[InvitationOut]:
    """Lists pending and expired invitations. For owners only, because invitations contain addresses."""
    return listed(
        InvitationOut,
        await rows.children(
            session, scope, Project, project_id, Invitation, columns=InvitationOut.model_fields, paging=paging
        ),
    )


@router.delete(
    "/projects/{project_id}/invitations/{invitation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke an invitation",
    responses=NOT_FOUND,
)
async def remove(project_id: UUID, invitation_id: UUID, session: Session, scope: Owning) -> None:
    await rows.get(session, scope, Project, project_id)
    invitation = await rows.get(session, scope, Invitation, invitation_id)
    if invitation.project_id != project_id:
        raise rows.missing(Invitation, invitation_id)
    await session.delete(invitation)


@router.get("/invitations", summary="List invitations to me")
async def mine(session: Session, person: Person, paging: Paged) -> Listing[InvitedOut]:
    """Finds them by my account's address; leaves out expired ones."""
    user = await accounts.user(session, person.user_id)
    return listed(InvitedOut, await members.invitations_to(session, user.email or "", paging.after, paging.limit))


@router.post("/invitations/accept", summary="Join a project", responses={**NOT_FOUND, **CONFLICT})
async def accept(body: Code, session: Session, person: Person) -> JoinedOut:
    """Needs the code, and the address that it was created for."""
    user = await accounts.user(session, person.user_id)
    project_id, member = await members.accept(session, user, body.code)
    return JoinedOut(project_id=project_id, member=MemberOut.model_validate(member))
