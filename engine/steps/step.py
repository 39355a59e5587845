"""Joins an LLM task to the database: reads its input and stores its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import Inputs
from engine.tasks.task import Task, TaskInput
from models.runs import TaskCall


@dataclass(frozen=True)
class Loaded:
    """A task's input, how many pieces of context did not fit, and the basis of the parts that the answer makes."""

    data: TaskInput
    left_out: int = 0
    basis: Inputs = field(default_factory=dict)


# The text at hand matters more than its context, which never takes more than this from a task's window.
CONTEXT_TOKENS = 2_000


class MadeRow(NamedTuple):
    """A row that the workflow goes on with, and where it is in the chapter, in words."""

    id: UUID
    place: str


# In their order.
Made = list[MadeRow]


@dataclass(frozen=True)
class Step:
    """`load` and `apply` of a task's `rows.py`.

    Both run in the caller's transaction, and both return the rows that the task made, if the workflow needs them.
    `load` returns them when nothing is left to do; its last argument is how many tokens of context fit. `apply` gets
    the basis that was loaded: what the answer was made from, whatever has changed since.
    """

    load: Callable[[AsyncSession, TaskCall, int], Awaitable[Loaded | Made]]
    apply: Callable[[AsyncSession, TaskCall, Any, Inputs], Awaitable[Made]]


def step_of(task: Task[Any, Any]) -> Step:
    """The step in a task's folder. Imported here, not at the top: modules that only name tasks do not import the
    database.
    """
    rows = import_module(f"{task.package}.rows")
    return Step(rows.load, rows.apply)
