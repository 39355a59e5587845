"""The connection pool. Waiting callers are served first come, first served.

SQLAlchemy's own queue wakes the longest waiting caller, but lets any other caller take the connection first: under
load, some waited ten times as long as most. It also creates a task for each waiting caller.
"""

import asyncio
from collections import deque

from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import await_
from sqlalchemy.util.queue import Empty, Full, QueueCommon


class InTurn(QueueCommon[ConnectionPoolEntry]):
    """The interface that `QueuePool` expects of a queue, within one event loop."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._idle: deque[ConnectionPoolEntry] = deque()
        # Filled only while nothing is idle: a returned connection goes to the first of them.
        self._waiting: deque[asyncio.Future[ConnectionPoolEntry]] = deque()

    def empty(self) -> bool:
        return not self._idle

    def full(self) -> bool:
        return len(self._idle) >= self.maxsize

    def qsize(self) -> int:
        return len(self._idle)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(item)
                return
        if self.full():
            raise Full
        self._idle.append(item)

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:
        # There is always room for a connection that came from here, so no caller waits to return one.
        self.put_nowait(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        if not self._idle:
            raise Empty
        return self._idle.pop() if self.use_lifo else self._idle.popleft()

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        if self._idle or not block:
            return self.get_nowait()
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        late = None if timeout is None else loop.call_later(timeout, _too_late, turn)
        try:
            entry: ConnectionPoolEntry = await_(turn)
        except BaseException:
            # Cancelled in the moment in which it was served: serve the next one.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.put_nowait(turn.result())
            raise
        finally:
            if late is not None:
                late.cancel()
        return entry


def _too_late(turn: asyncio.Future[ConnectionPoolEntry]) -> None:
    if not turn.done():
        turn.set_exception(Empty())


class FairPool(AsyncAdaptedQueuePool):
    """A pool that serves its callers in order."""

    _queue_class = InTurn
