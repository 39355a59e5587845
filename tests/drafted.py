"""A panel with a draft, as rows alone: for tests that need no run."""

from engine.db.session import Database
from models.tables import Draft, Image, Panel, Scene
from tests.conftest import Ordered


async def drafted(database: Database, ordered: Ordered) -> tuple[Panel, Draft]:
    """A panel and a draft of it."""
    project_id = ordered.run.project_id
    async with database.session() as session:
        scene = Scene(project_id=project_id, chapter_id=ordered.run.chapter_id, position=0)
        image = Image(
            project_id=project_id, sha256="1" * 64, key="k", media_type="image/png", width=1, height=1, bytes=1
        )
        session.add_all([scene, image])
        await session.flush()
        panel = Panel(project_id=project_id, scene_id=scene.id, position=0)
        session.add(panel)
        await session.flush()
        draft = Draft(
            project_id=project_id,
            panel_id=panel.id,
            ordinal=1,
            image_id=image.id,
            provider="offline",
            prompt="",
            seed=1,
            made_from="x",
        )
        session.add(draft)
    return panel, draft
