"""Finds the location that a scene names among those of the project."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import Location

# So much of a description goes into a prompt.
MOST_OF_A_DESCRIPTION = 300
_ARTICLE = "the "


async def place_of(session: AsyncSession, project_id: UUID, name: str) -> Location | None:
    """The place of that name, with or without its article; the name as it is written counts first."""
    if not name.strip():
        return None
    key = name.strip()[:200].casefold()
    bare = key.removeprefix(_ARTICLE)
    query = select(Location).where(
        Location.project_id == project_id, col(Location.name_key).in_([key, bare, _ARTICLE + bare])
    )
    found = (await session.exec(query)).all()
    return min(found, key=lambda one: (one.name_key != key, one.name_key), default=None)


def looks_of(place: Location | None) -> str:
    """What the place looks like, in one line; whole words of a long description."""
    text = " ".join(place.description.split()).rstrip(".") if place is not None else ""
    if len(text) <= MOST_OF_A_DESCRIPTION:
        return text
    return text[:MOST_OF_A_DESCRIPTION].rpartition(" ")[0].rstrip(" ,;:")
