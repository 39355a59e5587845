"""ChapterOutline: the text in windows, one answer each; merged into scenes by `store/outlines.py`."""

import asyncio

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs
from engine.steps.known import context_for
from engine.steps.step import Loaded, Made, Step
from engine.store.progress import complete_and_tell, outline_step
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks.outline import In, Out
from engine.tasks.outline_windows import read, source_of, window_tokens
from models.runs import TaskCall
from models.tables import Chapter


def outlined(chapter: Chapter, part: int) -> Out:
    """What a window was outlined as."""
    return Out.model_validate(chapter.outline[str(part)]["output"])


async def load(session: AsyncSession, call: TaskCall, room: int) -> Loaded | Made:
    chapter = await get(session, Scope(project_id=call.project_id), Chapter, call.target_id)
    texts, spans = await asyncio.to_thread(read, chapter.source_text, window_tokens(call.options))
    window = spans[call.part]
    # By its text alone: what became known since, not least from this very outline, is no reason to pay again.
    if chapter.outline.get(str(call.part), {}).get("source") == source_of(texts, window):
        await complete_and_tell(session, call.project_id, call.generation_id, outline_step(call.part))
        return []
    met: dict[str, None] = {}
    for part in range(call.part):
        met |= dict.fromkeys(character["name"] for character in chapter.outline[str(part)]["output"]["characters"])
    context = await context_for(session, call.project_id, chapter.id, room, "summary")
    data = In(
        context=context.text,
        title=chapter.title,
        first=window.start,
        paragraphs=list(texts[window.start : window.stop]),
        known_characters=list(met),
        max_scenes=None,
    )
    return Loaded(data, len(context.left_out))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    chapter = await get(session, Scope(project_id=call.project_id), Chapter, call.target_id, lock=True)
    texts, spans = await asyncio.to_thread(read, chapter.source_text, window_tokens(call.options))
    window = spans[call.part]
    done = {"source": source_of(texts, window), "output": out.model_dump(mode="json")}
    # A new object: SQLAlchemy does not see changes inside a JSON value.
    chapter.outline = {**chapter.outline, str(call.part): done}
    session.add(chapter)
    await session.flush()
    await complete_and_tell(session, call.project_id, call.generation_id, outline_step(call.part))
    return []


STEP = Step(load, apply)
