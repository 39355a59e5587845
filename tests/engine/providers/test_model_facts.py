"""What is known of models: which are gone and since when, and how much they take."""

from datetime import date

import pytest

from engine.errors import ProviderRejected
from engine.providers.model_facts import THINKING_ROOM, limits, most_output, refuse_retired
from engine.providers.registry import PROVIDERS

pytestmark = pytest.mark.unit

PAID = [(one.id, one.default_model) for one in PROVIDERS if one.default_model and not one.free]


@pytest.mark.parametrize(
    ("provider", "model", "instead"),
    [
        ("openai", "dall-e-3", "gpt-image-2.6-flare"),
        ("openai", "gpt-image-1", "gpt-image-2.6-flare"),
        ("openai", "gpt-4", "gpt-6.1-sol"),
        ("anthropic", "claude-2.1", "claude-sonnet-5-5"),
    ],
)
def test_what_is_gone_names_what_to_use(provider: str, model: str, instead: str) -> None:
    with pytest.raises(ProviderRejected, match=f"no longer serves {model} since .*{instead}"):
        refuse_retired(provider, model)


def test_an_announced_day_counts_from_that_day() -> None:
    """A model works until its last day has come, and not a day longer."""
    refuse_retired("openai", "gpt-5", today=date(2026, 12, 10))
    with pytest.raises(ProviderRejected):
        refuse_retired("openai", "gpt-5", today=date(2026, 12, 11))


@pytest.mark.parametrize(("provider", "model"), PAID)
def test_what_is_offered_by_default_is_not_on_its_way_out(provider: str, model: str) -> None:
    refuse_retired(provider, model, today=date(2099, 1, 1))


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
