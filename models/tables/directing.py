"""What people decide about pictures and texts: selections, redraws, and earlier versions of a chapter."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from models.tables.columns import Row, StrEnumType, json_list, json_object, one_of, scoped, within_project


class SelectionKind(StrEnum):
    """How a panel came to show a draft."""

    AUTOMATIC = "automatic"
    PERSON = "person"
    UNDONE = "undone"
    DEADLINE = "deadline"


class Selection(Row, table=True):
    """A panel starts to show another draft. The newest row counts; undoing a selection adds a row."""

    __tablename__ = "selections"
    __table_args__ = (
        within_project("panel_id", "panels"),
        within_project("draft_id", "drafts"),
        ForeignKeyConstraint(["before_id"], ["drafts.id"], name="fk_selections_before_id", ondelete="SET NULL"),
        ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_selections_actor_id", ondelete="SET NULL"),
        one_of("kind", SelectionKind),
        Index("ix_selections_panel_id", "panel_id", "id"),
        Index("ix_selections_draft_id", "draft_id"),
        Index("ix_selections_before_id", "before_id"),
        Index("ix_selections_actor_id", "actor_id"),
    )

    project_id: UUID
    panel_id: UUID
    draft_id: UUID
    before_id: UUID | None = Field(default=None, description="what the panel showed before")
    kind: SelectionKind = Field(sa_type=StrEnumType(SelectionKind, 16))
    actor_id: UUID | None = None


class RedrawState(StrEnum):
    ORDERED = "ordered"
    DONE = "done"
    FAILED = "failed"


class Redraw(Row, table=True):
    """A request to redo a panel: its words, its picture, or a part of a draft. The old drafts stay."""

    __tablename__ = "redraws"
    __table_args__ = (
        scoped(),
        within_project("panel_id", "panels"),
        within_project("generation_id", "generations"),
        within_project("mask_image_id", "images", ondelete="SET NULL"),
        within_project("control_image_id", "images", ondelete="SET NULL"),
        ForeignKeyConstraint(["parent_id"], ["drafts.id"], name="fk_redraws_parent_id", ondelete="CASCADE"),
        ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_redraws_actor_id", ondelete="SET NULL"),
        one_of("state", RedrawState),
        CheckConstraint("strength >= 0 AND strength <= 1", name="strength"),
        CheckConstraint("first_slot >= 1 AND drafts BETWEEN 0 AND 8", name="slots"),
        Index("ix_redraws_generation_id", "generation_id", "id"),
        Index("ix_redraws_panel_id", "panel_id", "id"),
        Index("ix_redraws_mask_image_id", "mask_image_id"),
        Index("ix_redraws_control_image_id", "control_image_id"),
        Index("ix_redraws_parent_id", "parent_id"),
        Index("ix_redraws_actor_id", "actor_id"),
    )

    project_id: UUID
    panel_id: UUID
    generation_id: UUID
    notes: str = Field(default="", sa_column_kwargs={"server_default": ""})
    about: list[str] = json_list("what is made again: `words`, `picture`")
    first_slot: int = Field(default=1, description="of the drafts that it draws")
    drafts: int = Field(default=1, description="how many it draws; 0: only its words are written again")
    parent_id: UUID | None = Field(default=None, description="the draft that is changed; none: a new picture")
    prompt: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="of an edit: what comes there")
    mask_image_id: UUID | None = Field(default=None, description="white where the picture may change")
    strength: float = Field(default=0.75, description="from 0, not at all, to 1, freely")
    control_image_id: UUID | None = Field(default=None, description="a sketch or a pose that leads")
    control: dict[str, Any] = json_object("module, model and weight of its ControlNet unit")
    state: RedrawState = Field(
        default=RedrawState.ORDERED,
        sa_type=StrEnumType(RedrawState, 16),
        sa_column_kwargs={"server_default": RedrawState.ORDERED},
    )
    actor_id: UUID | None = None


class ChapterVersion(Row, table=True):
    """A chapter as data at one moment, to which later changes can be compared."""

    __tablename__ = "chapter_versions"
    __table_args__ = (
        scoped(),
        within_project("chapter_id", "chapters"),
        UniqueConstraint("chapter_id", "number"),
        ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_chapter_versions_actor_id", ondelete="SET NULL"),
        Index("ix_chapter_versions_actor_id", "actor_id"),
        CheckConstraint("number >= 1", name="number"),
    )

    project_id: UUID
    chapter_id: UUID
    number: int
    reason: str = Field(max_length=64, description="what it was kept for")
    sha256: str = Field(max_length=64, description="of the content: the same is kept once in a row")
    content: dict[str, Any] = json_object("scenes, panels, their words, prompts and pictures")
    generation_id: UUID | None = Field(default=None, description="after which it was kept, which may be gone")
    actor_id: UUID | None = None
