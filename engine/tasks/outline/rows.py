"""ChapterOutline: reads a window of the text, stores its outline; `store/outlines.py` merges the windows."""

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_WORDS, Inputs
from engine.steps.known import context_for
from engine.steps.step import Loaded, Made
from engine.store.progress import complete_and_tell, outline_step
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks.outline.task import In, Out
from engine.tasks.outline.windows import OutlinedWindow, outlined, read_apart, source_of, window_tokens
from models.runs import TaskCall
from models.tables import Chapter


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    chapter = await get(session, Scope(project_id=call.project_id), Chapter, call.target_id)
    texts, spans = await read_apart(chapter.source_text, window_tokens(call.options))
    window = spans[call.part]
    # By its text alone: what became known since, not least from this very outline, is no reason to pay again.
    done = outlined(chapter)
    source = source_of(texts, window)
    if call.part in done and done[call.part].source == source:
        await complete_and_tell(session, call.project_id, call.generation_id, outline_step(call.part))
        return []
    met: dict[str, None] = {}
    for part in range(call.part):
        met |= dict.fromkeys(character.name for character in done[part].output.characters)
    context = await context_for(session, call.project_id, chapter.id, token_budget, FOR_WORDS)
    data = In(
        context=context.text,
        title=chapter.title,
        first=window.start,
        paragraphs=list(texts[window.start : window.stop]),
        known_characters=list(met),
        max_scenes=None,
    )
    return Loaded(data, len(context.left_out), {"source": source})


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    chapter = await get(session, Scope(project_id=call.project_id), Chapter, call.target_id, lock=True)
    # Of the text that was asked about: it may have changed since, and reading it takes longer than rows may be locked.
    done = OutlinedWindow(source=basis["source"], output=out)
    # A new object: SQLAlchemy does not see changes inside a JSON value.
    chapter.outline = {**chapter.outline, str(call.part): done.model_dump(mode="json")}
    session.add(chapter)
    await session.flush()
    await complete_and_tell(session, call.project_id, call.generation_id, outline_step(call.part))
    return []
