"""What a generation is recognised by: the titles of its project and chapter, and its targets in words."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, func, null, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared
from models.options import GenerationKind
from models.runs import GenerationStart, Heading
from models.tables import Chapter, Generation, Panel, Project, Scene
from models.tables.columns import table

# How many targets are named: there may be hundreds of panels.
TARGETS_NAMED = 12

_PROJECTS, _CHAPTERS, _SCENES, _PANELS = table(Project), table(Chapter), table(Scene), table(Panel)


class _Titles(NamedTuple):
    project: str
    chapter: str | None


class _Place(NamedTuple):
    id: UUID
    scene: int
    panel: int | None


# The titles of a project, and of a chapter of it if one is named.
_TITLES = Prepared(
    select(_PROJECTS.c.title, _CHAPTERS.c.title)
    .join_from(_PROJECTS, _CHAPTERS, _CHAPTERS.c.id == bindparam("chapter", type_=Uuid), isouter=True)
    .where(_PROJECTS.c.id == bindparam("project", type_=Uuid)),
    _Titles,
)
_NAMED = bindparam("ids", type_=ARRAY(Uuid))
# Where scenes, and where panels, are in their chapter.
_OF_SCENES = Prepared(select(_SCENES.c.id, _SCENES.c.position, null()).where(_SCENES.c.id == func.any(_NAMED)), _Place)
_OF_PANELS = Prepared(
    select(_PANELS.c.id, _SCENES.c.position, _PANELS.c.position)
    .join_from(_PANELS, _SCENES, _SCENES.c.id == _PANELS.c.scene_id)
    .where(_PANELS.c.id == func.any(_NAMED)),
    _Place,
)


def place(scene: int, panel: int | None = None) -> str:
    """Where a scene or a panel is, from positions that count from 0."""
    return f"scene {scene + 1}" + (f", panel {panel + 1}" if panel is not None else "")


async def heading_of(session: AsyncSession, generation: Generation) -> Heading:
    """The heading of a generation; empty where its project or its targets are gone."""
    titles = await _TITLES.one_or_none(session, project=generation.project_id, chapter=generation.chapter_id)
    if titles is None:
        return Heading()
    targets = list((await _targets(session, generation)).items())[:TARGETS_NAMED]
    return Heading(project=titles.project, chapter=titles.chapter or "", targets=dict(targets))


async def start_of(session: AsyncSession, generation: Generation) -> GenerationStart:
    """What the workflow of a generation is started with."""
    return GenerationStart(
        project_id=generation.project_id,
        generation_id=generation.id,
        options=generation.options,
        kind=generation.kind,
        chapter_id=generation.chapter_id,
        target_ids=[UUID(target) for target in generation.target_ids],
        status=generation.status,
        budget_usd=generation.budget_usd,
        requested_by=generation.requested_by,
        retry_of=generation.retry_of,
        batch_id=generation.batch_id,
        heading=await heading_of(session, generation),
    )


async def panel_places(session: AsyncSession, panel_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where panels are, in reading order."""
    return _in_order(await _OF_PANELS.all(session, ids=list(panel_ids)))


async def _targets(session: AsyncSession, generation: Generation) -> dict[UUID, str]:
    ids = [UUID(target) for target in generation.target_ids]
    match generation.kind:
        case GenerationKind.SCENE:
            return _in_order(await _OF_SCENES.all(session, ids=ids))
        case GenerationKind.PANEL:
            return await panel_places(session, ids)
        case _:
            return {}


def _in_order(places: Sequence[_Place]) -> dict[UUID, str]:
    ordered = sorted(places, key=lambda found: (found.scene, found.panel or 0))
    return {found.id: place(found.scene, found.panel) for found in ordered}
