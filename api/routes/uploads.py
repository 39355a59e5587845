"""Uploaded pictures, and what they are attached to."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.concurrency import run_in_threadpool

from api.http.deps import Editing, Owned, Scoped, Session
from api.http.filenames import plain_name
from api.http.multipart import form, sent
from api.http.paging import Listing, Paged
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND, Responses, refusal
from api.shapes.images import ImageOut
from engine.errors import BadInput
from engine.store import removals, rows, uploads
from engine.store.events import emit
from engine.store.images import StoredPicture
from engine.store.rows import Paging
from engine.store.scope import Scope
from models.events import EventType
from models.tables import Attachment, Character, Image, Location, Panel, Project
from models.tables.uploads import AttachmentRole

router = APIRouter(tags=["images"])

TargetT = TypeVar("TargetT", Character, Location, Panel)
_CHANGED: Mapping[type, EventType] = {
    Character: EventType.CHARACTER_CHANGED,
    Location: EventType.LOCATION_CHANGED,
    Panel: EventType.PANEL_CHANGED,
}

# How far the aspect ratio of a mask may differ from that of its picture, because scaled pictures are rounded.
TOLERANCE = 0.01

UNFIT = refusal(
    422,
    "bad-input",
    "The file is no picture that can be taken.",
    "This is not a whole picture in PNG, JPEG or WEBP (UnidentifiedImageError).",
)
THERE: Responses = {200: {"description": "It exists already and is unchanged.", "model": ImageOut}}


class Purpose(StrEnum):
    """What a picture is for. Masks and control pictures keep every pixel, so they are stored as PNG."""

    REFERENCE = "reference"
    MASK = "mask"
    CONTROL = "control"


class NewAttachment(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"image_id": AN_ID, "role": "reference"}]}
    )

    image_id: UUID = Field(description="a picture of the same project")
    role: AttachmentRole = AttachmentRole.REFERENCE


class AttachmentOut(BaseModel):
    """A picture attached to a character, a location or a panel."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "role": "reference",
                    "image_id": ANOTHER_ID,
                    "image": f"/api/v1/images/{ANOTHER_ID}",
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    role: AttachmentRole
    image_id: UUID
    image: str = Field(description="path of the picture")
    created_at: datetime


ATTACHED: Responses = {200: {"description": "It is attached in this role already.", "model": AttachmentOut}}


@router.post(
    "/projects/{project_id}/images",
    status_code=201,
    summary="Upload a picture",
    responses={**THERE, **NOT_FOUND, **UNFIT},
    openapi_extra=form(
        purpose={"type": "string", "enum": [one.value for one in Purpose], "default": Purpose.REFERENCE.value}
    ),
)
async def upload(project_id: UUID, request: Request, response: Response, owned: Owned, scope: Editing) -> ImageOut:
    """Takes PNG, JPEG or WEBP, whatever its name. Encodes it again: only its pixels remain, upright and in sRGB.

    Answers 200 if the picture exists already.
    """
    async with owned.database.session() as session:
        await rows.get(session, scope, Project, project_id)
    async with sent(request, "purpose") as file:
        try:
            purpose = Purpose(file.fields.get("purpose", Purpose.REFERENCE))
        except ValueError:
            raise BadInput(f"`purpose` is one of {', '.join(Purpose)}.") from None
        redrawn = file.path.with_name("redrawn")
        opened = await owned.workshop.redraw(file.path, redrawn, as_png=purpose != Purpose.REFERENCE)
        data = await run_in_threadpool(redrawn.read_bytes)
        picture = StoredPicture(project_id, data, opened.media_type, opened.width, opened.height)
        async with owned.database.session() as session:
            await rows.get(session, scope, Project, project_id)
            await removals.storing(session, project_id)
            await owned.storage.put(picture.key, data)
            image, new = await uploads.add(session, project_id, picture, plain_name(file.name, 200))
            if new:
                event = {"image_id": str(image.id), "name": image.name}
                await emit(session, project_id, None, EventType.IMAGE_UPLOADED, event, actor=scope.actor)
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
    response.headers["Location"] = f"/api/v1/images/{image.id}"
    return ImageOut.of(image.model_dump())


