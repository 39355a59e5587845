"""Every writer keeps the protocol: the same failure means the same, whoever fails, and nothing is sent twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from engine.errors import ProviderBusy, ProviderError, ProviderRejected
from engine.llm import LLM, LLMRequest
from engine.llm.anthropic import AnthropicWriter
from engine.llm.ollama import OllamaWriter
from engine.llm.openai import OpenAIWriter
from engine.tasks import ALL
from engine.tasks.task import Task
from tests.fakes import anthropic, ollama, openai
from tests.fakes.questions import Answering, Remembering, fine
from tests.fakes.server import Answer, Server, eventually
from tests.support.failing import KEY, Wrong, cases, nobody, told
from tests.support.llm_requests import PROMPT, REQUEST, SCHEMA, Nothing

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Vendor:
    """An adapter, a fake of its provider, and how that provider says what every provider can say."""

    fake: Callable[[Answering], Server]
    writer: Callable[[str, float], LLM]
    error: Callable[..., Answer]
    cut: Callable[[], dict[str, Any]]
    most: Callable[[Any], int]
    refused: Callable[[], dict[str, Any]] | None = None


VENDORS = {
    "openai": Vendor(
        fake=openai.OpenAI,
        writer=lambda url, seconds: OpenAIWriter(KEY, f"{url}/v1", seconds),
        error=openai.error,
        cut=lambda: openai.completion('{"ans', finish="length"),
        most=lambda body: int(body["max_completion_tokens"]),
        refused=lambda: openai.completion(None, refusal="I would rather not."),
    ),
    "anthropic": Vendor(
        fake=anthropic.Anthropic,
        writer=lambda url, seconds: AnthropicWriter(KEY, url, seconds),
        error=anthropic.error,
        cut=lambda: anthropic.reply('{"ans', stop="max_tokens"),
        most=lambda body: int(body["max_tokens"]),
        refused=lambda: anthropic.reply("", stop="refusal", explanation="I would rather not."),
    ),
    "ollama": Vendor(
        fake=ollama.Ollama,
        writer=lambda url, seconds: OllamaWriter(url.replace("://", f"://me:{KEY}@"), seconds),
        error=ollama.error,
        cut=lambda: ollama.reply('{"ans', done="length"),
        most=lambda body: int(body["options"]["num_predict"]),
    ),
}


@pytest.fixture
async def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]


@pytest.fixture
async def fake(vendor: Vendor) -> AsyncIterator[Server]:
    async with vendor.fake(fine) as running:
        yield running


@pytest.fixture
async def writer(vendor: Vendor, fake: Server) -> AsyncIterator[LLM]:
    made = vendor.writer(fake.url, 5.0)
    yield made
    await made.close()


every_vendor = pytest.mark.parametrize("vendor", VENDORS, indirect=True)


@every_vendor
async def test_a_good_answer(vendor: Vendor, fake: Server, writer: LLM) -> None:
    """The text as it came, why it ended, who wrote it and what it used, from one request with our schema."""
    reply = await writer.ask(REQUEST)
    assert (reply.text, reply.stop_reason) == ('{"answer": "fine"}', "stop")
    assert reply.model
    assert reply.tokens.input > 5
    assert reply.tokens.output > 2
    assert len(fake.asked) == 1
    assert str(SCHEMA) in str(fake.paid[0].json)
    assert PROMPT in str(fake.paid[0].json)


@every_vendor
async def test_the_answer_has_its_room(vendor: Vendor, fake: Server, writer: LLM) -> None:
    """A model that thinks gets room to, so that the answer's own is not thought away."""
    await writer.ask(REQUEST)
    assert vendor.most(fake.paid[0].json) == 900 + 8_192


@pytest.mark.parametrize(("vendor", "wrong"), cases(*VENDORS), indirect=["vendor"])
async def test_a_failure_means_the_same_everywhere(vendor: Vendor, fake: Server, wrong: Wrong) -> None:
    """The right error, when to try again, one request, and nothing of the key or the prompt in what is told."""
    writer = vendor.writer(fake.url, 0.4 if wrong.name == "too slow" else 5.0)
    fake.next.append(wrong.answer(vendor.error))
    with pytest.raises(ProviderError) as caught:
        await writer.ask(REQUEST)
    await writer.close()
    error = caught.value
    assert type(error) is wrong.means
    assert error.retry_after == pytest.approx(wrong.wait, abs=3) if wrong.wait else error.retry_after is None
    assert len(fake.asked) == 1
    assert KEY not in told(error)
    assert PROMPT not in told(error)
    assert len(error.detail) <= 500
    assert wrong.says in error.detail


