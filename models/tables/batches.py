"""Batches: requests for many generations, their items and their events."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, Numeric, UniqueConstraint, func, text
from sqlmodel import Field, SQLModel

from models.batches import ENDED, BatchStatus, Hours, ItemState
from models.options import GenerationKind, GenerationOptions
from models.tables.columns import ABSENT_JSON, PydanticJson, Row, StrEnumType, json_list, json_object, moment, one_of

_ENDED = ", ".join(f"'{status}'" for status in sorted(ENDED))


class Batch(Row, table=True):
    """A request for many generations of one account. Its rows say everything; its workflow only keeps it going."""

    __tablename__ = "batches"
    __table_args__ = (
        one_of("status", BatchStatus),
        CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name="budget"),
        CheckConstraint("at_a_time >= 1", name="at_a_time"),
        Index("ix_batches_owner_id", "owner_id", "id"),
        Index("ix_batches_project_id", "project_id"),
        Index("ix_batches_open", "looked_at", postgresql_where=text(f"status NOT IN ({_ENDED})")),
        # A folder has one batch at a time: the same command in two terminals works on the same one.
        Index(
            "uq_batches_live",
            "owner_id",
            "identity_key",
            unique=True,
            postgresql_where=text(f"status NOT IN ({_ENDED})"),
        ),
    )

    owner_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", description="the account that requested it")
    project_id: UUID | None = Field(
        default=None, foreign_key="projects.id", ondelete="SET NULL", description="the one project of all its items"
    )
    name: str = Field(max_length=200)
    status: BatchStatus = Field(default=BatchStatus.REQUESTED, sa_type=StrEnumType(BatchStatus, 32))
    options: GenerationOptions | None = Field(
        default=None, sa_type=PydanticJson(GenerationOptions), description="of the items that have none of their own"
    )
    budget_usd: Decimal | None = Field(default=None, sa_type=Numeric(12, 6))
    spent_usd: Decimal = Field(
        default=Decimal(0),
        sa_type=Numeric(12, 6),
        sa_column_kwargs={"server_default": "0"},
        description="by items that are over, with what lost answers may have cost",
    )
    at_a_time: int = Field(sa_column_kwargs={"server_default": "4"})
    priority: int = Field(default=5, sa_column_kwargs={"server_default": "5"})
    attempts: int = Field(default=2, sa_column_kwargs={"server_default": "2"}, description="per item")
    not_before: datetime | None = moment("no item starts earlier")
    only_between: Hours | None = Field(default=None, sa_type=PydanticJson(Hours))
    external_id: str | None = Field(default=None, max_length=200, description="the caller's own name for it")
    labels: dict[str, str] = json_object("the caller's own facts: `metadata` in the API")
    identity_key: str | None = Field(default=None, max_length=64, description="the folder that it was made from")
    event_seq: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    looked_at: datetime = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
        description="when its workflow last looked at it",
    )
    started_at: datetime | None = moment()
    finished_at: datetime | None = moment()
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class BatchItem(Row, table=True):
    """One generation of a batch, from the first attempt to the last."""

    __tablename__ = "batch_items"
    __table_args__ = (
        one_of("state", ItemState),
        one_of("kind", GenerationKind),
        UniqueConstraint("batch_id", "position"),
        # What is claimed next, and what is at work.
        Index("ix_batch_items_state", "batch_id", "state", "position"),
        Index("ix_batch_items_project_id", "project_id"),
        Index("ix_batch_items_generation_id", "generation_id"),
    )

    batch_id: UUID = Field(foreign_key="batches.id", ondelete="CASCADE")
    position: int
    project_id: UUID | None = Field(default=None, foreign_key="projects.id", ondelete="SET NULL")
    kind: GenerationKind = Field(default=GenerationKind.CHAPTER, sa_type=StrEnumType(GenerationKind, 24))
    chapter_id: UUID | None = Field(default=None, description="of a character sheet: the chapter it is made for")
    target_ids: list[str] = json_list()
    title: str = Field(default="", max_length=500, sa_column_kwargs={"server_default": ""})
    options: GenerationOptions | None = Field(
        default=None, sa_type=PydanticJson(GenerationOptions), description="null: the batch's"
    )
    budget_usd: Decimal | None = Field(default=None, sa_type=Numeric(12, 6))
    external_id: str | None = Field(default=None, max_length=200)
    labels: dict[str, str] = json_object("the caller's own facts: `metadata` in the API")
    state: ItemState = Field(default=ItemState.WAITING, sa_type=StrEnumType(ItemState, 16))
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    generation_id: UUID | None = Field(
        default=None, foreign_key="generations.id", ondelete="SET NULL", description="of the last attempt"
    )
    error: str = Field(default="", sa_column_kwargs={"server_default": ""})
    due_at: datetime | None = moment("a waiting item is not claimed earlier")
    started_at: datetime | None = moment("its first attempt")
    finished_at: datetime | None = moment()


class BatchEvent(SQLModel, table=True):
    """Something that happened in a batch. `seq` has no gaps and follows the order of commits."""

    __tablename__ = "batch_events"

    batch_id: UUID = Field(foreign_key="batches.id", primary_key=True, ondelete="CASCADE")
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    type: str = Field(max_length=64)
    at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.clock_timestamp(), "nullable": False},
    )
    data: dict[str, Any] | None = Field(default=None, sa_type=ABSENT_JSON)
