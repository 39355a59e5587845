"""Collaboration: comments on panels, presence, and locks of panels."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel

from models.tables.columns import Row, json_list, moment, scoped, within_project


class Comment(Row, table=True):
    """A comment on a panel."""

    __tablename__ = "comments"
    __table_args__ = (
        scoped(),
        within_project("panel_id", "panels"),
        Index("ix_comments_panel_id_id", "panel_id", "id"),
        Index("ix_comments_author_id", "author_id"),
    )

    project_id: UUID
    panel_id: UUID
    author_id: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    body: str
    mentions: list[str] = json_list("ids of members whose attention is asked for")
    resolved_at: datetime | None = moment()
    edited_at: datetime | None = moment()
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Presence(SQLModel, table=True):
    """A user has a project open. A row that is not refreshed expires."""

    __tablename__ = "presences"
    __table_args__ = (Index("ix_presences_project_id", "project_id"), Index("ix_presences_user_id", "user_id"))

    connection: UUID = Field(primary_key=True, description="the socket: one person may have several open")
    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    panel_id: UUID | None = Field(default=None, description="what is being looked at")
    seen_at: datetime = Field(sa_type=DateTime(timezone=True))


class PanelLock(SQLModel, table=True):
    """A user edits a panel: others see it, and their changes to the panel are refused until the lock expires."""

    __tablename__ = "panel_locks"
    __table_args__ = (within_project("panel_id", "panels"), Index("ix_panel_locks_user_id", "user_id"))

    panel_id: UUID = Field(primary_key=True)
    project_id: UUID
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
