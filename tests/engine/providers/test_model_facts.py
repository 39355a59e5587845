"""What is known of models: which are gone and since when, and how much they take."""

from datetime import date

import pytest

from engine.errors import NotConfigured, ProviderRejected
from engine.providers.model_facts import THINKING_ROOM, limits, most_output, refuse_unfit, unfit
from engine.providers.registry import PROVIDERS, Kind, require_all
from engine.settings import Settings
from models.options import Choice, GenerationOptions

pytestmark = pytest.mark.unit

PAID = [(one.kind, one.id, one.default_model) for one in PROVIDERS if one.default_model and not one.free]


@pytest.mark.parametrize(
    ("kind", "provider", "model", "instead"),
    [
        ("images", "openai", "dall-e-3", "gpt-image-2.6-flare"),
        ("images", "openai", "gpt-image-1", "gpt-image-2.6-flare"),
        ("llm", "openai", "gpt-4", "gpt-6.1-sol"),
        ("llm", "anthropic", "claude-2.1", "claude-sonnet-5-5"),
    ],
)
def test_what_is_gone_names_what_to_use(kind: Kind, provider: str, model: str, instead: str) -> None:
    with pytest.raises(ProviderRejected, match=f"no longer serves {model} since .*{instead}"):
        refuse_unfit(kind, provider, model)


def test_an_announced_day_counts_from_that_day() -> None:
    """A model works until its last day has come, and not a day longer."""
    refuse_unfit("llm", "openai", "gpt-5", today=date(2026, 12, 10))
    with pytest.raises(ProviderRejected):
        refuse_unfit("llm", "openai", "gpt-5", today=date(2026, 12, 11))


@pytest.mark.parametrize(("kind", "provider", "model"), PAID)
def test_what_is_offered_by_default_is_not_on_its_way_out(kind: Kind, provider: str, model: str) -> None:
    refuse_unfit(kind, provider, model, today=date(2099, 1, 1))


@pytest.mark.parametrize(
    "model",
    ["gpt-4o-mini", "gpt-6.1-sol", "o4-mini-2099", "gpt-3.5-turbo", "chatgpt-4o-latest", "gpt-image-1", "dall-e-3"],
)
def test_a_model_that_only_writes_or_is_gone_is_no_artist(model: str) -> None:
    """The generation is refused, with what to choose, before anything of it is made; fallbacks count as well."""
    settings = Settings(openai_api_key="sk-x")
    for options in (
        GenerationOptions(images="openai", image_model=model),
        GenerationOptions(image_fallback=[Choice(provider="openai", model=model)]),
    ):
        with pytest.raises(NotConfigured, match=r"gpt-image-2\.6-flare"):
            require_all(options, settings)


@pytest.mark.parametrize(
    "model", ["", "gpt-image-2.6-flare", "gpt-image-9", "gpt-6-image", "crayon", "stable-diffusion"]
)
def test_what_is_not_known_to_write_may_draw(model: str) -> None:
    """Servers that speak the API have models of their own."""
    assert not unfit("images", "openai", model)


def test_an_artist_is_no_writer() -> None:
    assert "cannot write" in unfit("llm", "openai", "gpt-image-2.6-flare")
    assert not unfit("llm", "ollama", "gpt-oss:20b")


def test_windows_come_from_the_table_of_prices_first() -> None:
    assert limits("openai", "gpt-6.1-sol").context == 1_050_000
    assert limits("anthropic", "claude-haiku-4-5-20251001").context == 200_000
    # Not in that table: ours.
    assert limits("ollama", "gemma3:12b").context == 131_072


def test_nobody_knows_this_model() -> None:
    assert limits("ollama", "mine:latest").context == 8_192
    assert limits("somebody", "else").context == 8_192


def test_thinking_is_billed_and_bounded() -> None:
    assert most_output("openai", "gpt-6.1-sol", 1_000) == 1_000 + THINKING_ROOM
    assert most_output("openai", "gpt-4o", 1_000) == 1_000
    assert most_output("openai", "gpt-6.1-sol", 500_000) == 128_000
