"""Selects the scenes and characters of an outlined chapter that a generation must work on."""

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.freshness.chapter import read
from engine.freshness.parts import parts_below
from engine.store.events import emit
from engine.store.headings import place
from engine.store.outlines import StoredOutline
from engine.store.progress import character_step, complete, outline_step, scene_step, split
from models.events import EventType
from models.runs import ChapterRun, Outlined
from models.tables import Chapter, Panel, Scene


async def assign(session: AsyncSession, run: ChapterRun, chapter: Chapter, stored: StoredOutline) -> Outlined:
    """Split the generation's progress over scenes and characters, emit `chapter.outlined`, and return who has work.

    Of an outline that did not change, only scenes and characters with a part that is due.
    """
    query = select(Scene).where(Scene.chapter_id == chapter.id).order_by(col(Scene.position))
    scenes = [scene for scene in (await session.exec(query)).all() if scene.max_panels != 0]
    # Not the outline, which was just stored: the rows are locked, and reading a long text would hold them.
    rows = await read(session, chapter, run.options)
    parts = [part for part in await parts_below(session, rows) if part.due]
    # Characters that people put into panels appear as well.
    appear = [part.id for part in parts if part.kind == "character" and part.id is not None]
    people, due = list(dict.fromkeys([*stored.character_ids.values(), *appear])), scenes
    if stored.unchanged:
        ids = {part.id for part in parts}
        people = [character_id for character_id in people if character_id in ids]
        holding = select(Panel.scene_id).where(col(Panel.id).in_([part.id for part in parts if part.kind == "panel"]))
        ids |= set((await session.exec(holding)).all())
        due = [scene for scene in scenes if scene.id in ids]
    drawn = run.options.until == "pages"
    await split(
        session,
        run.generation_id,
        "sheets",
        {character_step(character_id, "profile"): 1.0 for character_id in people}
        | ({character_step(character_id, "sheet"): 2.0 for character_id in people} if drawn else {}),
    )
    weights = {scene.id: float(scene.max_panels or max(1, sum(map(len, scene.sentences)) // 200)) for scene in due}
    shares = {scene_step(scene_id, "summary"): 0.05 * weight for scene_id, weight in weights.items()}
    shares |= {scene_step(scene_id, "panels"): 0.95 * weight for scene_id, weight in weights.items()}
    news = await split(session, run.generation_id, "scenes", shares)
    nothing_to_do = [step for step, some in (("sheets", people), ("scenes", due)) if not some]
    if chapter.script is not None:
        nothing_to_do.append(outline_step(0))
    moved = await complete(session, run.generation_id, *nothing_to_do)
    if news or (moved and not due):
        about = {"chapter_id": str(chapter.id), "scenes": len(scenes), "characters": len(stored.character_ids)}
        await emit(session, run.project_id, run.generation_id, EventType.CHAPTER_OUTLINED, about)
    return Outlined(
        scene_ids=[scene.id for scene in due],
        character_ids=people,
        has_script=chapter.script is not None,
        places=[place(scene.position) for scene in due],
    )
