"""Pages and files: CPU work in threads, on a queue with as many slots as cores."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from engine.db import Database
from engine.errors import BadInput
from engine.export.cbz import build_cbz
from engine.export.pdf import build_pdf
from engine.export.provenance import notes_of
from engine.pages.compose import LetteredPanel, compose_page
from engine.pages.keys import export_key, laid_out, page_key
from engine.pages.layout import Cell, PageLayout
from engine.storage import Storage
from engine.storage.keys import content_key
from engine.store.events import emit
from engine.store.images import keep, pages_of, record
from engine.store.panels import Shown, artists_of, of_chapter
from engine.store.progress import complete, complete_and_tell, split
from engine.store.scope import Scope, get
from models.events import EventType
from models.ids import new_id
from models.runs import ChapterRun, ExportCall, PageCall, PagesPlanned
from models.story import Direction
from models.tables import Chapter, Export, Page

BUILDERS = {"cbz": build_cbz, "pdf": build_pdf}


class Pages:
    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.plan_pages, self.compose_page, self.build_export]

    @activity.defn
    async def plan_pages(self, run: ChapterRun) -> PagesPlanned:
        """Put the chapter's panels on pages, and say which of them are to be composed."""
        async with self._database.session() as session:
            shown = await of_chapter(session, run.project_id, run.chapter_id)
            query = select(Page).where(Page.chapter_id == run.chapter_id).order_by(col(Page.number))
            before = (await session.exec(query)).all()
            layouts = await asyncio.to_thread(laid_out, shown, run.options, [page.layout for page in before])
            composed = {page.number: page.made_from for page in before if page.image_id is not None}
            by_id = {str(one.panel.id): one for one in shown}
            due = [
                layout["number"]
                for layout in layouts
                if composed.get(layout["number"]) != _key_of(layout, run.options.direction, by_id)
            ]
            await session.exec(
                delete(Page).where(col(Page.chapter_id) == run.chapter_id, col(Page.number) > len(layouts))
            )
            for layout in layouts:
                statement = insert(Page).values(
                    id=new_id(),
                    project_id=run.project_id,
                    chapter_id=run.chapter_id,
                    number=layout["number"],
                    layout=layout,
                    problems=[],
                )
                await session.exec(
                    statement.on_conflict_do_update(index_elements=["chapter_id", "number"], set_={"layout": layout})
                )
            if due:
                await split(session, run.generation_id, "pages", {f"page:{number}": 1.0 for number in due})
            else:
                await complete_and_tell(session, run.project_id, run.generation_id, "pages")
            return PagesPlanned(pages=len(layouts), due=due)

    @activity.defn
    async def compose_page(self, call: PageCall) -> None:
        """Draw, letter and store one page."""
        async with self._database.session() as session:
            page = await _page(session, call.chapter_id, call.number)
            layout = _from_json(page.layout)
            ids = [UUID(cell.id) for cell in layout.cells]
            shown = {str(one.panel.id): one for one in await of_chapter(session, call.project_id, call.chapter_id, ids)}
        made_from = _key_of(page.layout, call.options.direction, shown)
        if page.image_id is None or page.made_from != made_from:
            panels = {
                panel_id: LetteredPanel(
                    picture=await self._storage.get(one.image.key) if one.image else None,
                    boxes=one.boxes,
                    panel=one.data,
                )
                for panel_id, one in shown.items()
            }
            notes = _notes_of(page.layout, shown)
            composed = await asyncio.to_thread(compose_page, layout, panels, call.options.direction, notes=notes)
            picture = await keep(self._storage, call.project_id, composed.png, "image/png", layout.width, layout.height)
        else:
            composed, picture = None, None
        async with self._database.session() as session:
            if composed is not None and picture is not None:
                page = await _page(session, call.chapter_id, call.number, lock=True)
                page.image_id = await record(session, call.project_id, picture)
                page.problems = composed.problems
                page.lettering = [panel.model_dump(mode="json") for panel in composed.lettering]
                page.made_from = made_from
                session.add(page)
                await session.flush()
            moved = await complete(session, call.generation_id, f"page:{call.number}")
            if composed is not None or moved:
                await emit(
                    session,
                    call.project_id,
                    call.generation_id,
                    EventType.PAGE_COMPOSED if composed is not None else EventType.GENERATION_PROGRESSED,
                    {"number": call.number, "image_id": str(page.image_id), "problems": len(page.problems)},
                )

    @activity.defn
    async def build_export(self, call: ExportCall) -> None:
        """Build one file of the chapter from its pages and store it."""
        builder = BUILDERS.get(call.format)
        if builder is None:
            raise BadInput(f"There is no export called {call.format!r}; there are {', '.join(BUILDERS)}.")
        async with self._database.session() as session:
            chapter = await get(session, Scope(project_id=call.project_id), Chapter, call.chapter_id)
            pages = await pages_of(session, call.chapter_id)
            notes = notes_of(await artists_of(session, call.chapter_id))
            sheets = [image.sha256 for image in pages]
            made_from = export_key(call.format, chapter.title, call.options.direction, notes, sheets)
            query = select(Export).where(Export.chapter_id == call.chapter_id, Export.format == call.format)
            there = (await session.exec(query)).one_or_none()
        if not pages:
            raise BadInput("The chapter has no finished pages to export yet.")
        if there is None or there.made_from != made_from:
            with tempfile.TemporaryDirectory(prefix="inkloom-export-") as folder:
                paths = []
                for number, image in enumerate(pages, 1):
                    path = Path(folder) / f"{number:05}.png"
                    await self._storage.fetch(image.key, path)
                    paths.append(path)
                built = Path(folder) / f"chapter.{call.format}"
                title, direction = chapter.title or "Untitled", call.options.direction
                await asyncio.to_thread(builder, paths, built, title=title, direction=direction, notes=notes)
                sha256, size = await asyncio.to_thread(_hash, built)
                key = content_key(call.project_id, "exports", sha256, call.format)
                await self._storage.put_file(key, built)
            values = {"key": key, "sha256": sha256, "bytes": size, "made_from": made_from}
        else:
            values = None
        async with self._database.session() as session:
            if values is not None:
                statement = insert(Export).values(
                    id=new_id(),
                    project_id=call.project_id,
                    chapter_id=call.chapter_id,
                    format=call.format,
                    built_at=func.clock_timestamp(),
                    **values,
                )
                await session.exec(
                    statement.on_conflict_do_update(
                        index_elements=["chapter_id", "format"], set_={**values, "built_at": func.clock_timestamp()}
                    )
                )
                await emit(
                    session,
                    call.project_id,
                    call.generation_id,
                    EventType.EXPORT_BUILT,
                    {"format": call.format, "bytes": values["bytes"]},
                )


def _key_of(layout: Mapping[str, Any], direction: Direction, shown: Mapping[str, Shown]) -> str:
    return page_key(layout, direction, _notes_of(layout, shown), shown)


def _notes_of(layout: Mapping[str, Any], shown: Mapping[str, Shown]) -> str:
    drafts = (shown[cell["panel_id"]].draft for cell in layout["cells"])
    return notes_of({draft.provider for draft in drafts if draft is not None})


def _from_json(value: dict[str, Any]) -> PageLayout:
    cells = tuple(
        Cell(id=cell["panel_id"], x=cell["x"], y=cell["y"], width=cell["width"], height=cell["height"])
        for cell in value["cells"]
    )
    return PageLayout(number=value["number"], width=value["width"], height=value["height"], cells=cells)


async def _page(session: AsyncSession, chapter_id: UUID, number: int, *, lock: bool = False) -> Page:
    query = select(Page).where(Page.chapter_id == chapter_id, Page.number == number)
    return (await session.exec(query.with_for_update() if lock else query)).one()


def _hash(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
