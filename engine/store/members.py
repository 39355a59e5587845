"""Members of a project, their roles, and invitations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, literal, or_, text, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import Conflict, Forbidden, NotFound
from engine.security import digest, new_token
from engine.store import cursors, rows
from engine.store.events import emit
from engine.store.scope import Scope
from models.events import EventType
from models.ids import new_id
from models.tables import Invitation, Project, ProjectMember, User
from models.tables.columns import table
from models.tables.projects import Role

LIFETIME = timedelta(days=14)


@dataclass(frozen=True)
class Member:
    """A member of a project. `belongs` marks the project's owner, who cannot leave."""

    user_id: UUID
    name: str
    email: str | None
    role: Role
    belongs: bool
    since: datetime


async def listing(
    session: AsyncSession,
    project_id: UUID,
    roles: Sequence[Role] | None = None,
    after: str | None = None,
    limit: int = rows.MAX_PAGE,
    only: UUID | None = None,
) -> tuple[list[Member], str | None]:
    """One page of a project's members in the order of their accounts, including its owner."""
    owner: Any = select(
        col(Project.owner_id).label("user_id"),
        literal(Role.OWNER, table(ProjectMember).c.role.type).label("role"),
        col(Project.created_at).label("since"),
        literal(True).label("belongs"),
    ).where(Project.id == project_id)
    others = select(ProjectMember.user_id, ProjectMember.role, ProjectMember.created_at, literal(False)).where(
        ProjectMember.project_id == project_id
    )
    all_of_them = union_all(owner, others).subquery()
    query: Any = (
        select(User, all_of_them.c.role, all_of_them.c.belongs, all_of_them.c.since)
        .join(all_of_them, all_of_them.c.user_id == col(User.id))
        .order_by(col(User.id))
        .limit(limit + 1)
    )
    if roles:
        query = query.where(all_of_them.c.role.in_(roles))
    if only is not None:
        query = query.where(col(User.id) == only)
    if after is not None:
        query = query.where(col(User.id) > cursors.decode_by_id(after, f"Member.{project_id.hex}").id)
    members = [
        Member(user.id, user.name, user.email, role, belongs, since)
        for user, role, belongs, since in (await session.exec(query)).all()
    ]
    if len(members) <= limit:
        return members, None
    return members[:limit], cursors.encode(cursors.Mark(f"Member.{project_id.hex}", None, members[limit - 1].user_id))


async def member_of(session: AsyncSession, project_id: UUID, user_id: UUID) -> Member:
    """A member of a project. Raises `NotFound`."""
    found, _ = await listing(session, project_id, only=user_id)
    if not found:
        raise NotFound(f"There is no member {user_id}.")
    return found[0]


async def change(session: AsyncSession, scope: Scope, project_id: UUID, user_id: UUID, role: Role) -> Member:
    """Give a member another role. Raises `Conflict` for the project's owner."""
    await rows.get(session, scope, Project, project_id, lock=True)
    member = await member_of(session, project_id, user_id)
    _refuse_owner(member)
    row = await session.get_one(ProjectMember, (project_id, user_id))
    row.role = role
    session.add(row)
    await session.flush()
    if role != Role.OWNER:
        await _delete_invitations(session, project_id, user_id)
    data = {"user_id": str(user_id), "role": role}
    await emit(session, project_id, None, EventType.MEMBER_CHANGED, data, actor=scope.actor)
    return await member_of(session, project_id, user_id)


async def leave(session: AsyncSession, scope: Scope, project_id: UUID, user_id: UUID) -> None:
    """Remove a member: owners may remove others, and all members themselves."""
    needed = Role.VIEWER if user_id == scope.actor else Role.OWNER
    await rows.get(session, scope.needs(needed), Project, project_id, lock=True)
    _refuse_owner(await member_of(session, project_id, user_id))
    await session.delete(await session.get_one(ProjectMember, (project_id, user_id)))
    await session.flush()
    await _delete_invitations(session, project_id, user_id)
    await emit(session, project_id, None, EventType.MEMBER_LEFT, {"user_id": str(user_id)}, actor=scope.actor)


async def transfer(session: AsyncSession, scope: Scope, project_id: UUID, user_id: UUID) -> None:
    """Transfer the project from its owner to a member; the previous owner stays a member with the role of owner."""
    project = await rows.get(session, scope, Project, project_id, lock=True)
    if project.owner_id != scope.actor:
        raise Forbidden("Only the owner can transfer the project.")
    found, _ = await listing(session, project_id, only=user_id)
    if not found:
        raise Conflict(f"{user_id} is not a member of the project. Invite them first.")
    if found[0].belongs:
        return
    row = await session.get_one(ProjectMember, (project_id, user_id))
    await session.delete(row)
    session.add(ProjectMember(project_id=project_id, user_id=scope.actor, role=Role.OWNER))
    project.owner_id = user_id
    session.add(project)
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_projects_identity" not in str(error.orig):
            raise
        raise Conflict("That user already has a project for this story.") from error
    data = {"user_id": str(user_id), "role": Role.OWNER}
    await emit(session, project_id, None, EventType.MEMBER_CHANGED, data, actor=scope.actor)


