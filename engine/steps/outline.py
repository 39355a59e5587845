"""ChapterOutline: the text in windows, one answer each; merged into scenes by `store/outlines.py`."""

import asyncio
from functools import lru_cache

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.catalogue import limits
from engine.derived import Inputs
from engine.digest import digest
from engine.providers import model_of
from engine.reading import paragraphs, windows
from engine.steps.known import context_for
from engine.steps.step import Loaded, Made, Step
from engine.store.progress import complete_and_tell
from engine.store.scope import Scope, get
from engine.tasks.outline import TASK, In, Out
from models.options import GenerationOptions
from models.runs import TaskCall
from models.tables import Chapter

# Small enough that the answer, with a scene every few hundred words, has room in any model's output.
WINDOW_TOKENS = 6_000


# What a window's instructions take beside it.
_INSTRUCTIONS_TOKENS = 1_500


def window_tokens(options: GenerationOptions) -> int:
    """How much of the text is read at a time: less where one of the writers holds little."""
    held = min(limits(by.provider, model_of("llm", by)).context for by in options.writers("ChapterOutline"))
    # Vendors count up to a third more tokens than we do.
    return max(min(WINDOW_TOKENS, (held - TASK.max_output_tokens - _INSTRUCTIONS_TOKENS) * 3 // 4), 500)


@lru_cache(maxsize=4)
def read(text: str, tokens: int) -> tuple[tuple[str, ...], tuple[range, ...]]:
    """The paragraphs of a text and the windows it is read in. Remembered: every window asks for the same text."""
    parts = paragraphs(text)
    return tuple(parts), tuple(windows(parts, tokens))


def outlined(chapter: Chapter, part: int) -> Out:
    """What a window was outlined as."""
    return Out.model_validate(chapter.outline[str(part)]["output"])


async def load(session: AsyncSession, call: TaskCall, room: int) -> Loaded | Made:
    chapter = await get(session, Scope(project_id=call.project_id), Chapter, call.target_id)
    texts, spans = await asyncio.to_thread(read, chapter.source_text, window_tokens(call.options))
    window = spans[call.part]
    # By its text alone: what became known since, not least from this very outline, is no reason to pay again.
    if chapter.outline.get(str(call.part), {}).get("source") == digest(texts[window.start : window.stop]):
        await complete_and_tell(session, call.project_id, call.generation_id, f"outline:{call.part}")
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
    done = {"source": digest(texts[window.start : window.stop]), "output": out.model_dump(mode="json")}
    # A new object: SQLAlchemy does not see changes inside a JSON value.
    chapter.outline = {**chapter.outline, str(call.part): done}
    session.add(chapter)
    await session.flush()
    await complete_and_tell(session, call.project_id, call.generation_id, f"outline:{call.part}")
    return []


STEP = Step(load, apply)
