"""Links into storage: they work without a login until they expire."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from api.http.schemas import A_MOMENT
from engine.errors import Conflict
from engine.storage import Storage

LINK_SECONDS = 300
LinkSeconds = Annotated[int, Query(ge=1, le=3600, description="how long it is valid")]


class StorageLink(BaseModel):
    """A link to bytes in storage. It works without a login until it expires."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://s3.example.org/a.png?X-Amz-…", "expires_at": A_MOMENT}]}
    )

    url: str
    expires_at: datetime


async def link_to(storage: Storage, key: str, seconds: int) -> StorageLink:
    """The caller has checked who may see it. Raises `Conflict` if storage has no links."""
    now = datetime.now(UTC)
    url = await storage.link(key, seconds)
    if url is None:
        raise Conflict(
            "Pictures and files are stored in a folder here, or are being moved: there are no links. Download it from"
            " this API instead."
        )
    return StorageLink(url=url, expires_at=now + timedelta(seconds=seconds))
