"""The protocol of every writer: a request in, a reply out, errors from `engine.errors`."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from engine.providers.usage import Tokens

# Why an answer ends: it is complete, it was cut off at the limit, or the writer refused.
StopReason = Literal["stop", "length", "refusal"]


@dataclass(frozen=True)
class LLMRequest:
    """One question to a writer.

    `schema` is the JSON schema of the answer. `data` is the task's input beside the rendered text: the offline writer
    works from it, the others never see it.
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
    """A writer's answer: JSON text as given (of a refusal, its words), and the usage that the vendor reports."""

    text: str
    model: str
    stop_reason: StopReason
    tokens: Tokens


class LLM(Protocol):
    """A writer. Raises only `engine.errors`; never retries on its own."""

    async def ask(self, request: LLMRequest) -> LLMReply: ...

    async def close(self) -> None:
        """Close connections; nothing is asked after that."""
