"""Uploaded pictures: their rows, what they are attached to, and what still uses a picture."""

from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store.images import StoredPicture
from models.ids import new_id
from models.tables import Attachment, Character, Draft, Image, Location, Page, Panel, Redraw
from models.tables.directing import RedrawState


async def add(session: AsyncSession, project_id: UUID, picture: StoredPicture, name: str) -> tuple[Image, bool]:
    """The picture's row, and whether it is new: the same content is stored once, with its first name."""
    made = await session.exec(
        insert(Image)
        .values(
            id=new_id(),
            project_id=project_id,
            sha256=picture.sha256,
            key=picture.key,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            bytes=picture.bytes,
            boxes=[],
            parameters={},
            origin="uploaded",
            name=name,
        )
        .on_conflict_do_nothing(index_elements=["project_id", "sha256"])
        .returning(col(Image.id))
    )
    new = made.first() is not None
    query = select(Image).where(Image.project_id == project_id, Image.sha256 == picture.sha256)
    return (await session.exec(query)).one(), new


async def attach(session: AsyncSession, attachment: Attachment) -> tuple[Attachment, bool]:
    """The attachment, and whether it is new: a picture has each role at a row once. The image's row is locked."""
    query = select(Attachment).where(
        Attachment.image_id == attachment.image_id,
        Attachment.role == attachment.role,
        Attachment.character_id == attachment.character_id,
        Attachment.location_id == attachment.location_id,
        Attachment.panel_id == attachment.panel_id,
    )
    there = (await session.exec(query)).first()
    if there is not None:
        return there, False
    session.add(attachment)
    await session.flush()
    await session.refresh(attachment)
    return attachment, True


async def shown_by(session: AsyncSession, panel: Panel) -> Image | None:
    """The picture that a panel shows."""
    query = select(Image).join(Draft, col(Draft.image_id) == col(Image.id)).where(Draft.id == panel.selected_draft_id)
    return (await session.exec(query)).one_or_none()


async def used_by(session: AsyncSession, image_id: UUID) -> str | None:
    """What still uses a picture, in a word; None if nothing does."""
    uses = {
        "a draft": select(Draft.id).where(Draft.image_id == image_id),
        "a page": select(Page.id).where(Page.image_id == image_id),
        "a character's sheet": select(Character.id).where(Character.sheet_image_id == image_id),
        "a location's sheet": select(Location.id).where(Location.sheet_image_id == image_id),
        "an attachment": select(Attachment.id).where(Attachment.image_id == image_id),
        "a redraw": select(Redraw.id).where(
            Redraw.state == RedrawState.ORDERED,
            or_(col(Redraw.mask_image_id) == image_id, col(Redraw.control_image_id) == image_id),
        ),
    }
    for what, query in uses.items():
        if (await session.exec(query.limit(1))).first() is not None:
            return what
    return None
