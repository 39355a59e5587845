"""The writer that needs no key and no network: storyboards a manuscript in its own words, by rules."""

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from engine.errors import ProviderRejected, TooHeavy
from engine.llm import LLMReply, LLMRequest
from engine.offline import storyboard
from engine.processes.pool import shared
from engine.providers.usage import Tokens
from engine.reading import count_tokens
from engine.tasks import ALL, Task

MODEL = "storyboard-2"

Answer = Callable[[Any], BaseModel]
# Prompts shorter than this are answered within some milliseconds, whatever their text: reading costs its length.
_QUICK = 4_000
# The longest prompt, with all the names that a text can have, takes a tenth of it.
_SECONDS = 60


def answers_in(package: ModuleType, tasks: Iterable[Task[Any, Any]]) -> dict[str, tuple[type[BaseModel], Answer]]:
    """The input and the answer of every task that has one here: `answer` in the module named as the task's folder."""
    named = [(task, f"{package.__name__}.{task.folder}") for task in tasks]
    return {task.name: (task.input, import_module(name).answer) for task, name in named if find_spec(name)}


class OfflineWriter:
    """Answers every task from its typed input; the same input always gives the same answer."""

    def __init__(self, tasks: Iterable[Task[Any, Any]] = ALL.values(), answers: ModuleType = storyboard) -> None:
        self._answers = answers_in(answers, tasks)

    async def ask(self, request: LLMRequest) -> LLMReply:
        """The answer as JSON text, like any writer's."""
        known = self._answers.get(request.task)
        if known is None:
            raise ProviderRejected(
                f"The offline writer does not know the task {request.task}: it works from the story's own words. Name"
                " another writer for it."
            )
        expected, answer = known
        if not isinstance(request.data, expected):
            raise ProviderRejected(f"the task {request.task} needs {expected.__module__}.In as its data")
        if len(request.prompt) > _QUICK:
            try:
                text = await shared().run(_answered, answer, request.data, seconds=_SECONDS, doing=request.task)
            except TooHeavy as error:
                raise ProviderRejected(error.message) from None
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


def _answered(answer: Answer, data: BaseModel) -> str:
    return answer(data).model_dump_json()
