"""A fingerprint of the rows that a chapter's freshness, estimates and drift are computed from.

Postgres stores each version of a row at a place of its own (`ctid`) with the transaction that wrote it (`xmin`). The
same places and transactions mean the same rows, so that an answer computed from them still holds. Nothing has to be
marked when something changes.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    String,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union,
    union_all,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared
from models.tables import (
    Attachment,
    Chapter,
    Character,
    Draft,
    Export,
    Image,
    Location,
    Page,
    Panel,
    Project,
    ProjectInstruction,
    Scene,
    Translation,
)
from models.tables.columns import table

_PROJECT: BindParameter[UUID] = bindparam("project")
_CHAPTER: BindParameter[UUID] = bindparam("chapter")

_scenes, _panels, _drafts, _pages = table(Scene), table(Panel), table(Draft), table(Page)
_characters, _locations, _attachments = table(Character), table(Location), table(Attachment)
_IN_CHAPTER = select(_scenes.c.id).where(_scenes.c.project_id == _PROJECT, _scenes.c.chapter_id == _CHAPTER)
_SCENES = _IN_CHAPTER.cte("scene")
_PANELS = select(_panels.c.id).where(_panels.c.scene_id.in_(select(_SCENES.c.id))).cte("panel")
_OF_PANELS = select(_PANELS.c.id)
_IMAGES = union(
    select(_drafts.c.image_id).where(_drafts.c.panel_id.in_(_OF_PANELS)),
    select(_pages.c.image_id).where(_pages.c.chapter_id == _CHAPTER),
    select(_attachments.c.image_id).where(_attachments.c.project_id == _PROJECT),
    select(_characters.c.sheet_image_id).where(_characters.c.project_id == _PROJECT),
    select(_locations.c.sheet_image_id).where(_locations.c.project_id == _PROJECT),
)

# The rows by table: those of the chapter, and of its project what all chapters share.
# `tests/engine/freshness/test_fingerprint.py` checks that every table that is read is here.
ROWS: dict[str, ColumnElement[bool]] = {
    **{
        of.name: of.c.project_id == _PROJECT
        for of in (table(ProjectInstruction), _characters, _locations, _attachments)
    },
    **{of.name: of.c.chapter_id == _CHAPTER for of in (_scenes, _pages, table(Export))},
    **{of.name: of.c.panel_id.in_(_OF_PANELS) for of in (_drafts, table(Translation))},
    "projects": table(Project).c.id == _PROJECT,
    "chapters": table(Chapter).c.id == _CHAPTER,
    "panels": _panels.c.id.in_(_OF_PANELS),
    "images": table(Image).c.id.in_(select(_IMAGES.subquery().c.image_id)),
}


class _Found(NamedTuple):
    rows: int
    digests: int


def _digest(name: str, seed: int) -> ColumnElement[int]:
    version: ColumnElement[str] = func.concat(literal_column(f"{name}.xmin"), literal_column(f"{name}.ctid"))
    if name == "projects":
        # Every event writes the project's row to number itself, and changes nothing else.
        version = cast(func.to_jsonb(literal_column(name)).op("-")("event_seq"), String)
    return func.hashtextextended(version, seed).label("digest")


_DIGESTS = union_all(
    *(select(_digest(name, seed)).where(rows) for seed, (name, rows) in enumerate(ROWS.items()))
).subquery()
# How many rows there are, and the sum of their digests: rows have no order.
_FINGERPRINT = Prepared(select(func.count(), func.coalesce(func.sum(_DIGESTS.c.digest), 0)), _Found)


async def fingerprint(session: AsyncSession, project_id: UUID, chapter_id: UUID) -> tuple[int, int]:
    """Equal for equal rows; a change that has been committed changes it."""
    found = await _FINGERPRINT.one(session, project=project_id, chapter=chapter_id)
    return found.rows, int(found.digests)
