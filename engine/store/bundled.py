"""Rows of a project as parts of its file: what project files and series bibles have in common."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.bundle import Attached, BundledCharacter, BundledLocation, Instruction, Picture
from models.tables import Attachment, Character, Image, Location, ProjectInstruction


async def rows_of(session: AsyncSession, model: Any, project_id: UUID) -> Sequence[Any]:
    """All rows of the project, the oldest first."""
    return (await session.exec(select(model).where(model.project_id == project_id).order_by(col(model.id)))).all()


def attached_to(attachments: Iterable[Attachment], hashes: Mapping[UUID, str]) -> dict[UUID, list[Attached]]:
    """The attached pictures, by the id of their character, location or panel; `hashes` maps ids of pictures to
    hashes.
    """
    attached: dict[UUID, list[Attached]] = {}
    for attachment in attachments:
        holder = attachment.character_id or attachment.location_id or attachment.panel_id
        if holder is not None:
            role = Attached.model_validate({"picture": hashes[attachment.image_id], "role": attachment.role})
            attached.setdefault(holder, []).append(role)
    return attached


def bundled_character(
    character: Character, fields: set[str], hashes: Mapping[UUID, str], attached: Mapping[UUID, list[Attached]]
) -> BundledCharacter:
    """A character with these columns and its pictures."""
    values = {"sheet": _sheet(character, hashes), "attached": attached.get(character.id, [])}
    return BundledCharacter.model_validate({**character.model_dump(include=fields), **values})


def bundled_location(
    location: Location, hashes: Mapping[UUID, str], attached: Mapping[UUID, list[Attached]]
) -> BundledLocation:
    """A location with its pictures."""
    return BundledLocation(
        name=location.name,
        description=location.description,
        sheet=_sheet(location, hashes),
        attached=attached.get(location.id, []),
    )


def instructions(rows: Iterable[ProjectInstruction]) -> list[Instruction]:
    """The instructions in order of their position."""
    return [
        Instruction.model_validate(row.model_dump(include={"kind", "body"}))
        for row in sorted(rows, key=lambda row: row.position)
    ]


def pictures(images: Iterable[Image]) -> list[Picture]:
    """The pictures in order of their hashes."""
    return [
        Picture.model_validate(image.model_dump(include=set(Picture.model_fields)))
        for image in sorted(images, key=lambda image: image.sha256)
    ]


def _sheet(of: Character | Location, hashes: Mapping[UUID, str]) -> str | None:
    return hashes.get(of.sheet_image_id) if of.sheet_image_id else None
