"""Builds export files, in a thread that takes the place of a child process: libraries in C do the work."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from engine.db.session import Database
from engine.errors import BadInput
from engine.export.book import Book, Bound
from engine.export.build import OF_BOTH, OF_PANELS, OF_WORDS, build
from engine.export.signing import Signer
from engine.processes.pool import shared
from engine.storage import Storage
from engine.storage.keys import content_key
from engine.store import books
from engine.store.events import emit
from engine.store.progress import complete, complete_and_tell, export_step, split
from engine.store.rows import get
from engine.store.scope import Scope
from models.events import EventType
from models.exports import SUFFIXES, ExportFormat
from models.ids import new_id
from models.options import GenerationOptions
from models.runs import ExportCall
from models.tables import Chapter, Export, Project
from models.tables.story import WHOLE_PROJECT


class Files:
    def __init__(self, database: Database, storage: Storage, signer: Signer | None = None) -> None:
        self._database = database
        self._storage = storage
        self._signer = signer

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.build_export]

    @activity.defn
    async def build_export(self, call: ExportCall) -> None:
        """Build one file of a chapter, or of all chapters, and store it. An existing file with the same content is
        kept.
        """
        format = _known(call.format)
        async with self._database.session() as session:
            there = (await session.exec(_of(call))).one_or_none()
            options = call.options.in_edition(call.language)
            manner = books.manner_of(options.export, there, anew=call.anew)
            book = await _book(session, call, options.model_copy(update={"export": manner}))
        _require(book, format, call.language)
        made_from = book.made_from(format, self._signer)
        values: dict[str, Any] = {}
        if there is None or there.made_from != made_from:
            with tempfile.TemporaryDirectory(prefix="inkloom-export-") as name:
                folder = Path(name)
                bound, out = await self._bound(call, book, format, folder), folder / f"built.{SUFFIXES[format]}"
                async with shared().place():
                    sha256, size = await asyncio.to_thread(build, format, bound, folder, out)
                key = content_key(call.project_id, "exports", sha256, SUFFIXES[format])
                await self._storage.put_file(key, out)
            values = {"key": key, "sha256": sha256, "bytes": size, "made_from": made_from}
            values["options"] = manner
        async with self._database.session() as session:
            moved = await complete(session, call.generation_id, export_step(format), export_step(format, "file"))
            if values:
                await _keep(session, call, format, values)
                data = {"format": format, "bytes": values["bytes"]}
                data |= {"language": call.language} if call.language else {}
                await emit(session, call.project_id, call.generation_id, EventType.EXPORT_BUILT, data)
            elif moved:
                await emit(session, call.project_id, call.generation_id, EventType.GENERATION_PROGRESSED, {})

    async def _bound(self, call: ExportCall, book: Book, format: ExportFormat, folder: Path) -> Bound:
        """The book with the files that it is made of; an export of all chapters reports progress chapter by chapter."""
        if format in OF_WORDS:
            return Bound(book)
        pictures: list[Path] = []
        if format in OF_PANELS | OF_BOTH:
            pictures = await self._fetched([picture.key for picture in book.pictures], folder / "panel", 0)
        if format in OF_PANELS:
            return Bound(book, pictures=pictures, signer=self._signer)
        step, files = export_step(format), list[Path]()
        begins = [chapter.first for chapter in book.chapters]
        if call.chapter_id is None:
            parts = {f"{step}:{number}": 1.0 for number in range(len(begins))} | {f"{step}:file": 1.0}
            async with self._database.session() as session:
                await split(session, call.generation_id, step, parts)
        for number, (first, end) in enumerate(pairwise([*begins, len(book.pages)])):
            files += await self._fetched([page.key for page in book.pages[first:end]], folder / "page", first)
            if call.chapter_id is None:
                async with self._database.session() as session:
                    await complete_and_tell(session, call.project_id, call.generation_id, f"{step}:{number}")
        return Bound(book, pages=files, pictures=pictures, signer=self._signer)

    async def _fetched(self, keys: Sequence[str], start: Path, first: int) -> list[Path]:
        files = []
        for number, key in enumerate(keys, first):
            files.append(start.with_name(f"{start.name}-{number:05}.{key.rsplit('.', 1)[-1]}"))
            await self._storage.fetch(key, files[-1])
        return files


def _known(format: str) -> ExportFormat:
    try:
        return ExportFormat(format)
    except ValueError as error:
        raise BadInput(f"There is no export called {format!r}; there are {', '.join(ExportFormat)}.") from error


def _of(call: ExportCall) -> Any:
    query = select(Export).where(
        Export.project_id == call.project_id, Export.language == call.language, Export.format == call.format
    )
    if call.chapter_id is None:
        return query.where(col(Export.chapter_id).is_(None))
    return query.where(Export.chapter_id == call.chapter_id)


async def _book(session: AsyncSession, call: ExportCall, options: GenerationOptions) -> Book:
    scope = Scope(project_id=call.project_id)
    if call.chapter_id is None:
        return await books.of_project(session, await get(session, scope, Project, call.project_id), options)
    return await books.chapter_book(session, await get(session, scope, Chapter, call.chapter_id), options)


def _require(book: Book, format: ExportFormat, language: str) -> None:
    """Raise `BadInput` if something is missing: a reader could not tell an incomplete book from a complete one."""
    if format in OF_WORDS:
        if not any(chapter.script for chapter in book.chapters):
            raise BadInput("There are no panels yet, so there is no script to export.")
        return
    if format in OF_PANELS:
        if not book.pictures:
            raise BadInput("There are no pictures of panels to export yet.")
        return
    if not book.pages:
        raise BadInput("There are no finished pages to export yet.")
    for chapter, (first, end) in zip(
        book.chapters, pairwise([*(one.first for one in book.chapters), len(book.pages)]), strict=True
    ):
        named = f"The chapter “{chapter.title}”" if chapter.title else "A chapter without a title"
        if first == end and language:
            raise BadInput(
                f"{named} has no finished pages in {language} yet."
                f' Generate it with "translations": ["{language}"], then export again.'
            )
        if first == end:
            raise BadInput(f"{named} has no finished pages yet. Generate it first, or delete it.")
        for number, page in enumerate(book.pages[first:end], 1):
            if not page.key:
                raise BadInput(f"{named}: page {number} has no picture yet. Generate the chapter, then export again.")


async def _keep(session: AsyncSession, call: ExportCall, format: ExportFormat, values: dict[str, Any]) -> None:
    """Store the row of the file; there is one per format of a chapter, and of a project."""
    statement = insert(Export).values(
        id=new_id(),
        project_id=call.project_id,
        chapter_id=call.chapter_id,
        language=call.language,
        format=format,
        built_at=func.clock_timestamp(),
        **values,
    )
    changed = {**values, "built_at": func.clock_timestamp()}
    if call.chapter_id is None:
        statement = statement.on_conflict_do_update(
            index_elements=["project_id", "language", "format"], index_where=WHOLE_PROJECT, set_=changed
        )
    else:
        index = ["chapter_id", "language", "format"]
        statement = statement.on_conflict_do_update(index_elements=index, set_=changed)
    await session.exec(statement)
