"""Pictures: immutable, so a client that has one need not ask again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from api.deps import Owned, Scoped, Session
from api.listing import NOT_FOUND, file_of
from engine.store import scope as rows
from models.tables import Image

router = APIRouter(tags=["images"])


@router.get(
    "/images/{image_id}",
    summary="Read a picture",
    response_class=Response,
    responses={
        200: file_of("image/png", "image/jpeg", "image/webp"),
        304: {"description": "The picture is the one that the client has."},
        **NOT_FOUND,
    },
)
async def read(
    image_id: UUID,
    session: Session,
    scope: Scoped,
    owned: Owned,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    image = await rows.get(session, scope, Image, image_id)
    headers = {
        "ETag": f'"{image.sha256}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match and (image.sha256 in if_none_match or if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    return Response(await owned.storage.get(image.key), media_type=image.media_type, headers=headers)
