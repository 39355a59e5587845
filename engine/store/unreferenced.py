"""Which keys in storage no row refers to."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from models.tables import Export, Image, Project, Removal
from models.tables.columns import table

_PROJECTS, _IMAGES, _EXPORTS, _REMOVALS = table(Project), table(Image), table(Export), table(Removal)
_IDS = bindparam("projects", type_=ARRAY(Uuid))


class _Content(NamedTuple):
    project_id: UUID
    sha256: str


_EXISTING = select(_PROJECTS.c.id).where(_PROJECTS.c.id == func.any(_IDS))
# Pictures by their content: thumbnails are named after it, too.
_PICTURES = Prepared(
    select(_IMAGES.c.project_id, _IMAGES.c.sha256).where(
        _IMAGES.c.project_id == func.any(_IDS), _IMAGES.c.sha256 == func.any(bindparam("contents", type_=ARRAY(Text)))
    ),
    _Content,
)
_FILES = select(_EXPORTS.c.key).where(_EXPORTS.c.project_id == func.any(_IDS))
# What is to be removed anyway.
_REMOVED = select(func.jsonb_array_elements_text(_REMOVALS.c["keys"])).where(
    _REMOVALS.c.done_at.is_(None), _REMOVALS.c.project_id == func.any(_IDS)
)


async def existing(session: AsyncSession, project_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the projects that exist."""
    return set((await execute(session, _EXISTING, {"projects": list(project_ids)})).scalars())


async def keys_without_rows(session: AsyncSession, keys: Mapping[UUID, Sequence[str]]) -> dict[UUID, list[str]]:
    """Those keys of projects that no picture and no file has, and that no removal names.

    A folder that this version does not know is left alone.
    """
    if not keys:
        return {}
    projects = list(keys)
    contents = sorted({_content(key) for some in keys.values() for key in some})
    pictures = set(await _PICTURES.all(session, projects=projects, contents=contents))
    named = set((await execute(session, _FILES, {"projects": projects})).scalars())
    named |= set((await execute(session, _REMOVED, {"projects": projects})).scalars())
    found = {}
    for project_id, some in keys.items():
        orphans = [
            key
            for key in some
            if key not in named
            and key.split("/")[2] in ("images", "thumbnails", "exports")
            and _Content(project_id, _content(key)) not in pictures
        ]
        if orphans:
            found[project_id] = orphans
    return found


def _content(key: str) -> str:
    """The SHA-256 in a key."""
    return key.rpartition("/")[2].partition(".")[0]
