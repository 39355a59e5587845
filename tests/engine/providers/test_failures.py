"""What an error's body says, in the forms that providers use."""

from typing import Any

import pytest

from engine.errors import ProviderRejected
from engine.providers.failures import calling, code_of, quoted, words_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"message": "No.", "type": "t", "code": "c"}, "c", "No."),
        ({"message": "No.", "type": "t", "code": None}, "t", "No."),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}}, "overloaded_error", "Busy."),
        ({"error": "model 'x' not found"}, "", "model 'x' not found"),
        (
            {"error": "HTTPException", "detail": "Init image not found", "errors": ""},
            "",
            "HTTPException Init image not found",
        ),
        ({"detail": "Incorrect username or password"}, "", "Incorrect username or password"),
        (
            {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "Out of memory"}}},
            "502",
            "Provider returned error Out of memory",
        ),
        ("<html>", "", "<html>"),
        (None, "", ""),
        ([], "", ""),
    ],
)
def test_codes_and_words_are_found_in_every_form(body: Any, code: str, words: str) -> None:
    assert code_of(body) == code
    assert words_of(body) == words


def test_words_are_masked_before_they_are_cut() -> None:
    """A key at the edge of what is kept must not leave its first half there."""
    words = quoted("x" * 495 + "sk-secret-secret", "sk-secret-secret", "")
    assert words == "x" * 495 + "[mask"


async def test_a_defect_of_ours_stays_one() -> None:
    """What is no failure of the provider is not dressed up as one."""
    with pytest.raises(KeyError):
        async with calling("openai", "here", seconds=1):
            raise KeyError("a typo")


@pytest.mark.parametrize("broken", ["{key}", "{key}{key}", "a\0{key}", "\x1b]8;;{key}\x07", "{half}\0{rest}"])
def test_no_word_of_a_provider_carries_a_key_or_a_control_character(broken: str) -> None:
    """However the key is wrapped or cut up; what is kept is one short line."""
    key = "sk-0123456789-very-secret"
    words = broken.format(key=key, half=key[:9], rest=key[9:]) + "\nsecond line\u202e" + "x" * 9000
    kept = ProviderRejected("no", detail=quoted(words, key)).detail
    assert key not in kept
    assert "[masked]" in kept
    assert kept.isprintable()
    assert len(kept) <= 500
