"""Pictures and their thumbnails. They never change, so clients may cache them for ever."""

import asyncio
from enum import IntEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response, status
from sqlmodel import col
from starlette.concurrency import run_in_threadpool

from api.http.deps import Editing, Owned, Resources, Scoped, Session
from api.http.paging import Listing, sorted_by
from api.http.schemas import CONFLICT, NOT_FOUND, Responses, file_of
from api.http.storage_links import LINK_SECONDS, LinkSeconds, StorageLink, link_to
from api.shapes.images import ImageOut
from engine.errors import Conflict, NotFound
from engine.store import removals, rows, uploads
from engine.store.events import emit
from engine.store.rows import Paging
from models.events import EventType
from models.tables import Image, Project

router = APIRouter(tags=["images"])

UNCHANGED: Responses = {304: {"description": "The picture is the one that the client has."}}
Known = Annotated[str | None, Header(alias="If-None-Match")]


class ThumbnailSize(IntEnum):
    """The longer side, in pixels; smaller pictures stay as they are."""

    TINY = 128
    SMALL = 256
    MEDIUM = 512
    LARGE = 1024


@router.get("/projects/{project_id}/images", summary="List a project's pictures", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("created_at")],
    origin: Literal["made", "uploaded"] | None = None,
) -> Listing[ImageOut]:
    filters = [col(Image.origin) == origin] if origin is not None else []
    found, following = await rows.children(
        session,
        scope,
        Project,
        project_id,
        Image,
        *filters,
        columns=ImageOut.model_fields,
        paging=paging,
    )
    return Listing(items=[ImageOut.of(row) for row in found], next_cursor=following)


@router.get("/images/{image_id}/details", summary="Read a picture's metadata", responses=NOT_FOUND)
async def details(image_id: UUID, session: Session, scope: Scoped) -> ImageOut:
    return ImageOut.of((await rows.get(session, scope, Image, image_id)).model_dump())


@router.get(
    "/images/{image_id}",
    summary="Download a picture",
    response_class=Response,
    responses={200: file_of("image/png", "image/jpeg", "image/webp"), **UNCHANGED, **NOT_FOUND},
)
async def read(image_id: UUID, session: Session, scope: Scoped, owned: Owned, if_none_match: Known = None) -> Response:
    image = await rows.get(session, scope, Image, image_id)
    headers = _headers(image.sha256)
    if _has(if_none_match, image.sha256):
        return Response(status_code=304, headers=headers)
    return Response(await owned.storage.get(image.key), media_type=image.media_type, headers=headers)


@router.get(
    "/images/{image_id}/thumbnail",
    summary="Download a thumbnail",
    response_class=Response,
    responses={200: file_of("image/webp"), **UNCHANGED, **NOT_FOUND},
)
async def thumbnail(
    image_id: UUID,
    scope: Scoped,
    owned: Owned,
    size: Annotated[ThumbnailSize, Query()] = ThumbnailSize.SMALL,
    if_none_match: Known = None,
) -> Response:
    """Returns WEBP, made on first request and kept."""
    # Holds no database connection while the thumbnail is made.
    async with owned.database.session() as session:
        image = await rows.get(session, scope, Image, image_id)
    tag = f"{image.sha256}-{size}"
    headers = _headers(tag)
    if _has(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    key = removals.thumbnail_key(image.project_id, image.sha256, size)
    try:
        data = await owned.storage.get(key)
    except NotFound:
        if key not in owned.thumbnails:
            owned.thumbnails[key] = asyncio.create_task(_make(owned, image, key, size))
            owned.thumbnails[key].add_done_callback(lambda _: owned.thumbnails.pop(key, None))
        # A client that leaves must not stop it for the others.
        data = await asyncio.shield(owned.thumbnails[key])
    return Response(data, media_type="image/webp", headers=headers)


@router.get(
    "/images/{image_id}/link", summary="Get a link to a picture in storage", responses={**NOT_FOUND, **CONFLICT}
)
async def link(
    image_id: UUID,
    session: Session,
    scope: Scoped,
    owned: Owned,
    seconds: LinkSeconds = LINK_SECONDS,
) -> StorageLink:
    """Only if pictures are stored in S3, and are not being moved; otherwise 409, and you download the picture here."""
    return await link_to(owned.storage, (await rows.get(session, scope, Image, image_id)).key, seconds)


@router.delete(
    "/images/{image_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an unused picture",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(image_id: UUID, session: Session, scope: Editing) -> None:
    """The bytes are deleted within minutes. 409 while a draft, page, reference sheet or attachment uses it."""
    image = await rows.get(session, scope, Image, image_id, lock=True)
    user = await uploads.used_by(session, image_id)
    if user is not None:
        raise Conflict(f"This picture is in use by {user}. Delete that first.")
    await removals.delete_image(session, image)
    data: dict[str, Any] = {"image_id": str(image_id)}
    await emit(session, image.project_id, None, EventType.IMAGE_DELETED, data, actor=scope.actor)


async def _make(owned: Resources, image: Image, key: str, size: int) -> bytes:
    with TemporaryDirectory(prefix="inkloom-thumbnail-") as folder:
        source, target = Path(folder) / "whole", Path(folder) / "small"
        await owned.storage.fetch(image.key, source)
        await owned.workshop.thumbnail(source, target, size)
        data = await run_in_threadpool(target.read_bytes)
    await owned.storage.put(key, data)
    return data


def _headers(tag: str) -> dict[str, str]:
    return {
        "ETag": f'"{tag}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }


def _has(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has this version already."""
    return bool(if_none_match) and (f'"{tag}"' in str(if_none_match) or str(if_none_match).strip() == "*")