@every_vendor
async def test_nobody_there(vendor: Vendor) -> None:
    """No connection is no sent call: it may be tried again for nothing."""
    writer = vendor.writer(nobody(), 5.0)
    with pytest.raises(ProviderBusy, match="cannot be reached"):
        await writer.ask(REQUEST)
    await writer.close()


@every_vendor
async def test_an_answer_cut_by_its_length_is_told_apart(vendor: Vendor, fake: Server, writer: LLM) -> None:
    fake.next.append(Answer(vendor.cut()))
    reply = await writer.ask(REQUEST)
    assert (reply.text, reply.stop_reason) == ('{"ans', "length")


@pytest.mark.parametrize("vendor", [name for name, one in VENDORS.items() if one.refused], indirect=True)
async def test_a_refusal_keeps_its_words(vendor: Vendor, fake: Server, writer: LLM) -> None:
    assert vendor.refused is not None
    fake.next.append(Answer(vendor.refused()))
    reply = await writer.ask(REQUEST)
    assert (reply.text, reply.stop_reason) == ("I would rather not.", "refusal")


@every_vendor
async def test_cancelling_hangs_up(vendor: Vendor, fake: Server, writer: LLM) -> None:
    """A cancelled call does not go on in the background: the provider sees the connection end."""
    fake.next.append(Answer({}, delay=30))
    asking = asyncio.create_task(writer.ask(REQUEST))
    await eventually(lambda: fake.asked)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await eventually(lambda: fake.broken_off)


@every_vendor
async def test_many_at_a_time(vendor: Vendor, fake: Server, writer: LLM) -> None:
    """Calls wait side by side, on connections that are kept."""
    fake.next.extend(Answer(vendor.cut(), delay=0.3) for _ in range(8))
    async with asyncio.timeout(2):
        replies = await asyncio.gather(*(writer.ask(REQUEST) for _ in range(8)))
    assert len(replies) == len(fake.asked) == 8


@every_vendor
async def test_nothing_is_asked_of_a_closed_writer(vendor: Vendor, fake: Server) -> None:
    writer = vendor.writer(fake.url, 5.0)
    await writer.close()
    with pytest.raises((ProviderError, RuntimeError)):
        await writer.ask(REQUEST)
    assert not fake.asked


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "gpt-4"), ("openai", "o1-mini"), ("anthropic", "claude-3-opus-20240229")]
)
async def test_a_retired_model_is_refused_before_the_call(provider: str, model: str) -> None:
    """The message names what to use instead; nothing is sent."""
    async with VENDORS[provider].fake(fine) as fake:
        writer = VENDORS[provider].writer(fake.url, 5.0)
        with pytest.raises(ProviderRejected, match=rf"no longer serves {model} since .* Use \S+ instead"):
            await writer.ask(LLMRequest("SceneSummary", model, "", PROMPT, SCHEMA, 900, Nothing()))
        await writer.close()
    assert not fake.asked


@every_vendor
async def test_a_fake_can_answer_every_task(vendor: Vendor) -> None:
    """What the offline writer would say comes through a provider unchanged: chapters can be made against the fakes."""
    task: Task[Any, Any] = ALL["SceneSummary"]
    data = task.input(title="Rain", sentences=["It rained on the harbour.", "Mara ran."])
    system, prompt = task.render(data)
    request = LLMRequest(task.name, "", system, prompt, task.schema(), task.max_output_tokens, data)

    async def answer(question: Any) -> str:
        return await remembering.answer(question)

    async with vendor.fake(answer) as fake:
        remembering = Remembering(vendor.writer(fake.url, 5.0))
        reply = await remembering.ask(request)
        await remembering.close()
    assert not task.check(data, task.parse(data, reply.text))
