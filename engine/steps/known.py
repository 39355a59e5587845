"""Gathers what a task needs to know about the project, cut to size by the context manager."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Part, concerning
from engine.db.session import execute
from engine.steps.context import Context, Piece, assemble
from engine.store.instructions import house_of
from models.tables import Chapter, Character, Location, Project, Scene
from models.tables.columns import table
from models.tables.story import SceneState

# So many of the chapters and scenes before.
BEFORE = 20

_CHARACTERS, _PLACES = table(Character), table(Location)
_CHAPTERS, _SCENES, _PROJECTS = table(Chapter), table(Scene), table(Project)
_NOW = _CHAPTERS.alias()
# Earlier chapters with another text: the same text made with other options is no earlier chapter.
_EARLIER = (
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
    .limit(BEFORE)
)
# What was told before the project's first chapter, the first of it first.
_BEFORE_ALL = (
    select(_PROJECTS.c.series, _CHAPTERS.c.position)
    .join(_CHAPTERS, _CHAPTERS.c.project_id == _PROJECTS.c.id)
    .where(_CHAPTERS.c.id == bindparam("chapter"), _PROJECTS.c.id == bindparam("project"))
)
_WORN = (
    select(_SCENES.c.characters, _SCENES.c.outfits, _SCENES.c.state)
    .where(_SCENES.c.chapter_id == bindparam("earlier"))
    .order_by(_SCENES.c.position)
)
_CAST = (
    select(_CHARACTERS.c.name, _CHARACTERS.c.profile)
    .where(_CHARACTERS.c.project_id == bindparam("project"), _CHARACTERS.c.profile.is_not(None))
    .order_by(_CHARACTERS.c.id)
)
_MET = (
    select(_PLACES.c.name, _PLACES.c.description)
    .where(_PLACES.c.project_id == bindparam("project"))
    .order_by(_PLACES.c.id)
)
_SO_FAR = (
    select(_SCENES.c.title, _SCENES.c.gist, (bindparam("position") - _SCENES.c.position).label("ago"))
    .where(_SCENES.c.chapter_id == bindparam("chapter"), _SCENES.c.position < bindparam("position"))
    .order_by(_SCENES.c.position.desc())
    .limit(BEFORE)
)


async def context_for(
    session: AsyncSession, project_id: UUID, chapter_id: UUID, room: int, part: Part, before_scene: int | None = None
) -> Context:
    """The instructions that concern a part, cast, places, earlier chapters and the scenes before the one at that
    position, in `room` tokens.

    Earlier scenes are told by their gist from the outline, which is there before any scene begins: the context does
    not depend on which of them happens to be finished.
    """

    async def rows(statement: Select[Any], **more: object) -> Sequence[Any]:
        values = {"project": project_id, "chapter": chapter_id, "position": before_scene, **more}
        found: Sequence[Any] = (await execute(session, statement, values)).all()
        return found

    pieces = instructions(concerning(part, await house_of(session, project_id)))
    chapters = await rows(_EARLIER)
    earlier = [Told(row.title, row.summary, row.threads, row.ago) for row in chapters]
    earlier += [one for row in await rows(_BEFORE_ALL) for one in _before_all(row.series, row.position)]
    if earlier:
        # Only then were cast and places met elsewhere: what this very text brought along is no news to its reader,
        # and telling it would make the same question another one, to be paid for again.
        worn = last_worn(await rows(_WORN, earlier=chapters[0].id)) if chapters else {}
        pieces += _known(await rows(_CAST), worn, await rows(_MET))
        # The nearer a chapter, the more it matters; what it left open is more likely to be taken up than the rest.
        for told in earlier[:BEFORE]:
            pieces.append(Piece(kind="chapter", label=told.title, text=told.summary, priority=200 + told.ago))
            pieces += [
                Piece(kind="thread", label=told.title, text=thread, priority=150 + told.ago) for thread in told.threads
            ]
    if before_scene:
        pieces += [
            Piece(kind="scene", label=row.title, text=row.gist, priority=50 + row.ago) for row in await rows(_SO_FAR)
        ]
    return assemble(pieces, room)


def instructions(bodies: Sequence[str]) -> list[Piece]:
    """Standing instructions, the most important first."""
    return [
        Piece(kind="instructions", label=f"{number}", text=body, priority=number)
        for number, body in enumerate(bodies, 1)
    ]


@dataclass(frozen=True)
class Told:
    """An earlier chapter, `ago` chapters before."""

    title: str
    summary: str
    threads: Sequence[str]
    ago: int


def _before_all(series: Sequence[dict[str, Any]], position: int) -> list[Told]:
    """The chapters that a bible brought along, the nearest first; they lie before the project's own."""
    count = len(series)
    return [
        Told(one["title"], one["summary"], one["threads"], position + count - index)
        for index, one in reversed(list(enumerate(series)))
    ]


def last_worn(scenes: Sequence[Any]) -> dict[str, str]:
    """What people wore when they were last seen in a chapter, where it is not what they always wear.

    Nothing before the whole chapter is summed up: which of its scenes happens to be finished is told nobody.
    """
    worn: dict[str, str] = {}
    if any(scene.state == SceneState.OUTLINED for scene in scenes):
        return worn
    for scene in scenes:
        for name in scene.characters:
            worn.pop(name, None)
        worn |= scene.outfits
    return worn


def _known(cast: Iterable[Any], worn: Mapping[str, str], places: Iterable[Any]) -> list[Piece]:
    return [
        Piece(kind="character", label=who.name, text=_looks(who, worn.get(who.name, "")), priority=100) for who in cast
    ] + [
        Piece(kind="location", label=place.name, text=place.description or place.name, priority=400) for place in places
    ]


def _looks(who: Any, outfit: str) -> str:
    told = who.profile.sentence()
    return f"{told}; when last seen: {outfit}" if outfit else told
