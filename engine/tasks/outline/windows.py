"""How a chapter's text is read for its outline: in windows, of which those whose text changed are read again."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

from engine.digest import digest
from engine.processes.pool import shared
from engine.providers.model_facts import limits
from engine.providers.registry import model_of
from engine.reading import paragraphs, windows
from engine.tasks.outline.task import TASK, Out
from models.options import GenerationOptions
from models.story import Frozen
from models.tables import Chapter

# The paragraphs of a text, and the windows that it is read in.
Read = tuple[tuple[str, ...], tuple[range, ...]]


class OutlinedWindow(Frozen):
    """A window's outline as the chapter keeps it: a digest of its text, and the answer."""

    source: str
    output: Out


# Small enough that the answer, with a scene every few hundred words, has room in any model's output.
WINDOW_TOKENS = 6_000


# What a window's instructions take beside it.
_INSTRUCTIONS_TOKENS = 1_500


def window_tokens(options: GenerationOptions) -> int:
    """How much of the text is read at a time: less where one of the writers holds little."""
    smallest = min(limits(by.provider, model_of("llm", by)).context for by in options.writers(TASK.name))
    # Vendors count up to a third more tokens than we do.
    return max(min(WINDOW_TOKENS, (smallest - TASK.max_output_tokens - _INSTRUCTIONS_TOKENS) * 3 // 4), 500)


@lru_cache(maxsize=4)
def read(text: str, tokens: int) -> Read:
    """The paragraphs of a text and the windows it is read in. Remembered: every window asks for the same text."""
    parts = paragraphs(text)
    return tuple(parts), tuple(windows(parts, tokens))


# Longer texts are read in a child process; a text within some hundredths of a second.
_SHORT, _SECONDS = 50_000, 120
# The texts that were read last: every window of a chapter asks for its text, and several chapters run at a time.
_KNOWN: OrderedDict[tuple[str, int], Read] = OrderedDict()
_MOST_KNOWN = 16


async def read_apart(text: str, tokens: int) -> Read:
    """The same, which holds nothing up, however long the text is."""
    if len(text) <= _SHORT:
        return read(text, tokens)
    key = digest(text), tokens
    found = _KNOWN.get(key)
    if found is None:
        found = await shared().run(read, text, tokens, seconds=_SECONDS, doing="Reading the chapter")
    _KNOWN[key] = found
    _KNOWN.move_to_end(key)
    if len(_KNOWN) > _MOST_KNOWN:
        _KNOWN.popitem(last=False)
    return found


def source_of(texts: tuple[str, ...], window: range) -> str:
    """A digest of a window's text."""
    return digest(texts[window.start : window.stop])


def outlined(chapter: Chapter) -> dict[int, OutlinedWindow]:
    """The windows that have been outlined, by their numbers."""
    return {int(number): OutlinedWindow.model_validate(window) for number, window in chapter.outline.items()}


def unread(chapter: Chapter, options: GenerationOptions) -> list[int]:
    """The windows that are still to be outlined, by their numbers; CPU work for a long text."""
    texts, spans = read(chapter.source_text, window_tokens(options))
    done = {number: window.source for number, window in outlined(chapter).items()}
    return [number for number, window in enumerate(spans) if done.get(number) != source_of(texts, window)]


def panel_quotas(scenes: Sequence[Sequence[str]], max_panels: int | None) -> list[int | None]:
    """How many panels each scene may have: by length, at least one, and with fewer panels than scenes, one each for
    scenes spread evenly over the chapter and none for the others."""
    if max_panels is None:
        return [None] * len(scenes)
    count = len(scenes)
    if max_panels <= count:
        chosen = {round(index * (count - 1) / max(1, max_panels - 1)) for index in range(max_panels)}
        return [1 if index in chosen else 0 for index in range(count)]
    lengths = [sum(map(len, scene)) for scene in scenes]
    spare, total = max_panels - count, max(1, sum(lengths))
    shares = [spare * length / total for length in lengths]
    quotas = [1 + int(share) for share in shares]
    # What rounding left goes to the largest remainders, the earlier scene first.
    rest = sorted(range(count), key=lambda index: (int(shares[index]) - shares[index], index))
    for index in rest[: max_panels - sum(quotas)]:
        quotas[index] += 1
    return list(quotas)
