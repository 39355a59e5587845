"""What writers of a scene read besides its row: the ids of its panels, and whether its chapter came from a script."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from models.tables import Chapter, Location, Panel
from models.tables.columns import table

_PANELS, _CHAPTERS, _LOCATIONS = table(Panel), table(Chapter), table(Location)
# The panels of a scene in reading order.
_PANEL_IDS = select(_PANELS.c.id).where(_PANELS.c.scene_id == bindparam("scene")).order_by(_PANELS.c.position)
# Whether a chapter was made from a script.
_SCRIPTED = select(_CHAPTERS.c.script.is_not(None)).where(_CHAPTERS.c.id == bindparam("chapter"))
# The names of a project's locations, in the order they were met.
_LOCATION_NAMES = (
    select(_LOCATIONS.c.name).where(_LOCATIONS.c.project_id == bindparam("project")).order_by(_LOCATIONS.c.id)
)


async def panel_ids(session: AsyncSession, scene_id: UUID) -> list[UUID]:
    return list((await execute(session, _PANEL_IDS, {"scene": scene_id})).scalars())


async def scripted(session: AsyncSession, chapter_id: UUID) -> bool:
    return bool((await execute(session, _SCRIPTED, {"chapter": chapter_id})).scalar_one())


async def location_names(session: AsyncSession, project_id: UUID) -> list[str]:
    return list((await execute(session, _LOCATION_NAMES, {"project": project_id})).scalars())
