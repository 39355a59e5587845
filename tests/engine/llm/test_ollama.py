"""What is Ollama's own: addresses, windows that hold the prompt, models that must be pulled."""

import pytest

from engine.errors import NotConfigured, ProviderError, ProviderRejected
from engine.llm import LLMRequest
from engine.llm.ollama import OllamaWriter, address
from tests.fakes.ollama import Ollama
from tests.fakes.server import Answer
from tests.support.llm_requests import SCHEMA, Nothing

pytestmark = pytest.mark.unit


def request(prompt: str, *, model: str = "", most: int = 1_000) -> LLMRequest:
    return LLMRequest("SceneSummary", model, "You are terse.", prompt, SCHEMA, most, Nothing())


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        (":11434", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104 - read, never bound to
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("gpu.local", "http://gpu.local:11434"),
        ("gpu.local:8080", "http://gpu.local:8080"),
        ("http://gpu.local", "http://gpu.local:80"),
        ("http://gpu.local:11434/", "http://gpu.local:11434"),
        ("https://gpu.example.org", "https://gpu.example.org:443"),
        ("https://me:pass@gpu.example.org/ollama/", "https://me:pass@gpu.example.org:443/ollama"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("  gpu.local  ", "http://gpu.local:11434"),
    ],
)
def test_every_form_of_address(given: str, url: str) -> None:
    """What Ollama itself understands in OLLAMA_HOST is understood the same way."""
    assert address(given) == url


def test_what_is_no_address_says_so() -> None:
    with pytest.raises(NotConfigured, match="OLLAMA_HOST is not an address"):
        address("gpu.local:many")


@pytest.mark.parametrize("words", [10, 3_000, 40_000])
async def test_the_window_holds_prompt_and_answer(words: int) -> None:
    """The context asked for holds the prompt with room to spare, the answer and some thinking, in whole steps."""
    async with Ollama() as fake:
        writer = OllamaWriter(fake.url, 5.0)
        await writer.ask(request("word " * words))
        await writer.close()
    body = fake.paid[0].json
    window, answer = body["options"]["num_ctx"], body["options"]["num_predict"]
    assert window % 1024 == 0
    assert window >= words * 5 / 4 * 1.3 + answer
    assert window < words * 5 / 4 * 1.4 + answer + 2_048
    assert body["truncate"] is False
    assert body["stream"] is False


async def test_a_prompt_that_was_cut_is_no_answer() -> None:
    """A server that cuts in silence is found out by what it says it has read."""
    async with Ollama() as fake:
        fake.window = 2_048
        writer = OllamaWriter(fake.url, 5.0)
        with pytest.raises(ProviderRejected, match="read 1024 tokens of a prompt of about 12504: gemma3:12b cannot"):
            await writer.ask(request("word " * 10_000))
        await writer.close()


async def test_a_missing_model_says_how_to_get_it() -> None:
    async with Ollama() as fake:
        writer = OllamaWriter(fake.url, 5.0)
        with pytest.raises(ProviderRejected, match="Run: ollama pull toon-writer:7b"):
            await writer.ask(request("Say it.", model="toon-writer:7b"))
        await writer.close()


async def test_user_and_password_of_an_address_are_used() -> None:
    async with Ollama() as fake:
        writer = OllamaWriter(fake.url.replace("://", "://me:pass@"), 5.0)
        await writer.ask(request("Say it."))
        await writer.close()
    assert fake.asked[0].headers["authorization"].startswith("Basic ")


async def test_a_server_that_is_loading_its_model_is_no_answer() -> None:
    async with Ollama() as fake:
        fake.next.append(Answer({"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"}))
        writer = OllamaWriter(fake.url, 5.0)
        with pytest.raises(ProviderError, match="it ended with 'load'"):
            await writer.ask(request("Say it."))
        await writer.close()
