"""Generations, their progress and their events."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlmodel import Field, SQLModel

from models.options import (
    FINAL_STATUSES,
    BudgetOf,
    DelayReason,
    GenerationKind,
    GenerationOptions,
    GenerationStatus,
    HoldReason,
)
from models.tables.columns import (
    Row,
    StrEnumType,
    json_list,
    json_model,
    json_object,
    moment,
    one_of,
    scoped,
    within_project,
)

_FINAL = ", ".join(f"'{status}'" for status in sorted(FINAL_STATUSES))


class Generation(Row, table=True):
    """A requested generation. The row is written before the workflow starts, and clients read it."""

    __tablename__ = "generations"
    __table_args__ = (
        scoped(),
        one_of("kind", GenerationKind),
        one_of("status", GenerationStatus),
        within_project("chapter_id", "chapters"),
        ForeignKeyConstraint(["retry_of"], ["generations.id"], name="fk_generations_retry_of", ondelete="SET NULL"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="progress"),
        CheckConstraint("budget_usd IS NULL OR budget_usd >= 0", name="budget"),
        # Two generations of one chapter at a time would overwrite each other.
        Index(
            "uq_generations_live",
            "chapter_id",
            unique=True,
            postgresql_where=text(f"status NOT IN ({_FINAL})"),
        ),
        Index("ix_generations_chapter_id", "chapter_id", "id"),
        Index("ix_generations_retry_of", "retry_of"),
        Index("ix_generations_requested_by", "requested_by"),
        Index("ix_generations_batch_id", "batch_id", postgresql_where=text("batch_id IS NOT NULL")),
        Index(
            "ix_generations_external_id", "project_id", "external_id", postgresql_where=text("external_id IS NOT NULL")
        ),
        Index("ix_generations_open", "status", "id", postgresql_where=text(f"status NOT IN ({_FINAL})")),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    chapter_id: UUID | None = None
    kind: GenerationKind = Field(default=GenerationKind.CHAPTER, sa_type=StrEnumType(GenerationKind, 24))
    target_ids: list[str] = json_list()
    options: GenerationOptions = json_model(GenerationOptions)
    status: GenerationStatus = Field(default=GenerationStatus.REQUESTED, sa_type=StrEnumType(GenerationStatus, 32))
    progress: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})
    error: str = Field(default="", sa_column_kwargs={"server_default": ""})
    retry_of: UUID | None = None
    budget_usd: Decimal | None = Field(default=None, sa_type=Numeric(12, 6))
    external_id: str | None = Field(default=None, max_length=200, description="the caller's own name for it")
    labels: dict[str, str] = json_object("the caller's own facts: `metadata` in the API")
    requested_by: UUID | None = Field(default=None, foreign_key="users.id", ondelete="SET NULL")
    batch_id: UUID | None = Field(default=None, foreign_key="batches.id", ondelete="SET NULL")
    batch_item_id: UUID | None = Field(default=None, description="the batch's item, of which this is one attempt")
    paused_at: datetime | None = moment("paused: nothing is paid for until it is resumed")
    cancel_requested_at: datetime | None = moment("a user cancelled it: it ends once the calls in flight are answered")
    cached_calls: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    started_at: datetime | None = moment()
    finished_at: datetime | None = moment()
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Hold(Row, table=True):
    """A workflow that waits, or waited, for a decision. The rows are deleted when the generation ends."""

    __tablename__ = "holds"
    __table_args__ = (
        one_of("reason", HoldReason),
        one_of("budget", BudgetOf),
        within_project("generation_id", "generations"),
        UniqueConstraint("workflow_id", "purpose"),
        Index("ix_holds_generation_id", "generation_id", "id"),
    )

    project_id: UUID
    generation_id: UUID
    workflow_id: str = Field(max_length=300)
    purpose: str = Field(max_length=64, description="the task, or what was to be drawn")
    target_id: UUID = Field(description="the chapter, scene, panel or character it was for")
    reason: HoldReason = Field(sa_type=StrEnumType(HoldReason, 16))
    message: str = Field(default="", sa_column_kwargs={"server_default": ""})
    budget: BudgetOf | None = Field(
        default=None, sa_type=StrEnumType(BudgetOf, 16), description="whose budget the call did not fit"
    )
    skip: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": text("false")},
        description="decided to go on without this part",
    )
    deadline_at: datetime | None = moment("when a review is decided by the default that was ordered")
    remind_at: datetime | None = moment("when to announce again that a review waits")
    released_at: datetime | None = moment("decided; the workflow is being signalled")
    taken: bool = Field(
        default=False,
        sa_column_kwargs={"server_default": text("false")},
        description="the workflow knows it",
    )


class Delay(Row, table=True):
    """A part of a generation that waits for something other than a person. Deleted when it waits no longer."""

    __tablename__ = "delays"
    __table_args__ = (
        one_of("reason", DelayReason),
        within_project("generation_id", "generations"),
        UniqueConstraint("part"),
        Index("ix_delays_generation_id", "generation_id", "created_at"),
    )

    project_id: UUID
    generation_id: UUID
    part: str = Field(max_length=300, description="the activity, or the workflow")
    target_id: UUID = Field(description="the chapter, scene, panel or character that it works on")
    purpose: str = Field(max_length=64, description="the activity's type")
    reason: DelayReason = Field(sa_type=StrEnumType(DelayReason, 24))
    message: str
    said: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="the provider's own words")
    tries: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    next_try_at: datetime | None = moment("when it is tried again")
    announced: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}, description="an event announced it"
    )


class FailedPart(Row, table=True):
    """A part of a generation that failed for good, and why."""

    __tablename__ = "failed_parts"
    __table_args__ = (
        within_project("generation_id", "generations"),
        UniqueConstraint("generation_id", "target_id", "part"),
    )

    project_id: UUID
    generation_id: UUID
    target_id: UUID = Field(description="the chapter, scene, panel or character; the generation itself if it failed")
    part: str = Field(max_length=300, description="the same in words: scene 2, panel 3")
    kind: str = Field(default="", max_length=64, description="the class of the error")
    reason: str
    call_id: UUID | None = Field(default=None, description="the call that says more")


class GenerationStep(SQLModel, table=True):
    """A weighted step of a generation's planned work. The weights of one generation add up to 1."""

    __tablename__ = "generation_steps"
    __table_args__ = (CheckConstraint("weight >= 0 AND weight <= 1", name="weight"),)

    generation_id: UUID = Field(foreign_key="generations.id", primary_key=True, ondelete="CASCADE")
    key: str = Field(primary_key=True, max_length=128)
    weight: float
    done: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    split: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}, description="its weight went to parts"
    )


