"""Pictures: immutable, so a client that has one need not ask again."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col

from api.deps import Owned, Scoped, Session
from api.listing import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND, Cursor, Limit, Listing, file_of
from engine.store import scope as rows
from models.tables import Image, Project

router = APIRouter(tags=["images"])


_OUT: dict[str, Any] = {
    "id": AN_ID,
    "project_id": ANOTHER_ID,
    "image": f"/api/v1/images/{AN_ID}",
    "origin": "made",
    "name": "",
    "media_type": "image/png",
    "width": 1024,
    "height": 1024,
    "bytes": 183412,
    "sha256": "9f2c" * 16,
    "created_at": A_MOMENT,
}


class ImageOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_OUT]})

    id: UUID
    project_id: UUID
    image: str = Field(description="path of the picture itself")
    origin: Literal["made", "uploaded"]
    name: str = Field(description="of the file that was uploaded")
    media_type: str
    width: int
    height: int
    bytes: int
    sha256: str
    created_at: datetime


@router.get("/projects/{project_id}/images", summary="List a project's pictures", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    origin: Literal["made", "uploaded"] | None = None,
    sort: Literal["created_at", "-created_at"] = "created_at",
    cursor: Cursor = None,
    limit: Limit = 50,
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
        after=cursor,
        limit=limit,
        sort=sort,
    )
    return Listing(items=[_out(row) for row in found], next_cursor=following)


@router.get("/images/{image_id}/details", summary="Read what is known of a picture", responses=NOT_FOUND)
async def details(image_id: UUID, session: Session, scope: Scoped) -> ImageOut:
    return _out((await rows.get(session, scope, Image, image_id)).model_dump())


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


def _out(values: dict[str, Any]) -> ImageOut:
    return ImageOut.model_validate({**values, "image": f"/api/v1/images/{values['id']}"})
