"""What is known of a story besides the text at hand: cast, locations, earlier chapters and scenes."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from models.story import Profile
from models.tables import Chapter, Character, Location, Project, Scene
from models.tables.columns import table
from models.tables.story import SceneState

# At most this many earlier chapters, and as many earlier scenes.
MOST_EARLIER = 20


class EarlierChapter(NamedTuple):
    """A chapter of the project, `ago` chapters back."""

    id: UUID
    title: str
    summary: str
    threads: list[str]
    ago: int


class Series(NamedTuple):
    """The chapters before the project's first, from its series bible, and the position of the chapter at hand."""

    series: list[dict[str, Any]]
    position: int


class SceneClothes(NamedTuple):
    """Who is in a scene, and in which outfits."""

    characters: list[str]
    outfits: dict[str, str]
    state: SceneState


class CastMember(NamedTuple):
    name: str
    profile: Profile


class KnownLocation(NamedTuple):
    name: str
    description: str


class EarlierScene(NamedTuple):
    """A scene of the same chapter, `ago` scenes back, by its gist from the outline."""

    title: str
    gist: str
    ago: int


_CHARACTERS, _LOCATIONS = table(Character), table(Location)
_CHAPTERS, _SCENES, _PROJECTS = table(Chapter), table(Scene), table(Project)
_NOW = _CHAPTERS.alias()
# Earlier chapters with another text: the same text made with other options is no earlier chapter.
_EARLIER_CHAPTERS = (
    select(
        *(_CHAPTERS.c[name] for name in ("id", "title", "summary", "threads")),
        (_NOW.c.position - _CHAPTERS.c.position).label("ago"),
    )
    .join(_NOW, _NOW.c.project_id == _CHAPTERS.c.project_id)
    .where(
        _NOW.c.id == bindparam("chapter"),
        _CHAPTERS.c.project_id == bindparam("project"),
        _CHAPTERS.c.position < _NOW.c.position,
        _CHAPTERS.c.summary != "",
        _CHAPTERS.c.source_text != _NOW.c.source_text,
    )
    .order_by(_CHAPTERS.c.position.desc())
    .limit(MOST_EARLIER)
)
# What happened before the project's first chapter, in its order, and the position of the chapter at hand.
_SERIES = (
    select(_PROJECTS.c.series, _CHAPTERS.c.position)
    .join(_CHAPTERS, _CHAPTERS.c.project_id == _PROJECTS.c.id)
    .where(_CHAPTERS.c.id == bindparam("chapter"), _PROJECTS.c.id == bindparam("project"))
)
# Who wore what in the scenes of a chapter, in their order.
_CLOTHES = (
    select(_SCENES.c.characters, _SCENES.c.outfits, _SCENES.c.state)
    .where(_SCENES.c.chapter_id == bindparam("chapter"))
    .order_by(_SCENES.c.position)
)
# Those characters of the project whose looks are fixed, in the order they were met.
_CAST = (
    select(_CHARACTERS.c.name, _CHARACTERS.c.profile)
    .where(_CHARACTERS.c.project_id == bindparam("project"), _CHARACTERS.c.profile.is_not(None))
    .order_by(_CHARACTERS.c.id)
)
# The locations of the project, in the order they were met.
_KNOWN_LOCATIONS = (
    select(_LOCATIONS.c.name, _LOCATIONS.c.description)
    .where(_LOCATIONS.c.project_id == bindparam("project"))
    .order_by(_LOCATIONS.c.id)
)
# The scenes of a chapter before a position, the nearest first.
_EARLIER_SCENES = (
    select(_SCENES.c.title, _SCENES.c.gist, (bindparam("position") - _SCENES.c.position).label("ago"))
    .where(_SCENES.c.chapter_id == bindparam("chapter"), _SCENES.c.position < bindparam("position"))
    .order_by(_SCENES.c.position.desc())
    .limit(MOST_EARLIER)
)

RowT = TypeVar("RowT")


async def earlier_chapters(session: AsyncSession, project_id: UUID, chapter_id: UUID) -> list[EarlierChapter]:
    """The nearest first."""
    return await _rows(session, _EARLIER_CHAPTERS, EarlierChapter, project=project_id, chapter=chapter_id)


async def series(session: AsyncSession, project_id: UUID, chapter_id: UUID) -> list[Series]:
    """At most one row."""
    return await _rows(session, _SERIES, Series, project=project_id, chapter=chapter_id)


async def clothes_in(session: AsyncSession, chapter_id: UUID) -> list[SceneClothes]:
    return await _rows(session, _CLOTHES, SceneClothes, chapter=chapter_id)


async def cast(session: AsyncSession, project_id: UUID) -> list[CastMember]:
    return await _rows(session, _CAST, CastMember, project=project_id)


async def locations(session: AsyncSession, project_id: UUID) -> list[KnownLocation]:
    return await _rows(session, _KNOWN_LOCATIONS, KnownLocation, project=project_id)


async def earlier_scenes(session: AsyncSession, chapter_id: UUID, position: int) -> list[EarlierScene]:
    """The nearest first."""
    return await _rows(session, _EARLIER_SCENES, EarlierScene, chapter=chapter_id, position=position)


async def _rows(
    session: AsyncSession, statement: Select[Any], shape: Callable[..., RowT], **values: object
) -> list[RowT]:
    rows = (await execute(session, statement, values)).all()
    return [shape(**row._mapping) for row in rows]
