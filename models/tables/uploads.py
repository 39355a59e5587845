"""Pictures that users attach to a character, a location or a panel: references, masks and control pictures."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from models.tables.columns import Row, StrEnumType, held, one_of, scoped, within_project


class AttachmentRole(StrEnum):
    """What a picture is for: how somebody looks, what may be drawn over, or a sketch or pose that leads."""

    REFERENCE = "reference"
    MASK = "mask"
    CONTROL = "control"


class Attachment(Row, table=True):
    """A picture attached to one character, location or panel."""

    __tablename__ = "attachments"
    __table_args__ = (
        scoped(),
        held("image_id", "images"),
        within_project("character_id", "characters"),
        within_project("location_id", "locations"),
        within_project("panel_id", "panels"),
        one_of("role", AttachmentRole),
        CheckConstraint("num_nonnulls(character_id, location_id, panel_id) = 1", name="target"),
        Index("ix_attachments_image_id", "image_id"),
        Index("ix_attachments_character_id", "character_id", "id"),
        Index("ix_attachments_location_id", "location_id", "id"),
        Index("ix_attachments_panel_id", "panel_id", "id"),
    )

    project_id: UUID
    image_id: UUID
    role: AttachmentRole = Field(default=AttachmentRole.REFERENCE, sa_type=StrEnumType(AttachmentRole, 16))
    character_id: UUID | None = None
    location_id: UUID | None = None
    panel_id: UUID | None = None
