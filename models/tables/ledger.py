"""Money: every call to a provider, and every answer worth keeping."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.tables.columns import ABSENT_JSON, Row, StrEnumType, moment, one_of, scoped, within_project


class CallState(StrEnum):
    """reserved → submitted → confirmed | failed | unknown. A late answer may still confirm an unknown one."""

    RESERVED = "reserved"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ProviderCall(Row, table=True):
    """One attempt at one call. At most one attempt per key is ever confirmed: the one that was paid for."""

    __tablename__ = "provider_calls"
    __table_args__ = (
        scoped(),
        UniqueConstraint("call_key", "attempt"),
        Index("uq_provider_calls_confirmed", "call_key", unique=True, postgresql_where=text("state = 'confirmed'")),
        one_of("state", CallState),
        one_of("kind", ("llm", "image")),
        within_project("generation_id", "generations", ondelete="SET NULL"),
        within_project("image_id", "images", ondelete="SET NULL"),
        Index("ix_provider_calls_generation_id", "generation_id", "id"),
        Index("ix_provider_calls_request_key", "request_key", postgresql_where=text("request_key IS NOT NULL")),
        Index("ix_provider_calls_image_id", "image_id"),
        Index("ix_provider_calls_send_at", "provider", "send_at", postgresql_where=text("send_at IS NOT NULL")),
        Index(
            "ix_provider_calls_in_flight",
            "provider",
            "project_id",
            postgresql_where=text("state IN ('reserved', 'submitted')"),
        ),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint("(state = 'reserved') = (submitted_at IS NULL) OR state = 'failed'", name="submitted"),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    generation_id: UUID | None = None
    call_key: str = Field(max_length=64, description="what its project asks for")
    request_key: str | None = Field(
        default=None, max_length=64, description="the same in all projects; absent in rows of version 0017"
    )
    attempt: int
    state: CallState = Field(default=CallState.RESERVED, sa_type=StrEnumType(CallState, 16))
    kind: str = Field(max_length=8)
    provider: str = Field(max_length=64)
    model: str = Field(default="", max_length=200)
    purpose: str = Field(max_length=64, description="the task, or what was drawn")
    target_id: UUID | None = Field(default=None, description="the chapter, scene, panel or character it was for")
    holder: str = Field(max_length=300, description="the activity that made it: a retry of it knows its own")
    input_tokens: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    output_tokens: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    cached_input_tokens: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    reserved_tokens: int = Field(
        default=0, sa_column_kwargs={"server_default": "0"}, description="the most it may use, set aside while it runs"
    )
    reserved_usd: Decimal = Field(
        default=Decimal(0),
        sa_type=Numeric(12, 6),
        sa_column_kwargs={"server_default": "0"},
        description="the most it may cost, set aside while it runs, and counted if its answer was lost",
    )
    cost_usd: Decimal = Field(
        default=Decimal(0),
        sa_type=Numeric(12, 6),
        sa_column_kwargs={"server_default": "0"},
    )
    duration_ms: int | None = None
    question: str | None = Field(default=None, description="what was sent, once the call is settled")
    answer: str | None = Field(default=None, description="a writer's reply as given")
    notes: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="what the check said of it")
    image_id: UUID | None = None
    stop_reason: str = Field(default="stop", max_length=16, sa_column_kwargs={"server_default": "stop"})
    error: str = Field(default="", sa_column_kwargs={"server_default": ""})
    said: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="the provider's own words")
    accepted: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": text("false")},
        description="its answer was lost, and a person accepts that asking again may be billed twice",
    )
    send_at: datetime | None = moment("its turn at a provider that allows so much a minute")
    submitted_at: datetime | None = moment()
    settled_at: datetime | None = moment()


class Circuit(SQLModel, table=True):
    """A model that has failed lately, or a provider that is paused. There is no row for one that works."""

    __tablename__ = "circuits"

    key: str = Field(
        primary_key=True, max_length=80, description="kind, provider and model; of a pause, kind and provider"
    )
    failures: int = Field(description="in a row")
    failing_since: datetime = Field(sa_type=DateTime(timezone=True))
    last_failed_at: datetime = Field(sa_type=DateTime(timezone=True))
    next_call_at: datetime = Field(sa_type=DateTime(timezone=True), description="when one call may try it")
    said: str = Field(
        default="", sa_column_kwargs={"server_default": ""}, description="our message of the last failure"
    )
    paused_at: datetime | None = moment("an operator paused the provider: no call is sent to it")


class TaskResult(Row, table=True):
    """The result of an LLM task: the checked output, or why there is none."""

    __tablename__ = "task_results"
    __table_args__ = (
        scoped(),
        Index(
            "uq_task_results_key",
            "project_id",
            "task",
            "task_version",
            "provider",
            "model",
            "input_hash",
            unique=True,
        ),
        one_of("status", ("completed", "failed")),
        CheckConstraint("(status = 'completed') = (output IS NOT NULL)", name="output"),
        ForeignKeyConstraint(["call_id"], ["provider_calls.id"], name="fk_task_results_call_id", ondelete="SET NULL"),
        Index("ix_task_results_call_id", "call_id"),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    task: str = Field(max_length=64)
    task_version: int
    provider: str = Field(max_length=64)
    model: str = Field(default="", max_length=200)
    input_hash: str = Field(max_length=64)
    status: str = Field(max_length=16)
    output: dict[str, Any] | None = Field(default=None, sa_type=ABSENT_JSON)
    notes: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="what the checks said last")
    left_out: int = Field(default=0, sa_column_kwargs={"server_default": "0"}, description="context pieces left out")
    call_id: UUID | None = None
    attempts: int
    duration_ms: int
    input_tokens: int
    output_tokens: int
