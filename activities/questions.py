"""Renders a task's input so that the prompt and its answer fit the writer's context."""

from collections.abc import Sequence
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import ProviderRejected
from engine.llm import LLMRequest
from engine.money.prices import usual_of_text
from engine.providers.model_facts import limits
from engine.reading import count_tokens
from engine.steps.step import CONTEXT_TOKENS, Loaded, Made, step_of
from engine.tasks import Task
from models.options import Choice
from models.runs import TaskCall


async def question(
    session: AsyncSession, task: Task[Any, Any], call: TaskCall, by: Choice, notes: Sequence[str], cut_off: int
) -> tuple[Loaded, LLMRequest] | Made:
    """A task's input and request, or the existing rows if there is nothing left to ask.

    Context is cut first, and the pieces left out are counted; then the tokens for the answer. An answer that was
    `cut_off` before gets twice as many, each time. Raises `ProviderRejected` if the prompt without context leaves too
    few tokens.
    """
    holds = limits(by.provider, by.model)
    wanted = min(task.max_output_tokens * 2**cut_off, holds.output)
    token_budget = CONTEXT_TOKENS
    while True:
        loaded = await step_of(task).load(session, call, token_budget)
        if not isinstance(loaded, Loaded):
            return loaded
        system, prompt = task.render(loaded.data, notes)
        left = holds.context - usual_of_text(count_tokens(system) + count_tokens(prompt), 0).input
        if left < wanted and token_budget and loaded.data.context:
            token_budget = max(count_tokens(loaded.data.context) - (wanted - left), 0)
            continue
        if left < wanted // 4:
            raise ProviderRejected(
                f"{by.model or by.provider} holds {holds.context:,} tokens, too few to answer {task.name} for this"
                " text. Choose a model with a larger context."
            )
        return loaded, LLMRequest(
            task=task.name,
            model=by.model,
            system=system,
            prompt=prompt,
            schema=task.schema(),
            max_output_tokens=min(wanted, left),
            data=loaded.data,
        )
