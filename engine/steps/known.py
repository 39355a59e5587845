"""What a task is told about the project: gathered from the database, cut to size by the context manager."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.context import Context, Piece, assemble
from engine.db import execute
from engine.derived import Part, concerning
from engine.store.house import house_of
from models.story import Profile
from models.tables import Chapter, Character, Location, Scene
from models.tables.columns import table

# So many of the chapters and scenes before.
BEFORE = 20

_CHARACTERS, _PLACES = table(Character), table(Location)
_CHAPTERS, _SCENES = table(Chapter), table(Scene)
_NOW = _CHAPTERS.alias()
# Earlier chapters with another text: the same text made with other options is no earlier chapter.
_EARLIER = (
    select(_CHAPTERS.c.title, _CHAPTERS.c.summary, (_NOW.c.position - _CHAPTERS.c.position).label("ago"))
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

    async def rows(statement: Select[Any]) -> Sequence[Any]:
        values = {"project": project_id, "chapter": chapter_id, "position": before_scene}
        found: Sequence[Any] = (await execute(session, statement, values)).all()
        return found

    pieces = instructions(concerning(part, await house_of(session, project_id)))
    earlier = await rows(_EARLIER)
    if earlier:
        # Only then were cast and places met elsewhere: what this very text brought along is no news to its reader,
        # and telling it would make the same question another one, to be paid for again.
        pieces += _known(await rows(_CAST), await rows(_MET))
        # The nearer a chapter, the more it matters.
        pieces += [Piece(kind="chapter", label=row.title, text=row.summary, priority=200 + row.ago) for row in earlier]
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


def _known(cast: Iterable[Any], places: Iterable[Any]) -> list[Piece]:
    return [
        Piece(kind="character", label=who.name, text=Profile.model_validate(who.profile).sentence(), priority=100)
        for who in cast
    ] + [
        Piece(kind="location", label=place.name, text=place.description or place.name, priority=400) for place in places
    ]
