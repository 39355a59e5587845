"""What a generation is for: the project and the chapter that its targets belong to."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput, NotFound
from engine.store import rows
from engine.store.scope import Scope
from models.options import GenerationKind
from models.tables import Chapter, Character, Panel, Project, Scene


async def aim(
    session: AsyncSession,
    scope: Scope,
    kind: GenerationKind,
    target_ids: Sequence[UUID],
    *,
    sheet_for: UUID | None = None,
) -> tuple[Project, Chapter | None]:
    """The project and the chapter of the targets; no chapter where an export is of the whole project.

    `sheet_for` is the chapter that a character sheet is drawn for. Raises `NotFound`, and `BadInput` for targets that
    do not go together.
    """
    if kind == GenerationKind.EXPORT and len(target_ids) == 1:
        with suppress(NotFound):
            return await rows.get(session, scope, Project, target_ids[0]), None
    chapter = await chapter_of(session, scope, kind, target_ids, sheet_for=sheet_for)
    return await rows.get(session, scope, Project, chapter.project_id), chapter


async def chapter_of(
    session: AsyncSession,
    scope: Scope,
    kind: GenerationKind,
    target_ids: Sequence[UUID],
    *,
    sheet_for: UUID | None = None,
) -> Chapter:
    """The chapter of the targets. Raises as `aim` does."""
    target = target_ids[0]
    if len(target_ids) > 1 and kind != GenerationKind.PANEL:
        raise BadInput(f"A generation of kind {kind} has one target. Request one generation for each.")
    if len(set(target_ids)) < len(target_ids):
        raise BadInput("A panel is named twice.")
    match kind:
        case GenerationKind.CHAPTER | GenerationKind.EXPORT:
            chapter = await rows.get(session, scope, Chapter, target)
        case GenerationKind.SCENE:
            scene = await rows.get(session, scope, Scene, target)
            chapter = await rows.get(session, scope, Chapter, scene.chapter_id)
        case GenerationKind.PANEL:
            panel = await rows.get(session, scope, Panel, target)
            scene = await rows.get(session, scope, Scene, panel.scene_id)
            chapter = await rows.get(session, scope, Chapter, scene.chapter_id)
            await _all_in(session, chapter, target_ids)
        case GenerationKind.CHARACTER_SHEET:
            character = await rows.get(session, scope, Character, target)
            if sheet_for is None:
                raise BadInput("A character sheet needs chapter_id: the chapter it is made for.")
            chapter = await rows.get(session, scope, Chapter, sheet_for)
            if chapter.project_id != character.project_id:
                raise BadInput("The character and the chapter belong to different projects.")
    return chapter


async def _all_in(session: AsyncSession, chapter: Chapter, panels: Sequence[UUID]) -> None:
    """Raise `NotFound` for a panel of another chapter, which may belong to another user."""
    query = (
        select(Panel.id)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .where(Scene.chapter_id == chapter.id, col(Panel.id).in_(panels))
    )
    there = set((await session.exec(query)).all())
    for panel_id in panels:
        if panel_id not in there:
            raise rows.missing(Panel, panel_id)
