"""Wiring makes what the settings allow, and loads no more than that."""

import subprocess
import sys

import pytest
from pydantic import SecretStr

from engine import wiring
from engine.providers import PROVIDERS
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
    for one in (*writers.values(), *artists.values()):
        await one.close()


def test_what_is_not_configured_is_not_made() -> None:
    assert list(wiring.writers(Settings())) == ["offline"]
    assert list(wiring.artists(Settings())) == ["offline"]


def test_an_offline_worker_loads_no_sdk() -> None:
    """SDKs cost start-up time and memory that a worker without keys has no use for."""
    program = (
        "import sys; from engine import wiring; from engine.settings import Settings;"
        "wiring.writers(Settings()); wiring.artists(Settings());"
        "print([name for name in ('openai', 'anthropic', 'httpx', 'httpx2', 'genai_prices') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={})
    assert done.stdout.strip() == "[]"
