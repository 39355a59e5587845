"""Joins an LLM task to the database: reads its input and stores its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs
from engine.tasks.task import Task, TaskInput
from models.runs import TaskCall


@dataclass(frozen=True)
class Loaded:
    """A task's input, how many pieces of context did not fit, and the basis of what will be made from the answer."""

    data: TaskInput
    left_out: int = 0
    basis: Inputs = field(default_factory=dict)


# Context is a help, not the text at hand: it never takes more than this from a task's window.
CONTEXT_TOKENS = 2_000

# The ids of rows in their order.
Made = list[UUID]


@dataclass(frozen=True)
class Step:
    """`load` and `apply` of a task's `rows.py`.

    Both run in a transaction of the caller's, and both return which rows came of the task, if the workflow needs them.
    `load` does so when there is nothing left to do. Its last argument is how many tokens of context fit. `apply` gets
    the basis that was loaded: what the answer was made from, whatever has changed since.
    """

    load: Callable[[AsyncSession, TaskCall, int], Awaitable[Loaded | Made]]
    apply: Callable[[AsyncSession, TaskCall, Any, Inputs], Awaitable[Made]]


def step_of(task: Task[Any, Any]) -> Step:
    """The step in a task's folder. Imported here, not above: the database stays out of where tasks are only named."""
    rows = import_module(f"{task.package}.rows")
    return Step(rows.load, rows.apply)
