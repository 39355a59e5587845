"""Facts about models beside their price: which are retired, which draw, how much they read and how much they write.

Data, without any vendor's SDK. Context windows come from `genai_prices`; the tables here hold what it lacks.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal

from engine.errors import ProviderRejected

# Extra output tokens for models that think before they answer. They are asked to think little; without this room,
# thinking would cut the answer short.
THINKING_ROOM = 8_192


@dataclass(frozen=True)
class Limits:
    """A model's limits: `context` tokens in all, of which at most `output` are written.

    `thinks`: it always thinks before it answers, within the same `output`, and can be told to think less.
    """

    context: int
    output: int
    thinks: bool = False


_UNKNOWN = {
    # Rules have no limits.
    "offline": Limits(100_000_000, 1_000_000),
    "openai": Limits(128_000, 16_384),
    "anthropic": Limits(200_000, 64_000),
    # Ollama's own default on a small machine is lower; a prompt that needs more requests more.
    "ollama": Limits(8_192, 8_192),
}

# By the beginning of the model's name, first match; `context` counts only if `genai_prices` does not know it.
_LIMITS: dict[str, tuple[tuple[str, Limits], ...]] = {
    "openai": (
        ("gpt-6", Limits(1_050_000, 128_000, thinks=True)),
        ("gpt-5-chat", Limits(128_000, 16_384)),
        ("gpt-5.1-chat", Limits(128_000, 16_384)),
        ("gpt-5.2-chat", Limits(128_000, 16_384)),
        ("gpt-5.3-chat", Limits(128_000, 16_384)),
        ("gpt-5", Limits(400_000, 128_000, thinks=True)),
        ("gpt-4.1", Limits(1_000_000, 32_768)),
        ("gpt-4o", Limits(128_000, 16_384)),
        ("o1", Limits(200_000, 100_000, thinks=True)),
        ("o3", Limits(200_000, 100_000, thinks=True)),
        ("o4", Limits(200_000, 100_000, thinks=True)),
    ),
    "anthropic": (
        ("claude-fable-5", Limits(1_000_000, 128_000, thinks=True)),
        ("claude-mythos-5", Limits(1_000_000, 128_000, thinks=True)),
        ("claude-opus-5", Limits(1_000_000, 128_000, thinks=True)),
        ("claude-sonnet-5", Limits(1_000_000, 128_000, thinks=True)),
        ("claude-haiku-5", Limits(1_000_000, 128_000, thinks=True)),
        ("claude-opus-4-6", Limits(1_000_000, 128_000)),
        ("claude-opus-4-7", Limits(1_000_000, 128_000)),
        ("claude-opus-4-8", Limits(1_000_000, 128_000)),
        ("claude-sonnet-4-6", Limits(1_000_000, 128_000)),
    ),
    # Names of Ollama models do not show whether they think: all get the room.
    "ollama": (
        ("gemma3", Limits(131_072, 8_192)),
        ("gemma4", Limits(131_072, 8_192)),
        ("gpt-oss", Limits(131_072, 32_768)),
        ("llama3.1", Limits(131_072, 8_192)),
        ("llama3.2", Limits(131_072, 8_192)),
        ("llama3.3", Limits(131_072, 8_192)),
        ("phi4", Limits(16_384, 8_192)),
        ("qwen3.5", Limits(262_144, 32_768)),
        ("qwen3.6", Limits(262_144, 32_768)),
        ("qwen3", Limits(40_960, 16_384)),
    ),
}

# Per vendor: names, the day from which calls fail, and the replacement. Announced days are listed ahead.
_RETIRED: dict[str, tuple[tuple[tuple[str, ...], date, str], ...]] = {
    "openai": (
        (("dall-e-2", "dall-e-3"), date(2026, 5, 12), "gpt-image-2.6-flare or gpt-image-2.6-sunburst"),
        (("gpt-image-1",), date(2026, 10, 23), "gpt-image-2.6-flare or gpt-image-2.6-sunburst"),
        (
            ("gpt-image-1-mini", "gpt-image-1.5", "gpt-image-1.5-2025-12-16", "chatgpt-image-latest"),
            date(2026, 12, 1),
            "gpt-image-2.6-flare or gpt-image-2.6-sunburst",
        ),
        (("gpt-4-vision-preview",), date(2024, 12, 6), "gpt-6.1-sol"),
        (("gpt-3.5-turbo-16k", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613"), date(2024, 9, 13), "gpt-6-luna"),
        (("gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613"), date(2025, 6, 6), "gpt-6.1-sol"),
        (("o1-preview", "o1-preview-2024-09-12"), date(2025, 7, 28), "gpt-6.1-sol"),
        (("o1-mini", "o1-mini-2024-09-12"), date(2025, 10, 27), "gpt-6.1-terra"),
        (("codex-mini-latest",), date(2026, 2, 12), "gpt-6.1-terra"),
        (("chatgpt-4o-latest",), date(2026, 2, 17), "gpt-6.1-sol"),
        (("gpt-4-0125-preview", "gpt-4-turbo-preview", "gpt-4-0314"), date(2026, 3, 26), "gpt-6.1-sol"),
        (("gpt-5.1-codex", "gpt-5.1-chat-latest", "gpt-5-chat-latest"), date(2026, 7, 23), "gpt-6.1-sol"),
        (("gpt-5.2-chat-latest", "gpt-5.3-chat-latest"), date(2026, 8, 10), "gpt-6.1-sol"),
        (("gpt-3.5-turbo-1106",), date(2026, 9, 28), "gpt-6-luna"),
        (
            ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", "gpt-4.1-nano", "gpt-4.1-nano-2025-04-14"),
            date(2026, 10, 23),
            "gpt-6-luna",
        ),
        (("o4-mini", "o4-mini-2025-04-16", "o3-mini", "o3-mini-2025-01-31"), date(2026, 10, 23), "gpt-6.1-terra"),
        (
            ("gpt-4", "gpt-4-0613", "gpt-4-1106-preview", "gpt-4-turbo", "gpt-4-turbo-2024-04-09"),
            date(2026, 10, 23),
            "gpt-6.1-sol",
        ),
        (("gpt-4o-2024-05-13", "o1", "o1-2024-12-17"), date(2026, 10, 23), "gpt-6.1-sol"),
        (("gpt-5", "gpt-5-2025-08-07", "o3", "o3-2025-04-16"), date(2026, 12, 11), "gpt-6.1-sol"),
        (("gpt-5-mini", "gpt-5-mini-2025-08-07"), date(2026, 12, 11), "gpt-6.1-terra"),
        (("gpt-5-nano", "gpt-5-nano-2025-08-07"), date(2026, 12, 11), "gpt-6-luna"),
        (
            ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
            date(2027, 1, 14),
            "gpt-6-luna",
        ),
        (
            ("gpt-4.1", "gpt-4.1-2025-04-14", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
            date(2027, 1, 14),
            "gpt-6-luna",
        ),
    ),
    "anthropic": (
        (("claude-1.3", "claude-1.3-100k"), date(2024, 11, 6), "claude-sonnet-5-5"),
        (
            ("claude-instant-1.1", "claude-instant-1.1-100k", "claude-instant-1.2"),
            date(2024, 11, 6),
            "claude-haiku-5-5",
        ),
        (("claude-2.0", "claude-2.1", "claude-3-sonnet-20240229"), date(2025, 7, 21), "claude-sonnet-5-5"),
        (("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022"), date(2025, 10, 28), "claude-sonnet-5-5"),
        (("claude-3-opus-20240229",), date(2026, 1, 5), "claude-opus-5-5"),
        (("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"), date(2026, 2, 19), "claude-sonnet-5-5"),
        (("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"), date(2026, 2, 19), "claude-haiku-5-5"),
        (("claude-opus-4-0", "claude-opus-4-20250514"), date(2026, 6, 15), "claude-opus-5-5"),
        (("claude-sonnet-4-0", "claude-sonnet-4-20250514"), date(2026, 6, 15), "claude-sonnet-5-5"),
        (("claude-mythos-preview",), date(2026, 6, 30), "claude-mythos-5-2"),
        (("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"), date(2026, 11, 30), "claude-sonnet-5-5"),
    ),
}


# By the beginning of the name: what an artist of the vendor may be called, and its models that only write.
_DRAW = {"openai": ("gpt-image", "chatgpt-image", "dall-e")}
_ONLY_WRITE = {
    "openai": (
        *(start for start, _ in _LIMITS["openai"]),
        *(
            "gpt-3.5",
            "gpt-4",
            "chatgpt-4o",
            "codex",
            "gpt-oss",
            "gpt-audio",
            "gpt-realtime",
            "text-",
            "tts-",
            "whisper",
        ),
    )
}


def unfit(kind: Literal["llm", "images"], provider: str, model: str, today: date | None = None) -> str:
    """Why the model cannot do this work, with the replacement; empty if nothing is known against it."""
    draws = model.startswith(_DRAW.get(provider, ()))
    if kind == "llm" and draws:
        return f"{model} of {provider} draws pictures, it cannot write. Choose a model that answers questions."
    if kind == "images" and not draws and "image" not in model and model.startswith(_ONLY_WRITE.get(provider, ())):
        return f"{model} of {provider} only writes, it cannot draw. Choose an artist such as gpt-image-2.6-flare."
    today = today or datetime.now(UTC).date()
    for names, gone, instead in _RETIRED.get(provider, ()):
        if model in names and gone <= today:
            return f"{provider} no longer serves {model} since {gone.isoformat()}. Use {instead} instead."
    return ""


def refuse_unfit(kind: Literal["llm", "images"], provider: str, model: str, today: date | None = None) -> None:
    """Raise `ProviderRejected` if the vendor no longer serves the model, or if it is known to do other work."""
    if why := unfit(kind, provider, model, today):
        raise ProviderRejected(why)


@lru_cache(maxsize=256)
def limits(provider: str, model: str) -> Limits:
    """How much the model reads and writes; conservative numbers for an unknown one."""
    known = _known(provider, model)
    # Nobody lists the models of other providers.
    listed = _window(provider, model) if provider in ("openai", "anthropic") else None
    return replace(known, context=listed or known.context)


def thinks(provider: str, model: str) -> bool:
    """Whether the model thinks before it answers without being asked to, and can be told to think less."""
    return _known(provider, model).thinks


def most_output(provider: str, model: str, answer: int) -> int:
    """Tokens that a call may write, and so may be billed, for an answer of at most `answer`."""
    known = _known(provider, model)
    return min(answer + THINKING_ROOM, known.output) if known.thinks else min(answer, known.output)


def _known(provider: str, model: str) -> Limits:
    for start, known in _LIMITS.get(provider, ()):
        if model.startswith(start):
            return known
    return _UNKNOWN.get(provider, Limits(8_192, 4_096))


def _window(provider: str, model: str) -> int | None:
    # Imported late: it builds its whole price table, which takes a fifth of a second, and only planning needs it.
    from genai_prices.data import providers

    for one in providers:
        if one.id == provider:
            found = one.find_model(model, all_providers=providers)
            return found.context_window if found else None
    return None
