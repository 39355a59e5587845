"""One open socket in the hub: a bounded queue of messages, and why it closes."""

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID, uuid4

# How many messages may wait for one socket in memory. A socket further behind reads from the database again.
MAX_EVENTS = 256
MAX_CHARACTERS = 1_000_000


class Close(IntEnum):
    """Why the server closes a socket. `docs/live.md` lists what a client does about each."""

    FINISHED = 1000
    AWAY = 1013
    UNFIT = 4400
    EXPIRED = 4401
    NO_ACCESS = 4404
    TOO_SLOW = 4429


class Ended(Exception):
    """The socket has closed; without a code because the peer has left."""

    def __init__(self, code: Close | None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class SentEvent:
    """An event as it is sent: one text for all sockets."""

    seq: int
    type: str
    generation_id: UUID | None
    text: str


class Subscriber:
    """Events of a project, of one of its generations, or of a batch, on their way to one socket.

    For a batch, `project_id` is the batch's: it has a log of its own.
    """

    __slots__ = (
        "_ended",
        "_size",
        "_something",
        "_waiting",
        "batch",
        "connection",
        "generation_id",
        "last",
        "login",
        "overtaken",
        "panel_id",
        "present",
        "project_id",
        "user_id",
    )

    def __init__(
        self, user_id: UUID, project_id: UUID, generation_id: UUID | None = None, *, batch: bool = False
    ) -> None:
        self.user_id = user_id
        self.batch = batch
        self.project_id = project_id
        self.generation_id = generation_id
        self.connection = uuid4()
        # Whether it counts as its user's presence, and what the user is looking at.
        self.present = False
        self.panel_id: UUID | None = None
        # Events up to here are not taken: they were read from the database.
        self.last = 0
        # More came than may wait: the socket is not in the hub any more.
        self.overtaken = False
        # The login that opened it, and with which it ends; the local owner has none.
        self.login: UUID | None = None
        self._waiting: deque[SentEvent] = deque()
        self._size = 0
        self._something = asyncio.Event()
        self._ended: Ended | None = None

    def put(self, event: SentEvent) -> None:
        """Take an event, or give up and be `overtaken`."""
        if self.overtaken or event.seq <= self.last:
            return
        self.last = event.seq
        if self.generation_id is not None and event.generation_id != self.generation_id:
            return
        if len(self._waiting) >= MAX_EVENTS or self._size + len(event.text) > MAX_CHARACTERS:
            self.overtaken = True
        else:
            self._waiting.append(event)
            self._size += len(event.text)
        self._something.set()

    def end(self, code: Close | None, reason: str = "") -> None:
        """Stop the sender; the first reason counts."""
        self._ended = self._ended or Ended(code, reason)
        self._something.set()

    async def next(self) -> list[SentEvent]:
        """The events since the last call, in order; none if it was overtaken and everything before that is sent.
        Raises `Ended`.
        """
        await self._something.wait()
        self.go_on()
        found = list(self._waiting)
        self._waiting.clear()
        self._size = 0
        if not self.overtaken:
            self._something.clear()
        return found

    def go_on(self) -> None:
        """Raises `Ended` if it has ended."""
        if self._ended is not None:
            raise self._ended

    def again(self, position: int) -> None:
        """Continue after `position`, once everything before it was read from the database."""
        self._waiting.clear()
        self._size = 0
        self.last = position
        self.overtaken = False
        if self._ended is None:
            self._something.clear()
