"""Projects, their members and invitations, and standing instructions."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Numeric, UniqueConstraint, func, text
from sqlmodel import Field, SQLModel

from models.instructions import InstructionKind
from models.tables.columns import Row, StrEnumType, json_list, json_object, one_of, ordered, scoped


class Role(StrEnum):
    """What a member may do: all, change and generate, comment, look. Each may do what those below it may."""

    OWNER = "owner"
    EDITOR = "editor"
    COMMENTER = "commenter"
    VIEWER = "viewer"

    def covers(self, other: "Role") -> bool:
        """Whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) <= order.index(other)


class UnknownPolicy(StrEnum):
    """What becomes of a paid call whose answer was lost: asked again, or a person decides. `auto` goes by its price."""

    AUTO = "auto"
    RETRY = "retry"
    ASK = "ask"


class Project(Row, table=True):
    """The tenant. Deleting it deletes all that is in it; its owner cannot be deleted before it."""

    __tablename__ = "projects"
    __table_args__ = (
        Index("ix_projects_owner_id_id", "owner_id", "id"),
        Index("uq_projects_identity", "owner_id", "identity_key", unique=True),
        Index("ix_projects_external_id", "owner_id", "external_id", postgresql_where=text("external_id IS NOT NULL")),
        CheckConstraint("event_seq >= 0", name="event_seq"),
        CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name="budget"),
        one_of("unknown_policy", UnknownPolicy),
    )

    owner_id: UUID = Field(foreign_key="users.id", ondelete="RESTRICT")
    title: str = Field(max_length=500)
    description: str = Field(default="", sa_column_kwargs={"server_default": ""})
    style: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="how pictures should look")
    identity_key: str | None = Field(
        default=None, max_length=64, description="SHA-256 of the story a command line run was given"
    )
    external_id: str | None = Field(default=None, max_length=200, description="the caller's own name for it")
    labels: dict[str, str] = json_object("the caller's own facts: `metadata` in the API")
    options: dict[str, Any] = json_object("what its generations use where they name nothing else")
    series: list[dict[str, Any]] = json_list("what happened before its first chapter, chapter by chapter: a bible's")
    budget_usd: Decimal | None = Field(default=None, sa_type=Numeric(12, 6))
    unknown_policy: UnknownPolicy = Field(
        default=UnknownPolicy.AUTO,
        sa_type=StrEnumType(UnknownPolicy, 8),
        sa_column_kwargs={"server_default": UnknownPolicy.AUTO},
    )
    event_seq: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class ProjectMember(SQLModel, table=True):
    """A member's role in a project."""

    __tablename__ = "project_members"
    __table_args__ = (one_of("role", Role), Index("ix_project_members_user_id", "user_id", "project_id"))

    project_id: UUID = Field(foreign_key="projects.id", primary_key=True, ondelete="CASCADE")
    user_id: UUID = Field(foreign_key="users.id", primary_key=True, ondelete="CASCADE")
    role: Role = Field(default=Role.VIEWER, sa_type=StrEnumType(Role, 16))
    created_at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
    )


class Invitation(Row, table=True):
    """An invitation to a project, for the person who has the e-mail address and the code that the inviter passes on."""

    __tablename__ = "invitations"
    __table_args__ = (
        scoped(),
        one_of("role", Role),
        UniqueConstraint("token_hash"),
        Index("uq_invitations_email", "project_id", text("lower(email)"), unique=True),
        Index("ix_invitations_invited_by", "invited_by"),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    email: str = Field(max_length=320)
    role: Role = Field(sa_type=StrEnumType(Role, 16))
    token_hash: str = Field(max_length=64, description="SHA-256 of the code")
    invited_by: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))


class ProjectInstruction(Row, table=True):
    """A standing instruction to the writers of a project, in order of importance."""

    __tablename__ = "project_instructions"
    __table_args__ = (scoped(), ordered("project_id"), one_of("kind", InstructionKind))

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    position: int
    kind: InstructionKind = Field(
        default=InstructionKind.DO,
        sa_type=StrEnumType(InstructionKind, 16),
        sa_column_kwargs={"server_default": InstructionKind.DO},
    )
    body: str
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
