"""The protocol every writer meets: one request in, one reply out, errors from `engine.errors`."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from engine.providers.usage import Tokens

# Why an answer ends: it is whole, there was no more room, or the writer would not.
StopReason = Literal["stop", "length", "refusal"]


@dataclass(frozen=True)
class LLMRequest:
    """One question to a writer.

    `schema` is the JSON schema of the answer. `data` is the task's input beside the rendered text: the offline
    writer works from it, the others never see it.
    """

    task: str
    model: str
    system: str
    prompt: str
    schema: dict[str, Any]
    max_output_tokens: int
    data: BaseModel


@dataclass(frozen=True)
class LLMReply:
    """A writer's answer: JSON text as given (of a refusal, its words), and what the vendor says it used."""

    text: str
    model: str
    stop_reason: StopReason
    tokens: Tokens


class LLM(Protocol):
    """A writer. Raises `engine.errors` only; never retries on its own."""

    async def ask(self, request: LLMRequest) -> LLMReply: ...

    async def close(self) -> None:
        """Let go of connections; nothing is asked after that."""
