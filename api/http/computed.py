"""Answers that cost CPU: computed once for all who ask, and kept while the rows they are made from are the same."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar, cast
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database
from engine.freshness.fingerprint import fingerprint
from models.tables import Chapter

T = TypeVar("T")

# How many answers are kept.
_KEPT = 256


class Computed:
    """Answers about chapters, by what they are about and the fingerprint of their rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answers: OrderedDict[Hashable, object] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Task[object]] = {}
        # How many wait for each answer.
        self.waiting: dict[Hashable, int] = {}

    async def about(
        self,
        session: AsyncSession,
        chapter: Chapter,
        asked: Hashable,
        compute: Callable[[AsyncSession, Chapter], Awaitable[T]],
    ) -> T:
        """The answer to what is `asked` about a chapter: `compute` of a session and the chapter, or a kept answer.

        `compute` runs in a task with a session of its own, because whoever asked first may leave; once everybody has
        left, it is cancelled.
        """
        key = (asked, chapter.id, await fingerprint(session, chapter.project_id, chapter.id))
        if key in self._answers:
            self._answers.move_to_end(key)
            return cast(T, self._answers[key])
        if key not in self._under_way:
            self._under_way[key] = asyncio.create_task(self._computed(chapter.id, compute))
        task = self._under_way[key]
        self.waiting[key] = self.waiting.get(key, 0) + 1
        try:
            answer = await asyncio.shield(task)
        finally:
            self.waiting[key] -= 1
            if not self.waiting[key]:
                del self.waiting[key], self._under_way[key]
                task.cancel()
        self._answers[key] = answer
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return cast(T, answer)

    async def _computed(
        self, chapter_id: UUID, compute: Callable[[AsyncSession, Chapter], Awaitable[object]]
    ) -> object:
        async with self._database.session() as session:
            return await compute(session, await session.get_one(Chapter, chapter_id))
