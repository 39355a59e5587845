"""`run` that fails says which part, why in the provider's own words, and what to do: as JSON and as text."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.ollama import Ollama
from tests.support.command_line import inkloom
from tests.support.folders import enterable_folder
from tests.working import STORY


@pytest.fixture
def folder() -> Iterator[Path]:
    with enterable_folder() as name:
        (name / "story.txt").write_text(STORY)
        yield name


@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_failed_run_says_why(folder: Path) -> None:
    """Ollama has no such model: its own words are in `errors` of the JSON, and on the terminal."""
    async with Ollama() as server:
        env = {"INKLOOM_DATA": str(folder / "data"), "INKLOOM_TEMPORAL_UI_PORT": "0", "OLLAMA_HOST": server.url}
        story, out = str(folder / "story.txt"), str(folder / "out")
        words = ["run", story, "--out", out, "--llm", "ollama", "--llm-model", "nope"]
        as_json = await asyncio.to_thread(inkloom, *words, "--json", **env)
        as_text = await asyncio.to_thread(inkloom, *words, **env)
    told = json.loads(as_json.stdout.splitlines()[-1])
    assert (as_json.returncode, told["status"]) == (1, "failed")
    [error] = told["errors"]
    assert error["part"] == "the chapter"
    assert error["reason"].endswith("Run: ollama pull nope. ollama said: model 'nope' not found")
    assert error["what_to_do"]
    assert as_text.returncode == 1
    assert error["reason"] in as_text.stderr
    assert error["what_to_do"] in as_text.stderr
