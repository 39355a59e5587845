"""Long texts and files that people send are read in child processes: the event loop serves everyone meanwhile."""

from collections.abc import Callable
from typing import Any, TypeVar

from engine.processes.pool import shared

# Characters that are read within some milliseconds; fewer cost less here than on their way to a child.
SHORT = 10_000
# The CPU seconds for the most that a request can hold, with room to spare.
_SECONDS = 60

ResultT = TypeVar("ResultT")


async def read_apart(
    function: Callable[..., ResultT], *arguments: Any, size: int | None = None, what: str = "The text"
) -> ResultT:
    """The answer of a function that reads `size` characters, or nobody knows how many, without holding up others.

    Call it before rows are locked. Raises `TooHeavy`.
    """
    if size is not None and size <= SHORT:
        return function(*arguments)
    return await shared().run(function, *arguments, seconds=_SECONDS, doing=what)
