"""Answers that cost CPU: computed once for all who ask, and kept while the rows they are made from are the same."""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import ClientDisconnect, Request

from engine.freshness.fingerprint import fingerprint
from engine.freshness.in_child import computed_of
from engine.processes.pool import shared
from models.tables import Chapter

T = TypeVar("T")
# Computes `function(session, chapter, *arguments)` of a chapter, by its ID.
Compute = Callable[[UUID, Callable[..., Any], tuple[Any, ...]], Coroutine[Any, Any, Any]]

# How many answers are kept.
_KEPT = 256
_SECONDS = 60
# How often a client is looked for.
_LOOK_SECONDS = 0.5


class Computed:
    """Answers about chapters, by what they are about and the fingerprint of their rows."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._answers: OrderedDict[Hashable, object] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Task[object]] = {}
        # How many wait for each answer.
        self.waiting: dict[Hashable, int] = {}

    async def about(
        self,
        request: Request,
        session: AsyncSession,
        chapter: Chapter,
        function: Callable[..., Awaitable[T]],
        *arguments: Any,
        release: bool = True,
    ) -> T:
        """What a function of a module answers, given a session, the chapter, and arguments that have a `repr`.

        The session's transaction ends, unless `release` is false: a connection should not be held while this waits.

        The client that asked first may leave: a task of its own computes the answer, and is cancelled once all clients
        have left.
        """
        rows = await fingerprint(session, chapter.project_id, chapter.id)
        key = (function.__module__, function.__qualname__, repr(arguments), chapter.id, rows)
        if key in self._answers:
            self._answers.move_to_end(key)
            return cast(T, self._answers[key])
        if release:
            await session.commit()
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._compute(chapter.id, function, arguments))
        task = self._under_way[key]
        self.waiting[key] = self.waiting.get(key, 0) + 1
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_SECONDS)
                if not task.done() and await request.is_disconnected():
                    raise ClientDisconnect
            answer = task.result()
        finally:
            self.waiting[key] -= 1
            if not self.waiting[key]:
                del self.waiting[key], self._under_way[key]
                task.cancel()
        self._answers[key] = answer
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return cast(T, answer)


def in_child(database_url: str) -> Compute:
    """Computes in a child process, whose lane is the asking account."""

    async def compute(chapter_id: UUID, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        libpq = {name: value for name, value in os.environ.items() if name.startswith("PG")}
        given = (database_url, libpq, chapter_id, function, arguments)
        return await shared().run(computed_of, *given, seconds=_SECONDS, doing="Comparing a chapter")

    return compute
