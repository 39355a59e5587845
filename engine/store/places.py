"""Finds the location that a scene names among those of the project."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import Location

# The most characters of a description that go into a prompt.
MOST_OF_A_DESCRIPTION = 300
_ARTICLE = "the "


async def place_of(session: AsyncSession, project_id: UUID, name: str) -> Location | None:
    """The location with that name, with or without its article; an exact match is preferred."""
    if not name.strip():
        return None
    key = name.strip()[:200].casefold()
    bare = key.removeprefix(_ARTICLE)
    query = select(Location).where(
        Location.project_id == project_id, col(Location.name_key).in_([key, bare, _ARTICLE + bare])
    )
    locations = (await session.exec(query)).all()
    return min(locations, key=lambda location: (location.name_key != key, location.name_key), default=None)


def looks_of(place: Location | None) -> str:
    """The location's looks in one line; a long description is cut at a word."""
    text = " ".join(place.description.split()).rstrip(".") if place is not None else ""
    if len(text) <= MOST_OF_A_DESCRIPTION:
        return text
    return text[:MOST_OF_A_DESCRIPTION].rpartition(" ")[0].rstrip(" ,;:")
