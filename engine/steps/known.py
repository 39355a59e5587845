"""What a task is told about the project: gathered from the database, cut to size by the context manager."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.context import Context, Piece, assemble
from models.story import Profile
from models.tables import Chapter, Character, Location, ProjectInstruction, Scene

# Context is a help, not the text at hand: it never takes more than this from a task's room.
CONTEXT_TOKENS = 2_000


async def context_for(session: AsyncSession, chapter: Chapter, scene: Scene | None = None) -> Context:
    """Instructions, cast, places, earlier chapters and the scenes before this one, within the budget.

    Earlier scenes are told by their gist from the outline, which is there before any scene begins: the context does
    not depend on which of them happens to be finished.
    """
    pieces = list(await _instructions(session, chapter.project_id))
    earlier = await _chapters(session, chapter)
    if earlier:
        # Only then were cast and places met elsewhere: what this very text brought along is no news to its reader,
        # and telling it would make the same question another one, to be paid for again.
        pieces += [*await _cast(session, chapter.project_id), *await _places(session, chapter.project_id), *earlier]
    if scene is not None:
        pieces += await _scenes(session, scene)
    return assemble(pieces, CONTEXT_TOKENS)


async def _instructions(session: AsyncSession, project_id: UUID) -> Iterable[Piece]:
    query = select(ProjectInstruction).where(ProjectInstruction.project_id == project_id)
    rows = (await session.exec(query.order_by(col(ProjectInstruction.position)))).all()
    return [
        Piece(kind="instructions", label=f"{row.position + 1}", text=row.body, priority=row.position) for row in rows
    ]


async def _cast(session: AsyncSession, project_id: UUID) -> Iterable[Piece]:
    query = select(Character).where(Character.project_id == project_id, col(Character.profile).is_not(None))
    rows = (await session.exec(query.order_by(col(Character.id)))).all()
    return [
        Piece(kind="character", label=row.name, text=Profile.model_validate(row.profile).sentence(), priority=100)
        for row in rows
    ]


async def _places(session: AsyncSession, project_id: UUID) -> Iterable[Piece]:
    query = select(Location).where(Location.project_id == project_id).order_by(col(Location.id))
    return [
        Piece(kind="location", label=row.name, text=row.description or row.name, priority=400)
        for row in (await session.exec(query)).all()
    ]


async def _chapters(session: AsyncSession, chapter: Chapter) -> Sequence[Piece]:
    """Earlier chapters with another text: the same text made with other options is no earlier chapter."""
    query = (
        select(Chapter.position, Chapter.title, Chapter.summary)
        .where(
            Chapter.project_id == chapter.project_id,
            Chapter.position < chapter.position,
            Chapter.summary != "",
            Chapter.source_text != chapter.source_text,
        )
        .order_by(col(Chapter.position).desc())
        .limit(20)
    )
    return [
        # The nearer a chapter, the more it matters.
        Piece(kind="chapter", label=title, text=summary, priority=200 + chapter.position - position)
        for position, title, summary in (await session.exec(query)).all()
    ]


async def _scenes(session: AsyncSession, scene: Scene) -> Iterable[Piece]:
    query = (
        select(Scene.position, Scene.title, Scene.gist)
        .where(Scene.chapter_id == scene.chapter_id, Scene.position < scene.position)
        .order_by(col(Scene.position).desc())
        .limit(20)
    )
    return [
        Piece(kind="scene", label=title, text=gist, priority=50 + scene.position - position)
        for position, title, gist in (await session.exec(query)).all()
    ]
