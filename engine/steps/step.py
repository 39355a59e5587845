"""Joins an LLM task to the database: reads its input and stores its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs
from engine.tasks import TaskInput
from models.runs import TaskCall


@dataclass(frozen=True)
class Loaded:
    """A task's input, how many pieces of context had no room in it, and the basis of what will come of it."""

    data: TaskInput
    left_out: int = 0
    basis: Inputs = field(default_factory=dict)


# Context is a help, not the text at hand: it never takes more than this from a task's room.
CONTEXT_TOKENS = 2_000

# The ids of rows in their order.
Made = list[UUID]


@dataclass(frozen=True)
class Step:
    """Both run in a transaction of the caller's, and both say which rows came of the task, if the workflow needs them.

    `load` does so when there is nothing left to do. It is given how many tokens of context there is room for. `apply`
    is given the basis that was loaded: what the answer was made from, whatever has changed since.
    """

    load: Callable[[AsyncSession, TaskCall, int], Awaitable[Loaded | Made]]
    apply: Callable[[AsyncSession, TaskCall, Any, Inputs], Awaitable[Made]]
