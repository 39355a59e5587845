"""Further chapters in the project of a first one."""

from engine.db.session import Database
from engine.store import generations
from engine.store.projects import add_chapter
from engine.store.rows import get
from models.options import GenerationKind, GenerationOptions
from models.tables import Chapter
from tests.conftest import Ordered


async def variant(database: Database, ordered: Ordered, **options: object) -> Ordered:
    """The same text in the same project, made with other options: what the command line does."""
    async with database.session() as session:
        first = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        return await another_chapter(database, ordered, first.source_text, None, options)


async def another_chapter(
    database: Database, ordered: Ordered, text: str, script: dict[str, object] | None, options: dict[str, object]
) -> Ordered:
    chosen = GenerationOptions.model_validate(options)
    async with database.session() as session:
        chapter = await add_chapter(session, ordered.run.project_id, title="A chapter", source_text=text, script=script)
        generation = await generations.request(
            session,
            project_id=ordered.run.project_id,
            chapter_id=chapter.id,
            kind=GenerationKind.CHAPTER,
            options=chosen,
        )
    update = {"chapter_id": chapter.id, "generation_id": generation.id, "options": chosen}
    return Ordered(ordered.run.model_copy(update=update), ordered.owner_id)
