"""What somebody else's mock of OpenAI and Anthropic says to our adapters: our own fakes share our own mistakes."""

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from engine.errors import ProviderBusy
from engine.images import Picture
from engine.images.openai import OpenAIArtist
from engine.images.verify import verify
from engine.llm import LLM
from engine.llm.anthropic import AnthropicWriter
from engine.llm.ollama import OllamaWriter
from engine.llm.openai import OpenAIWriter
from tests.fakes.aimock import aimock
from tests.fakes.openai import picture
from tests.support.failing import KEY
from tests.support.image_requests import REQUEST as ORDER
from tests.support.image_requests import a_picture
from tests.support.llm_requests import REQUEST as QUESTION

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
async def mock(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    limit = {"error": {"message": "Slow down.", "type": "rate_limit_error", "code": "x"}, "status": 429}
    drawn = picture("1024x768").body["data"][0]["b64_json"]
    fixtures: list[dict[str, Any]] = [
        {"match": {"endpoint": "image", "userMessage": "too much"}, "response": limit},
        {"match": {"endpoint": "image"}, "response": {"image": {"b64Json": drawn}}},
        {"match": {"userMessage": "too much"}, "response": limit},
        {"match": {"userMessage": "narrator"}, "response": {"content": '{"answer": "nothing"}'}},
    ]
    async with aimock(fixtures, tmp_path_factory.mktemp("aimock")) as url:
        yield url


@pytest.mark.parametrize("provider", ["openai", "anthropic", "ollama"])
async def test_writers(provider: str, mock: str) -> None:
    """An answer with its end and what it used, and a limit."""
    writers: dict[str, LLM] = {
        "openai": OpenAIWriter(KEY, f"{mock}/v1", 10.0),
        "anthropic": AnthropicWriter(KEY, mock, 10.0),
        "ollama": OllamaWriter(mock, 10.0),
    }
    writer = writers[provider]
    reply = await writer.ask(QUESTION)
    with pytest.raises(ProviderBusy):
        await writer.ask(replace(QUESTION, prompt="This is too much."))
    for one in writers.values():
        await one.close()
    assert (reply.text, reply.stop_reason) == ('{"answer": "nothing"}', "stop")


async def test_the_artist(mock: str) -> None:
    """A generation, an edit with a reference and a mask, and a limit."""
    white = io.BytesIO()
    Image.new("L", (64, 48), 255).save(white, "PNG")
    artist = OpenAIArtist(KEY, f"{mock}/v1", 10.0)
    drawn = await artist.draw(ORDER)
    changed = await artist.draw(
        replace(ORDER, source=a_picture(), references=(a_picture(),), mask=Picture(white.getvalue()))
    )
    with pytest.raises(ProviderBusy):
        await artist.draw(replace(ORDER, prompt="This is too much."))
    await artist.close()
    for result in (drawn, changed):
        verify(result)
