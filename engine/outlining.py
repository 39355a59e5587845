"""How a chapter's text is read for its outline: in windows, of which those are read again whose text is another."""

from functools import lru_cache

from engine.catalogue import limits
from engine.digest import digest
from engine.providers import model_of
from engine.reading import paragraphs, windows
from engine.tasks.outline import TASK
from models.options import GenerationOptions
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


def source_of(texts: tuple[str, ...], window: range) -> str:
    """What a window was outlined from."""
    return digest(texts[window.start : window.stop])


def unread(chapter: Chapter, options: GenerationOptions) -> list[int]:
    """The windows that are still to be outlined, by their numbers; CPU work for a long text."""
    texts, spans = read(chapter.source_text, window_tokens(options))
    return [
        number
        for number, window in enumerate(spans)
        if chapter.outline.get(str(number), {}).get("source") != source_of(texts, window)
    ]
