"""Tenant scope: which projects a user may see, and in which role.

No other module filters by tenant. A row outside the scope does not exist: the answer is the same as for a wrong id.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, false, or_
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import Batch, BatchItem, Project, ProjectMember
from models.tables.projects import Role


class Owned(Protocol):
    """A table whose rows belong to a project and sort by time-ordered ids."""

    id: Any
    project_id: Any


@dataclass(frozen=True)
class Scope:
    """The projects that a user may see, or the one project that a workflow works on.

    `role` is the lowest role that the user must have in the project. A token for a single project has both ids.
    """

    user_id: UUID | None = None
    project_id: UUID | None = None
    role: Role = Role.VIEWER

    def needs(self, role: Role) -> "Scope":
        """The same scope, narrowed to projects in which the user has at least this role."""
        return replace(self, role=role)

    @property
    def actor(self) -> UUID:
        """The user who acts. A request always acts for a user, a workflow never does."""
        if self.user_id is None:
            raise AssertionError("a workflow acts for no user")
        return self.user_id

    @staticmethod
    def within(model: type[SQLModel], project: UUID | BindParameter[UUID]) -> ColumnElement[bool]:
        """The condition for rows of the project."""
        if model is Project:
            return col(Project.id) == project
        return col(cast("type[Owned]", model).project_id) == project

    def projects(self) -> ColumnElement[bool]:
        """The condition for projects in the scope."""
        if self.user_id is None:
            return false() if self.project_id is None else self.within(Project, self.project_id)
        member = select(ProjectMember.project_id).where(ProjectMember.user_id == self.user_id)
        if self.role != Role.VIEWER:
            member = member.where(col(ProjectMember.role).in_([role for role in Role if role.covers(self.role)]))
        theirs = or_(col(Project.owner_id) == self.user_id, col(Project.id).in_(member))
        return theirs if self.project_id is None else theirs & (col(Project.id) == self.project_id)

    def batches(self) -> ColumnElement[bool]:
        """The condition for batches in the scope: a batch may span projects, so it belongs to an account.

        A token for one project sees the batches that are wholly within it.
        """
        mine = false() if self.user_id is None else col(Batch.owner_id) == self.user_id
        return mine if self.project_id is None else mine & (col(Batch.project_id) == self.project_id)

    def covers(self, model: type[SQLModel]) -> ColumnElement[bool]:
        """The condition for rows of a table in the scope."""
        if model is Project:
            return self.projects()
        if model is Batch:
            return self.batches()
        if model is BatchItem:
            return col(BatchItem.batch_id).in_(select(Batch.id).where(self.batches()))
        if self.user_id is None and self.project_id is not None:
            return self.within(model, self.project_id)
        return col(cast("type[Owned]", model).project_id).in_(select(Project.id).where(self.projects()))


async def within_reach(session: AsyncSession, pairs: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those of the pairs of a user and a project in which the user may see the project."""
    users, projects = {user for user, _ in pairs}, {project for _, project in pairs}
    owners = select(Project.owner_id, Project.id).where(col(Project.owner_id).in_(users), col(Project.id).in_(projects))
    members = select(ProjectMember.user_id, ProjectMember.project_id).where(
        col(ProjectMember.user_id).in_(users), col(ProjectMember.project_id).in_(projects)
    )
    return set((await session.exec(owners)).all()) | set((await session.exec(members)).all())


async def owned_batches(session: AsyncSession, batch_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """The account and the id of each of these batches that exists."""
    query = select(Batch.owner_id, Batch.id).where(col(Batch.id).in_(batch_ids))
    return set((await session.exec(query)).all())
