"""What a small change costs in a long chapter: one word of one line, 24 pages, offline, with the product's own workers.

Prints one JSON object per round: seconds from the order to the page that is lettered again and to its end, how many
pages were lettered, how many calls were made; beside it, in the same run, how long the whole chapter took. Run alone:
`python -m bench.bench_directing`.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID, uuid4

from sqlmodel import col, select

from bench.bench_offline import ROOT
from engine.db.session import Database
from engine.freshness.parts import stale_parts
from engine.settings import Settings
from engine.store import editing, events, generations, manual_edits
from engine.store.projects import add_chapter
from engine.store.rows import get
from engine.store.scope import Scope
from inkloom.local.stack import Stack
from inkloom.serve import ensure_search_attributes
from inkloom.worker import connect
from models.events import EventType
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions
from models.tables import Chapter, Generation, Page, Panel, Project, Scene, User
from workflows.starting import start

PAGES = 24
ROUNDS = 5


def story() -> str:
    """The example story over and over, until there is enough of it."""
    text = next(ROOT.glob("examples/*.txt")).read_text()
    return "\n\n***\n\n".join([text] * 6)


async def ordered(database: Database, project_id: UUID, chapter_id: UUID) -> Generation:
    async with database.session() as session:
        return await generations.request(
            session,
            project_id=project_id,
            chapter_id=chapter_id,
            kind=GenerationKind.CHAPTER,
            options=GenerationOptions(max_panels=PAGES * 6),
        )


async def ended(database: Database, scope: Scope, generation_id: UUID) -> Generation:
    while True:
        async with database.session() as session:
            generation = await get(session, scope, Generation, generation_id)
        if generation.status in FINAL_STATUSES:
            return generation
        await asyncio.sleep(0.02)


async def pages_of(database: Database, chapter_id: UUID) -> dict[int, UUID | None]:
    async with database.session() as session:
        query = select(Page).where(Page.chapter_id == chapter_id)
        return {page.number: page.image_id for page in (await session.exec(query)).all()}


async def change_a_word(database: Database, scope: Scope, chapter_id: UUID, turn: int) -> None:
    """The last word of a line in the middle of the chapter."""
    async with database.session() as session:
        query = (
            select(Panel)
            .join(Scene, col(Scene.id) == col(Panel.scene_id))
            .where(Scene.chapter_id == chapter_id, col(Panel.dialogue) != [])
            .order_by(col(Scene.position), col(Panel.position))
        )
        panels = (await session.exec(query)).all()
        panel = panels[(turn + 1) * len(panels) // (ROUNDS + 2)]
        first, *others = panel.dialogue or []
        line = {**first, "text": " ".join([*first["text"].split()[:-1], "then."])}
        values = manual_edits.edited_columns(panel, {"dialogue": [line, *others]})
        await editing.change(session, scope, Panel, panel.id, panel.version, values)


async def main(data: Path) -> None:
    settings = Settings(data=data, temporal_ui_port=0)
    async with Stack(settings, api=False, report=lambda line: None) as endpoints:
        client = await connect(endpoints.temporal_address, settings.temporal_namespace)
        await ensure_search_attributes(client)
        database = Database(endpoints.database_url)
        async with database.session() as session:
            owner = User(email=f"{uuid4()}@example.org")
            session.add(owner)
            await session.flush()
            project = Project(owner_id=owner.id, title="Long")
            session.add(project)
            await session.flush()
            chapter = await add_chapter(session, project.id, title="Long", source_text=story())
            scope = Scope(user_id=owner.id)
        began = time.perf_counter()
        generation = await ordered(database, project.id, chapter.id)
        await start(database, client, generation)
        await ended(database, scope, generation.id)
        whole = time.perf_counter() - began
        for turn in range(ROUNDS):
            before = await pages_of(database, chapter.id)
            await change_a_word(database, scope, chapter.id, turn)
            began = time.perf_counter()
            async with database.session() as session:
                found = await stale_parts(
                    session, await get(session, scope, Chapter, chapter.id), GenerationOptions(max_panels=PAGES * 6)
                )
            looked = time.perf_counter() - began
            generation = await ordered(database, project.id, chapter.id)
            began = time.perf_counter()
            await start(database, client, generation)
            generation = await ended(database, scope, generation.id)
            took = time.perf_counter() - began
            after = await pages_of(database, chapter.id)
            async with database.session() as session:
                log = await events.of_generation(session, generation.id, 0, 10_000)
            lettered = [event.at for event in log if event.type == EventType.PAGE_COMPOSED and event.at]
            first = (lettered[0] - log[0].at).total_seconds() if lettered and log[0].at else None
            figures = {
                "status": generation.status,
                "pages": len(after),
                "lettered": sum(after[number] != before.get(number) for number in after),
                "told_before": sum(part.kind == "page" for part in found),
                "calls": sum(event.type in (EventType.PANEL_DRAFTED, EventType.PANEL_WRITTEN) for event in log),
                "seconds_to_page": first,
                "seconds": round(took, 2),
                "seconds_to_look": round(looked, 2),
                "whole_chapter_s": round(whole, 1),
            }
            print(json.dumps(figures), flush=True)
        await database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        # Started by root, Postgres runs as somebody else, who must be able to enter.
        Path(folder).chmod(0o755)
        asyncio.run(main(Path(folder)))
    sys.stdout.flush()
