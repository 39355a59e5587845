"""What joins an LLM task to the database: what it reads, and what becomes of its answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.tasks import TaskInput
from models.runs import TaskCall


@dataclass(frozen=True)
class Loaded:
    """A task's input, and how many pieces of context had no room in it."""

    data: TaskInput
    left_out: int = 0


@dataclass(frozen=True)
class Step:
    """`load` returns None when there is nothing left to do. Both run in a transaction of the caller's."""

    load: Callable[[AsyncSession, TaskCall], Awaitable[Loaded | None]]
    apply: Callable[[AsyncSession, TaskCall, Any], Awaitable[None]]
