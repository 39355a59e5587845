"""Wiring makes what the settings allow, and loads no more than that."""

import subprocess
import sys

import pytest
from pydantic import SecretStr

from engine import wiring
from engine.llm.anthropic import AnthropicWriter
from engine.llm.openai import OpenAIWriter
from engine.providers.registry import PROVIDERS
from engine.settings import Settings

pytestmark = pytest.mark.unit

ALL = Settings(
    openai_api_key=SecretStr("sk-1"),
    anthropic_api_key=SecretStr("sk-2"),
    ollama_host=":11434",
    local_image_url="http://127.0.0.1:7860",
)


async def test_every_provider_can_be_made() -> None:
    """A row in the table of providers has an adapter, made from settings alone and before any loop needs to run."""
    writers, artists = wiring.writers(ALL), wiring.artists(ALL)
    assert set(writers) == {one.id for one in PROVIDERS if one.kind == "llm"}
    assert set(artists) == {one.id for one in PROVIDERS if one.kind == "images"}
    for writer in writers.values():
        await writer.close()
    for artist in artists.values():
        await artist.close()


def test_what_is_not_configured_is_not_made() -> None:
    assert list(wiring.writers(Settings())) == ["offline"]
    assert list(wiring.artists(Settings())) == ["offline"]


def test_an_address_that_is_set_to_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files hand on variables that nobody set as empty ones."""
    names = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "OLLAMA_HOST", "INKLOOM_LOCAL_IMAGE_URL")
    for name in names:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    settings = Settings()
    assert set(wiring.writers(settings)) == {"offline", "openai"}
    assert set(wiring.artists(settings)) == {"offline", "openai"}
    for one in (OpenAIWriter("sk-1", "", 5.0), AnthropicWriter("sk-2", "", 5.0)):
        assert str(one._client.base_url).startswith("https://api.")


def test_an_offline_worker_loads_no_sdk() -> None:
    """SDKs cost start-up time and memory that a worker without keys has no use for."""
    program = (
        "import sys; from engine import wiring; from engine.settings import Settings;"
        "wiring.writers(Settings()); wiring.artists(Settings());"
        "print([name for name in ('openai', 'anthropic', 'httpx', 'httpx2', 'genai_prices') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={})
    assert done.stdout.strip() == "[]"
