"""The usage that vendors report, in every shape that they and gateways send."""

from dataclasses import replace
from typing import Any

import pytest

from engine.images.openai import OpenAIArtist
from engine.llm import LLM
from engine.llm.anthropic import AnthropicWriter
from engine.llm.ollama import OllamaWriter
from engine.llm.openai import OpenAIWriter
from engine.providers.usage import MOST_TOKENS, Tokens, reported
from tests.fakes import anthropic, ollama, openai
from tests.fakes.server import Answer
from tests.support.failing import KEY
from tests.support.image_requests import REQUEST as DRAW
from tests.support.llm_requests import REQUEST

pytestmark = pytest.mark.unit

SENSELESS = [
    pytest.param(400.25, id="a fraction"),
    pytest.param(-4_000_000, id="negative"),
    pytest.param(3_000_000_000, id="above int4"),
    pytest.param(10**40, id="far above"),
    pytest.param([1, 2], id="a list"),
    pytest.param("400", id="a text"),
    pytest.param(True, id="a truth"),
    pytest.param({"tokens": 400}, id="an object"),
]


def read(usage: Any) -> Tokens:
    return reported(usage, input=("in", "written"), output="out", cached_input="details.cached")


@pytest.mark.parametrize("count", SENSELESS)
@pytest.mark.parametrize("place", ["in", "written", "out", "details"])
def test_a_count_that_cannot_be_one_makes_the_usage_unknown(count: Any, place: str) -> None:
    usage: dict[str, Any] = {"in": 5, "written": 2, "out": 3, "details": {"cached": 1}}
    assert read(usage) == Tokens(input=7, output=3, cached_input=1)
    usage[place] = {"cached": count} if place == "details" else count
    assert read(usage) == Tokens()


@pytest.mark.parametrize("usage", [None, {}, [1, 2], "5", 5, {"in": 5, "out": 3, "details": "x"}])
def test_a_report_of_another_shape_is_unknown(usage: Any) -> None:
    assert read(usage) == Tokens()


def test_parts_are_never_more_than_the_whole_and_sums_are_bounded() -> None:
    assert read({"in": 5, "out": 3, "details": {"cached": 50}}) == Tokens(input=5, output=3, cached_input=5)
    assert read({"in": MOST_TOKENS, "written": 1, "out": 3}) == Tokens()
    assert read({"in": MOST_TOKENS, "out": 1}) == Tokens()
    assert read({"in": MOST_TOKENS - 1, "out": 1}) == Tokens(input=MOST_TOKENS - 1, output=1)


async def written_by(writer: LLM) -> Tokens:
    try:
        return (await writer.ask(REQUEST)).tokens
    finally:
        await writer.close()


@pytest.mark.parametrize("count", SENSELESS)
async def test_no_adapter_loses_an_answer_over_its_usage(count: Any) -> None:
    """Each vendor counts under names of its own; none of them is believed more than another."""
    async with openai.OpenAI() as fake:
        fake.next.append(Answer(openai.completion("{}") | {"usage": {"prompt_tokens": 5, "completion_tokens": count}}))
        assert await written_by(OpenAIWriter(KEY, fake.base_url, 5.0)) == Tokens()
    async with anthropic.Anthropic() as fake:
        fake.next.append(Answer(anthropic.reply("{}") | {"usage": {"input_tokens": 5, "output_tokens": count}}))
        assert await written_by(AnthropicWriter(KEY, fake.url, 5.0)) == Tokens()
    async with ollama.Ollama() as fake:
        fake.next.append(Answer(ollama.reply("{}") | {"eval_count": count}))
        assert await written_by(OllamaWriter(fake.url, 5.0)) == Tokens()


@pytest.mark.parametrize("usage", [param.values[0] for param in SENSELESS] + [{"output_tokens": [1, 2]}])
async def test_a_picture_is_kept_whatever_its_usage_says(usage: Any) -> None:
    async with openai.OpenAI() as fake:
        body = openai.picture("1024x768").body
        for report in (usage, {**body["usage"], "output_tokens_details": usage}):
            fake.next.append(Answer({**body, "usage": report}))
            artist = OpenAIArtist(KEY, fake.base_url, 5.0)
            result = await artist.draw(replace(DRAW))
            await artist.close()
            assert result.data
            assert result.tokens in (Tokens(), Tokens(input=50, output=1_056, image_output=1_056))