async def invite(
    session: AsyncSession, scope: Scope, project_id: UUID, email: str, role: Role
) -> tuple[Invitation, str]:
    """An invitation and its code, which is only available here. An earlier one for the same address is replaced.

    Raises `Conflict` for a member's address, which an owner sees anyway. Whether another address has an account is
    neither checked nor revealed.
    """
    project = await rows.get(session, scope, Project, project_id)
    members = select(ProjectMember.user_id).where(ProjectMember.project_id == project_id)
    there = select(User.id).where(
        func.lower(User.email) == email.lower(),
        or_(col(User.id) == project.owner_id, col(User.id).in_(members)),
    )
    if (await session.exec(there)).first() is not None:
        raise Conflict("This person is already a member. Change the role at `members/{user_id}`.")
    code = new_token()
    values = {
        "id": new_id(),
        "email": email,
        "role": role,
        "token_hash": digest(code),
        "invited_by": scope.actor,
        "expires_at": func.now() + LIFETIME,
        "created_at": func.now(),
    }
    made = await session.exec(
        insert(Invitation)
        .values(project_id=project_id, **values)
        .on_conflict_do_update(index_elements=["project_id", text("lower(email)")], set_=values)
        .returning(Invitation)
    )
    invitation: Invitation = made.scalar_one()
    data = {"invitation_id": str(invitation.id), "role": role}
    await emit(session, project_id, None, EventType.MEMBER_INVITED, data, actor=scope.actor)
    return invitation, code


@dataclass(frozen=True)
class Invited:
    """An invitation as the invited user sees it: of the project only its title."""

    id: UUID
    project: str
    invited_by: str
    role: Role
    expires_at: datetime


async def invitations_to(
    session: AsyncSession, email: str, after: str | None, limit: int
) -> tuple[list[Invited], str | None]:
    """One page of an address's unexpired invitations, the oldest first."""
    query = (
        select(Invitation, Project.title, User.name)
        .join(Project, col(Project.id) == col(Invitation.project_id))
        .join(User, col(User.id) == col(Invitation.invited_by), isouter=True)
        .where(func.lower(Invitation.email) == email.lower(), col(Invitation.expires_at) > func.now())
        .order_by(col(Invitation.id))
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(col(Invitation.id) > cursors.decode_by_id(after, "Invited").id)
    invitations = [
        Invited(row.id, title, name or "", row.role, row.expires_at)
        for row, title, name in (await session.exec(query)).all()
    ]
    if len(invitations) <= limit:
        return invitations, None
    return invitations[:limit], cursors.encode(cursors.Mark("Invited", None, invitations[limit - 1].id))


async def accept(session: AsyncSession, user: User, code: str) -> tuple[UUID, Member]:
    """Accept an invitation with its code and the account's address, once: the project, and the new member.

    Addresses are not verified, so neither the code nor the address suffices alone. Raises `NotFound` if nothing
    matches, and `Conflict` if the user is a member already.
    """
    taken = await session.exec(
        delete(Invitation)
        .where(
            col(Invitation.token_hash) == digest(code),
            func.lower(Invitation.email) == (user.email or "").lower(),
            col(Invitation.expires_at) > func.now(),
        )
        .returning(col(Invitation.project_id), col(Invitation.role))
        .execution_options(synchronize_session=False)
    )
    found = taken.one_or_none()
    if found is None:
        raise NotFound("There is no such invitation for this account, or it has ended.")
    project_id, role = found
    project = await rows.get(session, Scope(project_id=project_id), Project, project_id, lock=True)
    joined = await session.exec(
        insert(ProjectMember)
        .values(project_id=project_id, user_id=user.id, role=role)
        .on_conflict_do_nothing()
        .returning(col(ProjectMember.user_id))
    )
    if project.owner_id == user.id or joined.first() is None:
        raise Conflict("This account is already a member of the project.")
    data = {"user_id": str(user.id), "name": user.name, "role": role}
    await emit(session, project_id, None, EventType.MEMBER_JOINED, data, actor=user.id)
    return project_id, await member_of(session, project_id, user.id)


async def _delete_invitations(session: AsyncSession, project_id: UUID, user_id: UUID) -> None:
    """Delete the invitations of a user who is no longer an owner: the user may have kept a code."""
    await session.exec(
        delete(Invitation)
        .where(col(Invitation.project_id) == project_id, col(Invitation.invited_by) == user_id)
        .execution_options(synchronize_session=False)
    )


def _refuse_owner(member: Member) -> None:
    if member.belongs:
        raise Conflict("This account owns the project. Transfer it to another member first.")
