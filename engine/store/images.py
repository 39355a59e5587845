"""Stored pictures: the bytes go to storage first, then a row describes them."""

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.storage import Storage
from engine.storage.keys import PICTURE_SUFFIXES, content_key
from models.ids import new_id
from models.tables import Image
from models.tables.columns import table

_IMAGES = table(Image)
_NEW = insert(_IMAGES)
# Touching the row even when nothing changes makes RETURNING include it.
_RECORD = _NEW.on_conflict_do_update(
    index_elements=[_IMAGES.c.project_id, _IMAGES.c.sha256], set_={"key": _NEW.excluded.key}
).returning(_IMAGES.c.id)


class StoredPicture:
    """Bytes that are in storage and not yet in the database."""

    def __init__(self, project_id: UUID, data: bytes, media_type: str, width: int, height: int) -> None:
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.key = content_key(project_id, "images", self.sha256, PICTURE_SUFFIXES[media_type])
        self.media_type = media_type
        self.width = width
        self.height = height
        self.bytes = len(data)


async def store_picture(
    storage: Storage, project_id: UUID, data: bytes, media_type: str, width: int, height: int
) -> StoredPicture:
    """Store the bytes under the project and the hash of their content; repeated calls have no further effect."""
    picture = StoredPicture(project_id, data, media_type, width, height)
    await storage.put(picture.key, data)
    return picture


async def record_picture(
    session: AsyncSession,
    project_id: UUID,
    picture: StoredPicture,
    *,
    boxes: list[dict[str, Any]] | None = None,
    parameters: dict[str, Any] | None = None,
) -> UUID:
    """The row of a picture in a project, one per content."""
    values = {
        "id": new_id(),
        "project_id": project_id,
        "sha256": picture.sha256,
        "key": picture.key,
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.bytes,
        "boxes": boxes or [],
        "parameters": parameters or {},
    }
    image_id: UUID = (await execute(session, _RECORD, values)).scalar_one()
    return image_id
