"""What a fake writer is asked, and how it comes to an answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from engine.llm import LLM, LLMReply, LLMRequest
from engine.offline.writer import OfflineWriter


@dataclass(frozen=True)
class Question:
    """What of a request reaches a provider: text and a schema."""

    model: str
    system: str
    prompt: str
    schema: dict[str, Any]


# The answer's text.
Answering = Callable[[Question], Awaitable[str]]


async def fine(question: Question) -> str:
    """An answer for those who do not look into it."""
    return '{"answer": "fine"}'


@dataclass
class Remembering:
    """A writer that remembers what its adapter is asked, so that a fake can answer it as the offline writer would.

    Only text reaches a fake; the data that the offline writer works from is found again by that text. Put it between
    the product and the adapter, and its `answer` into the fake.
    """

    adapter: LLM
    asked: list[LLMRequest] = field(default_factory=list)
    _known: dict[tuple[str, str], LLMRequest] = field(default_factory=dict)

    async def ask(self, request: LLMRequest) -> LLMReply:
        self.asked.append(request)
        self._known[request.system, request.prompt] = request
        return await self.adapter.ask(request)

    async def answer(self, question: Question) -> str:
        reply = await OfflineWriter().ask(self._known[question.system, question.prompt])
        return reply.text

    async def close(self) -> None:
        await self.adapter.close()
