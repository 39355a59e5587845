"""Characters and locations that users write. Names are unique in a project, ignoring case."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError

from engine.errors import Conflict
from models.story import Profile
from models.tables import Character


def name_columns(name: str) -> dict[str, Any]:
    """The columns that hold a name."""
    return {"name": name, "name_key": name.casefold()}


def profile(name: str, aliases: Sequence[str], looks: Mapping[str, Any]) -> Profile:
    """The value of the profile column, with the character's own name and aliases."""
    return Profile(name=name, aliases=list(aliases), **looks)


def changed_columns(
    character: Character,
    name: str | None,
    aliases: Sequence[str] | None,
    looks: Mapping[str, Any] | None,
    *,
    anew: bool,
) -> dict[str, Any]:
    """The columns that a change writes. The previous name becomes an alias, unless aliases are given.

    With `anew` the profile becomes `looks`, or is removed where that is None.
    """
    values: dict[str, Any] = {}
    if name is not None and name != character.name:
        values |= name_columns(name)
        if aliases is None:
            aliases = [*(one for one in character.aliases if one != name), character.name]
    if aliases is not None:
        values["aliases"] = list(aliases)
    if anew and looks is None:
        values["profile"] = None
    elif anew or (values and character.profile is not None):
        kept = character.profile.model_dump(exclude={"name", "aliases"}) if character.profile else {}
        known = values.get("name", character.name), values.get("aliases", character.aliases)
        values["profile"] = profile(*known, looks if looks is not None else kept)
    if character.sheet_approved_at is not None and values.get("profile", character.profile) != character.profile:
        # The approved reference sheet shows other looks.
        values["sheet_approved_at"] = None
    return values


@asynccontextmanager
async def unique_name() -> AsyncIterator[None]:
    """Raise `Conflict` if the project already has the name."""
    try:
        yield
    except IntegrityError as error:
        if "name_key" not in str(error.orig):
            raise
        raise Conflict("The project already has one with this name.") from error
