"""What is OpenAI's and Anthropic's own: what is sent, what is counted, how answers end."""

from dataclasses import replace
from typing import Any

import pytest

from engine.errors import AnswerLost, BadAnswer
from engine.llm.anthropic import AnthropicWriter
from engine.llm.openai import OpenAIWriter
from engine.providers.usage import Tokens
from tests.fakes import anthropic, openai
from tests.fakes.server import Answer
from tests.support.failing import KEY
from tests.support.llm_requests import REQUEST

pytestmark = pytest.mark.unit


async def ask_openai(answer: dict[str, Any], model: str = "") -> tuple[Any, dict[str, Any]]:
    """The reply to this answer, and what was sent for it."""
    async with openai.OpenAI() as fake:
        fake.next.append(Answer(answer))
        writer = OpenAIWriter(KEY, fake.base_url, 5.0)
        try:
            return await writer.ask(replace(REQUEST, model=model)), fake.paid[0].json
        finally:
            await writer.close()


async def ask_anthropic(answer: dict[str, Any], model: str = "") -> tuple[Any, dict[str, Any]]:
    async with anthropic.Anthropic() as fake:
        fake.next.append(Answer(answer))
        writer = AnthropicWriter(KEY, fake.url, 5.0)
        try:
            return await writer.ask(replace(REQUEST, model=model)), fake.paid[0].json
        finally:
            await writer.close()


async def test_openai_is_asked_strictly() -> None:
    """The schema goes along as it is, and is to be kept; a model that thinks is asked to think little."""
    _, sent = await ask_openai(openai.completion("{}"))
    assert sent["response_format"]["json_schema"] == {"name": "SceneSummary", "strict": True, "schema": REQUEST.schema}
    assert sent["reasoning_effort"] == "low"
    assert sent["model"] == "gpt-6.1-sol"


async def test_openai_models_that_do_not_think_are_not_told_to() -> None:
    _, sent = await ask_openai(openai.completion("{}"), model="a-model-on-a-machine-of-mine")
    assert "reasoning_effort" not in sent
    assert sent["max_completion_tokens"] == REQUEST.max_output_tokens


async def test_openai_counts_what_came_from_the_cache() -> None:
    reply, _ = await ask_openai(openai.completion('{"a": 1}', read=500, cached=400))
    assert reply.tokens == Tokens(input=500, output=2, cached_input=400)


async def test_openai_filter_is_a_refusal() -> None:
    reply, _ = await ask_openai(openai.completion("Once", finish="content_filter"))
    assert (reply.stop_reason, reply.text) == ("refusal", "Once")


async def test_openai_thinking_that_ate_the_answer_is_a_cut() -> None:
    reply, _ = await ask_openai(openai.completion(None, finish="length"))
    assert (reply.stop_reason, reply.text) == ("length", "")


@pytest.mark.parametrize(
    "answer",
    [
        openai.completion("{}") | {"choices": []},
        openai.completion(None),
        openai.completion("{}", finish=None),
        openai.completion("{}") | {"choices": [{"index": 0, "finish_reason": "stop"}]},
    ],
)
async def test_openai_without_a_whole_choice_is_lost(answer: dict[str, Any]) -> None:
    with pytest.raises(AnswerLost):
        await ask_openai(answer)


async def test_openai_ending_in_a_tool_is_no_answer() -> None:
    with pytest.raises(BadAnswer, match="tool_calls"):
        await ask_openai(openai.completion("{}", finish="tool_calls"))


async def test_anthropic_is_asked_with_the_schema() -> None:
    _, sent = await ask_anthropic(anthropic.reply("{}"))
    assert sent["output_config"] == {"format": {"type": "json_schema", "schema": REQUEST.schema}, "effort": "low"}
    assert sent["model"] == "claude-sonnet-5-5"


async def test_anthropic_models_that_do_not_think_are_not_told_to() -> None:
    _, sent = await ask_anthropic(anthropic.reply("{}"), model="claude-haiku-4-5")
    assert "effort" not in sent["output_config"]
    assert sent["max_tokens"] == REQUEST.max_output_tokens


async def test_anthropic_counts_what_was_read_from_the_cache_and_written_to_it() -> None:
    """The vendor's input tokens leave both out; ours are all that was read."""
    reply, _ = await ask_anthropic(anthropic.reply('{"a": 1}', read=100, cached=400))
    assert reply.tokens == Tokens(input=507, output=2, cached_input=400)


@pytest.mark.parametrize(
    ("stop", "means"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
    ],
)
async def test_anthropic_says_why_it_stopped(stop: str, means: str) -> None:
    reply, _ = await ask_anthropic(anthropic.reply('{"a": 1}', stop=stop))
    assert reply.stop_reason == means


@pytest.mark.parametrize("answer", [anthropic.reply("{}", stop=None), anthropic.reply("")])
async def test_anthropic_without_an_end_or_a_text_is_lost(answer: dict[str, Any]) -> None:
    with pytest.raises(AnswerLost):
        await ask_anthropic(answer)


async def test_anthropic_pausing_is_no_answer() -> None:
    with pytest.raises(BadAnswer, match="pause_turn"):
        await ask_anthropic(anthropic.reply("{}", stop="pause_turn"))
