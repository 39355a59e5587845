"""Finds the location that a scene names among those of the project."""

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import Location

# The most characters of a description that go into a prompt.
MOST_OF_A_DESCRIPTION = 300
_ARTICLE = "the "


async def places_of(session: AsyncSession, project_id: UUID, names: Iterable[str]) -> dict[str, Location | None]:
    """The location of each name, with or without its article; an exact match is preferred."""
    keys = {name: name.strip()[:200].casefold() for name in names}
    spelled = {name: _spellings(key) for name, key in keys.items() if key}
    wanted = {spelling for spellings in spelled.values() for spelling in spellings}
    by_key: dict[str, Location] = {}
    if wanted:
        query = select(Location).where(Location.project_id == project_id, col(Location.name_key).in_(wanted))
        by_key = {location.name_key: location for location in (await session.exec(query)).all()}
    # The exact spelling comes first.
    found = {name: [by_key[spelling] for spelling in spelled.get(name, ()) if spelling in by_key] for name in keys}
    return {name: locations[0] if locations else None for name, locations in found.items()}


async def place_of(session: AsyncSession, project_id: UUID, name: str) -> Location | None:
    """The location of one name."""
    return (await places_of(session, project_id, [name]))[name]


def _spellings(key: str) -> tuple[str, str, str]:
    bare = key.removeprefix(_ARTICLE)
    return key, bare, _ARTICLE + bare


def looks_of(place: Location | None) -> str:
    """The location's looks in one line; a long description is cut at a word."""
    text = " ".join(place.description.split()).rstrip(".") if place is not None else ""
    if len(text) <= MOST_OF_A_DESCRIPTION:
        return text
    return text[:MOST_OF_A_DESCRIPTION].rpartition(" ")[0].rstrip(" ,;:")
