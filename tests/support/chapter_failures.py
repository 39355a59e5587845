"""What a chapter's rows say about parts that failed."""

from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.tables import Chapter, Character, Panel, Scene
from models.tables.story import PanelState, SceneState


async def failures(session: AsyncSession, chapter_id: UUID) -> list[str]:
    """Why parts of a chapter failed, in reading order, one line each."""
    scenes = await session.exec(
        select(Scene.position, Scene.failure)
        .where(Scene.chapter_id == chapter_id, Scene.state == SceneState.FAILED)
        .order_by(col(Scene.position))
    )
    panels = await session.exec(
        select(Scene.position, Panel.position, Panel.failure)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .where(Scene.chapter_id == chapter_id, Panel.state == PanelState.FAILED)
        .order_by(col(Scene.position), col(Panel.position))
    )
    characters = await session.exec(
        select(Character.name, Character.failure)
        .join(Chapter, col(Chapter.project_id) == col(Character.project_id))
        .where(Chapter.id == chapter_id, Character.failure != "")
        .order_by(col(Character.id))
    )
    untranslated = await session.exec(
        select(Scene.position, Scene.untranslated)
        .where(Scene.chapter_id == chapter_id, col(Scene.untranslated) != {})
        .order_by(col(Scene.position))
    )
    return [
        *(f"character sheet of {name}: {why}" for name, why in characters.all()),
        *(f"scene {scene + 1}: {why}" for scene, why in scenes.all()),
        *(f"scene {scene + 1}, panel {panel + 1}: {why}" for scene, panel, why in panels.all()),
        *(
            f"scene {scene + 1} into {language}: {why}"
            for scene, failed in untranslated.all()
            for language, why in sorted(failed.items())
        ),
    ]