class Event(SQLModel, table=True):
    """Something that happened in a project. `seq` has no gaps and follows the order of commits."""

    __tablename__ = "events"
    __table_args__ = (
        within_project("generation_id", "generations"),
        Index("ix_events_generation_id_seq", "generation_id", "seq"),
        Index("ix_events_actor_id", "actor_id"),
        # The history of a panel. Events without a panel are left out; most have one.
        Index(
            "ix_events_panel",
            "project_id",
            text("(data ->> 'panel_id')"),
            "seq",
            postgresql_where=text("data ? 'panel_id'"),
        ),
        CheckConstraint("seq >= 1", name="seq"),
    )

    project_id: UUID = Field(foreign_key="projects.id", primary_key=True, ondelete="CASCADE")
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    generation_id: UUID | None = None
    actor_id: UUID | None = Field(
        default=None, foreign_key="users.id", ondelete="SET NULL", description="who did it; null: a workflow"
    )
    type: str = Field(max_length=64)
    at: datetime | None = Field(
        default=None,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.clock_timestamp(), "nullable": False},
    )
    data: dict[str, Any] = json_object()


class Unheard(SQLModel, table=True):
    """Projects with events that the API's processes have not been notified of yet.

    One row per project, however many events. Unlogged: a crash only delays the notification.
    """

    __tablename__ = "unheard"
    __table_args__: ClassVar[dict[str, Any]] = {"prefixes": ["UNLOGGED"]}

    project_id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger, description="of its newest event")


class Round(SQLModel, table=True):
    """How often a process that works in rounds has finished one, over all its instances."""

    __tablename__ = "rounds"

    name: str = Field(primary_key=True, max_length=32)
    count: int = Field(sa_type=BigInteger)
    at: datetime = Field(sa_type=DateTime(timezone=True), description="when it finished the last one")


class InstallationId(SQLModel, table=True):
    """The one row that names this installation: the destination of its backups knows it by that. It is part of each
    backup, so a restored installation is the same one.
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("name = 'own'", name="only"),)

    name: str = Field(primary_key=True, max_length=16)
    id: UUID


class Removal(Row, table=True):
    """The remains of something that was deleted: pictures in storage, histories in Temporal. The sweeper deletes
    them.
    """

    __tablename__ = "removals"
    __table_args__ = (Index("ix_removals_due", "due_at", postgresql_where=text("done_at IS NULL")),)

    project_id: UUID = Field(description="of a project that may be gone")
    whole_project: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    keys: list[str] = json_list("keys in storage that nothing refers to any more")
    workflows: list[str] = json_list("ids of workflows whose histories go, with all below them")
    due_at: datetime = Field(sa_type=DateTime(timezone=True))
    done_at: datetime | None = moment()
