"""`export`: builds files of a finished chapter or of a whole project, without a call to any provider."""

import json
from pathlib import Path
from uuid import UUID

from rich.console import Console
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database
from engine.errors import BadInput, NotFound
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.open import open_storage
from engine.store import generations, projects
from engine.store.rows import get
from engine.store.scope import Scope
from inkloom.local.signals import cancelled_by_signals
from inkloom.local.stack import Endpoints, Stack
from inkloom.output import claim, deliver_built, slug_of
from inkloom.run import EXIT_CODES, export
from inkloom.watch import Bar, Display, patiently
from models.exports import ExportOptions
from models.options import GenerationOptions, GenerationStatus
from models.tables import Chapter, Export, Generation, Project

say = Console(stderr=True, highlight=False)


async def export_command(settings: Settings, target: UUID, ordered: ExportOptions, out: Path, *, as_json: bool) -> int:
    """`export`: request the files, wait for them, and write them to `out`."""
    out = claim(out)
    with cancelled_by_signals():
        async with Stack(settings, api=False, report=lambda line: say.print(f"[dim]{line}", soft_wrap=True)) as there:
            bar = Bar(say)
            try:
                generation, files = await exported(settings, there, target, ordered, out, bar)
            finally:
                bar.close()
    if as_json:
        summary = {
            "project_id": str(generation.project_id),
            "chapter_id": str(generation.chapter_id) if generation.chapter_id else None,
            "generation_id": str(generation.id),
            "status": generation.status,
            "exports": files,
        }
        print(json.dumps(summary))  # noqa: T201  # stdout carries the result
    else:
        if generation.error:
            say.print(f"  {generation.error}", markup=False)
        for format, path in files.items():
            print(f"{format + ':':<13} {path}")  # noqa: T201
    return EXIT_CODES.get(generation.status, 1)


async def exported(
    settings: Settings, there: Endpoints, target: UUID, ordered: ExportOptions, out: Path, display: Display
) -> tuple[Generation, dict[str, str]]:
    """The generation when it has ended, and the paths of its files by format."""
    database, storage = Database(there.database_url, pool_size=4), open_storage(settings)
    try:
        async with database.session() as session:
            owner = await projects.local_owner(session)
            project, chapter = await target_of(session, Scope(user_id=owner), target)
            options = await options_of(session, project, chapter, ordered)
        of = chapter.id if chapter is not None else None
        generation = await export(settings, there, database, project.id, of, options, display)
        if generation.status != GenerationStatus.COMPLETED:
            return generation, {}
        return generation, await patiently(
            lambda: _delivered(database, storage, project, chapter, options, out), display
        )
    finally:
        await storage.close()
        await database.close()


async def target_of(session: AsyncSession, scope: Scope, target: UUID) -> tuple[Project, Chapter | None]:
    """The chapter with this ID and its project, or the project alone. Raises `BadInput` if neither exists."""
    try:
        chapter = await get(session, scope, Chapter, target)
    except NotFound:
        try:
            return await get(session, scope, Project, target), None
        except NotFound as error:
            raise BadInput(f"There is no chapter and no project {target}. `run --json` reports both ids.") from error
    return await get(session, scope, Project, chapter.project_id), chapter


async def options_of(
    session: AsyncSession, project: Project, chapter: Chapter | None, manner: ExportOptions
) -> GenerationOptions:
    """The options that the chapter, or the project's first one, was made with: others would lay out its pages again."""
    query = select(Chapter.id).where(Chapter.project_id == project.id).order_by(col(Chapter.position)).limit(1)
    of = chapter.id if chapter else (await session.exec(query)).one_or_none()
    latest = await generations.latest_of(session, of) if of else None
    options = latest.options if latest else GenerationOptions.model_validate(project.options)
    return options.model_copy(update={"export": manner})


async def _delivered(
    database: Database,
    storage: Storage,
    project: Project,
    chapter: Chapter | None,
    options: GenerationOptions,
    out: Path,
) -> dict[str, str]:
    async with database.session() as session:
        of = Export.chapter_id == chapter.id if chapter else col(Export.chapter_id).is_(None)
        query = select(Export).where(Export.project_id == project.id, of, Export.language == options.edition)
        exports = (await session.exec(query.where(col(Export.format).in_(options.export.wanted)))).all()
    try:
        return await deliver_built(storage, exports, out, slug_of(chapter.title if chapter else project.title))
    except OSError as error:
        raise BadInput(f"{out} could not be written: {error.strerror or error}.") from error
