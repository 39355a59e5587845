"""Composes pages, each in a child process."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from engine.db.session import Database
from engine.freshness.page_keys import laid_out, notes_of_page, page_key
from engine.pages.compose import LetteredPanel, compose_page
from engine.pages.layout import Cell, PageLayout
from engine.pages.manual_layout import LET_GO, with_manual_lettering
from engine.processes.pool import shared
from engine.storage import Storage
from engine.store.events import emit
from engine.store.images import record_picture, store_picture
from engine.store.languages import chapter_language
from engine.store.panels import of_chapter
from engine.store.progress import complete, complete_and_tell, page_step, pages_step, split
from engine.store.translations import in_language
from models.events import EventType
from models.ids import new_id
from models.layout import Layout
from models.runs import PageCall, PagesCall, PagesPlanned
from models.tables import Export, Page

# CPU seconds. Four panels with the most words that the edge allows take six.
_SECONDS = 120


class Pages:
    def __init__(self, database: Database, storage: Storage) -> None:
        self._database = database
        self._storage = storage

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.plan_pages, self.compose_page]

    @activity.defn
    async def plan_pages(self, run: PagesCall) -> PagesPlanned:
        """Lay out the chapter's panels on pages, and return which pages must be composed.

        The layout in another language is the one in the story's own: only words differ.
        """
        async with self._database.session() as session:
            shown = await of_chapter(session, run.project_id, run.chapter_id)
            query = select(Page).where(Page.chapter_id == run.chapter_id).order_by(col(Page.number))
            before = (await session.exec(query.where(Page.language == ""))).all()
            layouts = await asyncio.to_thread(laid_out, shown, run.options, [page.layout for page in before])
            if run.language:
                shown = await in_language(session, run.chapter_id, shown, run.language)
                before = (await session.exec(query.where(Page.language == run.language))).all()
                layouts = with_manual_lettering([page.layout for page in before], layouts)
            language = run.language or await chapter_language(session, run.chapter_id, run.options.language)
            composed = {page.number: page.made_from for page in before if page.image_id is not None}
            by_id = {str(one.panel.id): one for one in shown}
            due = [
                layout.number
                for layout in layouts
                if composed.get(layout.number) != page_key(layout, run.options.direction, language, by_id)
            ]
            surplus = delete(Page).where(col(Page.chapter_id) == run.chapter_id, col(Page.language) == run.language)
            await session.exec(surplus.where(col(Page.number) > len(layouts)))
            for layout in layouts:
                statement = insert(Page).values(
                    id=new_id(),
                    project_id=run.project_id,
                    chapter_id=run.chapter_id,
                    language=run.language,
                    number=layout.number,
                    layout=layout,
                    problems=[],
                )
                await session.exec(
                    statement.on_conflict_do_update(
                        index_elements=["chapter_id", "language", "number"], set_={"layout": layout}
                    )
                )
            step = pages_step(run.language)
            if due:
                parts = {page_step(run.language, number): 1.0 for number in due}
                await split(session, run.generation_id, step, parts)
            else:
                await complete_and_tell(session, run.project_id, run.generation_id, step)
            built = select(Export.format).where(Export.chapter_id == run.chapter_id, Export.language == run.language)
            there = (await session.exec(built.order_by(col(Export.format)))).all()
            # Existing exports are updated with the rest.
            formats = dict.fromkeys([*run.options.export.wanted, *there])
            return PagesPlanned(pages=len(layouts), due=due, exports=list(formats))

    @activity.defn
    async def compose_page(self, call: PageCall) -> None:
        """Draw, letter and store one page."""
        async with self._database.session() as session:
            page = await _page(session, call)
            layout = _geometry(page.layout)
            ids = [UUID(cell.id) for cell in layout.cells]
            found = await of_chapter(session, call.project_id, call.chapter_id, ids)
            if call.language:
                found = await in_language(session, call.chapter_id, found, call.language)
            language = call.language or await chapter_language(session, call.chapter_id, call.options.language)
        shown = {str(one.panel.id): one for one in found}
        made_from = page_key(page.layout, call.options.direction, language, shown)
        if page.image_id is None or page.made_from != made_from:
            async with shared().place() as run:
                panels = {
                    panel_id: LetteredPanel(
                        picture=await self._storage.get(one.image.key) if one.image else None,
                        boxes=one.boxes,
                        panel=one.data,
                        placed=page.layout.placed.get(panel_id),
                    )
                    for panel_id, one in shown.items()
                }
                work = partial(compose_page, language=language, notes=notes_of_page(page.layout, shown))
                composed = await run(
                    work, layout, panels, call.options.direction, seconds=_SECONDS, doing=f"Page {call.number}"
                )
            picture = await store_picture(
                self._storage, call.project_id, composed.png, "image/png", layout.width, layout.height
            )
        else:
            composed, picture = None, None
        async with self._database.session() as session:
            if composed is not None and picture is not None:
                page = await _page(session, call, lock=True)
                page.image_id = await record_picture(session, call.project_id, picture)
                page.problems = [
                    *([LET_GO] if page.layout.let_go else []),
                    *composed.problems,
                    *(
                        f"panel {panel_id}: not translated into {call.language} yet"
                        for panel_id, one in shown.items()
                        if one.untranslated
                    ),
                ]
                page.lettering = [panel.model_dump(mode="json") for panel in composed.lettering]
                page.made_from = made_from
                session.add(page)
                await session.flush()
            moved = await complete(session, call.generation_id, page_step(call.language, call.number))
            if composed is not None or moved:
                await emit(
                    session,
                    call.project_id,
                    call.generation_id,
                    EventType.PAGE_COMPOSED if composed is not None else EventType.GENERATION_PROGRESSED,
                    {"number": call.number, "image_id": str(page.image_id), "problems": len(page.problems)}
                    | ({"language": call.language} if call.language else {}),
                )


def _geometry(layout: Layout) -> PageLayout:
    cells = tuple(
        Cell(id=cell.panel_id, x=cell.x, y=cell.y, width=cell.width, height=cell.height) for cell in layout.cells
    )
    return PageLayout(number=layout.number, width=layout.width, height=layout.height, cells=cells)


async def _page(session: AsyncSession, call: PageCall, *, lock: bool = False) -> Page:
    query = select(Page).where(
        Page.chapter_id == call.chapter_id, Page.language == call.language, Page.number == call.number
    )
    return (await session.exec(query.with_for_update() if lock else query)).one()