@router.post(
    "/characters/{character_id}/images",
    status_code=201,
    summary="Attach a picture to a character",
    responses={**ATTACHED, **NOT_FOUND},
)
async def attach_to_character(
    character_id: UUID, body: NewAttachment, session: Session, scope: Editing, response: Response
) -> AttachmentOut:
    """Shows how the character looks. Answers 200 if it is already attached in this role."""
    return await _attached(session, scope, Character, character_id, body, response)


@router.post(
    "/locations/{location_id}/images",
    status_code=201,
    summary="Attach a picture to a location",
    responses={**ATTACHED, **NOT_FOUND},
)
async def attach_to_location(
    location_id: UUID, body: NewAttachment, session: Session, scope: Editing, response: Response
) -> AttachmentOut:
    """Shows how the location looks. Answers 200 if it is already attached in this role."""
    return await _attached(session, scope, Location, location_id, body, response)


@router.post(
    "/panels/{panel_id}/images",
    status_code=201,
    summary="Attach a picture to a panel",
    responses={**ATTACHED, **NOT_FOUND},
)
async def attach_to_panel(
    panel_id: UUID, body: NewAttachment, session: Session, scope: Editing, response: Response
) -> AttachmentOut:
    """A mask has the shape of the picture that the panel shows, in any size; white parts may be redrawn."""
    return await _attached(session, scope, Panel, panel_id, body, response)


@router.get(
    "/characters/{character_id}/images", summary="List the pictures attached to a character", responses=NOT_FOUND
)
async def of_character(character_id: UUID, session: Session, scope: Scoped, paging: Paged) -> Listing[AttachmentOut]:
    return await _listed(session, scope, Character, character_id, paging)


@router.get("/locations/{location_id}/images", summary="List the pictures attached to a location", responses=NOT_FOUND)
async def of_location(location_id: UUID, session: Session, scope: Scoped, paging: Paged) -> Listing[AttachmentOut]:
    return await _listed(session, scope, Location, location_id, paging)


@router.get("/panels/{panel_id}/images", summary="List the pictures attached to a panel", responses=NOT_FOUND)
async def of_panel(panel_id: UUID, session: Session, scope: Scoped, paging: Paged) -> Listing[AttachmentOut]:
    return await _listed(session, scope, Panel, panel_id, paging)


@router.delete(
    "/attachments/{attachment_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Detach a picture",
    responses=NOT_FOUND,
)
async def detach(attachment_id: UUID, session: Session, scope: Editing) -> None:
    """The picture itself stays in the project."""
    await rows.remove(session, scope, Attachment, attachment_id)


async def _attached(
    session: AsyncSession,
    scope: Scope,
    model: type[TargetT],
    target_id: UUID,
    body: NewAttachment,
    response: Response,
) -> AttachmentOut:
    """The attachment, which is new unless the picture already had this role. Only pictures of the project are found."""
    target = await rows.get(session, scope, model, target_id, lock=True)
    image = await rows.get(session, Scope(project_id=target.project_id), Image, body.image_id, lock=True)
    if body.role == AttachmentRole.MASK:
        if not isinstance(target, Panel):
            raise BadInput("A mask applies to a panel's picture: attach it to a panel.")
        shown = await uploads.shown_by(session, target)
        if shown is not None and abs(image.width * shown.height / (image.height * shown.width) - 1) > TOLERANCE:
            raise BadInput(
                f"The mask has {image.width} × {image.height} pixels and the panel's picture {shown.width} ×"
                f" {shown.height}: it must have the same shape."
            )
    key = f"{rows.identifier(model)}_id"
    attachment = Attachment(project_id=target.project_id, image_id=image.id, role=body.role)
    setattr(attachment, key, target_id)
    attached, new = await uploads.attach(session, attachment)
    if new:
        data = {key: str(target_id), "fields": ["images"], "version": target.version}
        await emit(session, target.project_id, None, _CHANGED[model], data, actor=scope.actor)
    response.status_code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
    return _out(attached.model_dump())


async def _listed(
    session: AsyncSession, scope: Scope, model: type[SQLModel], parent_id: UUID, paging: Paging
) -> Listing[AttachmentOut]:
    columns = {*AttachmentOut.model_fields} - {"image"}
    found, following = await rows.children(session, scope, model, parent_id, Attachment, columns=columns, paging=paging)
    return Listing(items=[_out(one) for one in found], next_cursor=following)


def _out(one: Mapping[str, Any]) -> AttachmentOut:
    return AttachmentOut.model_validate({**one, "image": f"/api/v1/images/{one['image_id']}"})
