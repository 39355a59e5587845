"""Who may log in: accounts, their credentials, and throttles against guessing."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Float, Index, UniqueConstraint, func, text
from sqlmodel import Field, SQLModel

from models.tables.columns import ABSENT_JSON, Row, json_list, moment


class TokenScope(StrEnum):
    """What a personal access token may do. No such token may touch the account itself."""

    READ = "read"
    WRITE = "write"


class User(Row, table=True):
    """An account. The local owner has no e-mail address until a user claims it, as `up` allows."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True),
        Index("uq_users_local", "is_local", unique=True, postgresql_where=text("is_local")),
        CheckConstraint("is_local OR email IS NOT NULL", name="reachable"),
    )

    email: str | None = Field(default=None, max_length=320)
    name: str = Field(default="", max_length=200)
    password_hash: str | None = Field(default=None)
    is_local: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    is_operator: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": text("false")},
        description="runs the installation beside the owner of the machine and INKLOOM_OPERATORS",
    )
    disabled_at: datetime | None = moment("an operator disabled it: no one can log in")


class RefreshToken(Row, table=True):
    """One token of a chain of refresh tokens, stored as a hash. Each is used once; reusing one ends the whole chain."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_refresh_tokens_family", "family"),
        Index("ix_refresh_tokens_user_id", "user_id"),
    )

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    family: UUID = Field(description="the login that all of them come from")
    token_hash: str = Field(max_length=64, description="SHA-256")
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    used_at: datetime | None = moment("when it was exchanged for the next one")
    revoked_at: datetime | None = moment("logged out, or one of the family was used twice")


class AccessToken(Row, table=True):
    """A personal access token for scripts, stored as a hash."""

    __tablename__ = "access_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_access_tokens_user_id_id", "user_id", "id"),
        Index("ix_access_tokens_project_id", "project_id"),
    )

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    project_id: UUID | None = Field(
        default=None, foreign_key="projects.id", ondelete="CASCADE", description="the only project that it opens"
    )
    name: str = Field(max_length=200)
    token_hash: str = Field(max_length=64, description="SHA-256")
    scopes: list[str] = json_list("what it may do, of `TokenScope`")
    expires_at: datetime | None = moment("never, if there is none")
    last_used_at: datetime | None = moment("to the minute")
    revoked_at: datetime | None = moment()


class Ticket(SQLModel, table=True):
    """Opens one WebSocket, once, within seconds: a browser cannot send a header with it, and URLs are logged."""

    __tablename__ = "tickets"

    token_hash: str = Field(primary_key=True, max_length=64, description="SHA-256")
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    project_id: UUID | None = Field(default=None, description="the only project that its token opens")
    login: UUID | None = Field(
        default=None, description="the family of refresh tokens, or the access token, that it was given for"
    )
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    ends_at: datetime | None = moment("when the socket ends, with the token that the ticket was given for")


class Throttle(SQLModel, table=True):
    """A token bucket of attempts, refilled over time. All processes share it, and it survives restarts."""

    __tablename__ = "throttles"

    key: str = Field(primary_key=True, max_length=128)
    tries: float = Field(sa_type=Float, description="how many were left at `at`")
    at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"index": True})


class IdempotentRequest(Row, table=True):
    """A request with an Idempotency-Key, and its answer: a repeated request gets the same answer."""

    __tablename__ = "idempotent_requests"
    __table_args__ = (UniqueConstraint("user_id", "key"), Index("ix_idempotent_requests_created_at", "created_at"))

    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    key: str = Field(max_length=255)
    request_hash: str = Field(max_length=64, description="SHA-256 of method, path and body")
    status: int | None = Field(default=None, description="null while the first is being answered")
    answer: dict[str, Any] | None = Field(default=None, sa_type=ABSENT_JSON)
    location: str | None = Field(default=None, max_length=500)
    claimed_at: datetime = Field(
        default=None, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.clock_timestamp()}
    )
