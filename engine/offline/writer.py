"""The writer that needs no key and no network: storyboards a manuscript in its own words, by rules."""

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from engine.errors import ProviderRejected
from engine.llm import LLMReply, LLMRequest
from engine.offline.storyboard.lettering import write_dialogue
from engine.offline.storyboard.outlining import outline_chapter
from engine.offline.storyboard.profiling import profile_character
from engine.offline.storyboard.prompting import write_prompt
from engine.offline.storyboard.staging import describe_panels
from engine.offline.storyboard.summarising import summarise_scene
from engine.providers.usage import Tokens
from engine.reading import count_tokens
from engine.tasks import dialogue, outline, panels, profile, prompt, summary

MODEL = "storyboard-2"

_ANSWERS: dict[str, tuple[type[BaseModel], Callable[[Any], BaseModel]]] = {
    outline.TASK.name: (outline.In, outline_chapter),
    summary.TASK.name: (summary.In, summarise_scene),
    profile.TASK.name: (profile.In, profile_character),
    panels.TASK.name: (panels.In, describe_panels),
    dialogue.TASK.name: (dialogue.In, write_dialogue),
    prompt.TASK.name: (prompt.In, write_prompt),
}
# Prompts shorter than this are answered within a few milliseconds: a thread would cost more than it frees.
_QUICK = 4_000


class OfflineWriter:
    """Answers every task from its typed input; the same input always gives the same answer."""

    async def ask(self, request: LLMRequest) -> LLMReply:
        """The answer as JSON text, like any writer's."""
        known = _ANSWERS.get(request.task)
        if known is None:
            raise ProviderRejected(
                f"The offline writer does not know the task {request.task}: it works from the story's own words. Name"
                " another writer for it."
            )
        expected, answer = known
        if not isinstance(request.data, expected):
            raise ProviderRejected(f"the task {request.task} needs {expected.__module__}.In as its data")
        if len(request.prompt) > _QUICK:
            text = await asyncio.to_thread(_answered, answer, request.data)
        else:
            text = _answered(answer, request.data)
        return LLMReply(
            text=text,
            model=request.model or MODEL,
            stop_reason="stop",
            tokens=Tokens(input=count_tokens(request.system) + count_tokens(request.prompt), output=count_tokens(text)),
        )

    async def close(self) -> None:
        """Nothing is held open."""


def _answered(answer: Callable[[Any], BaseModel], data: BaseModel) -> str:
    return answer(data).model_dump_json()
