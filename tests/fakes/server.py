"""A small HTTP/1.1 server on loopback for fakes of providers: it counts, and misbehaves as it is told.

Written on bare sockets, because a web framework would not send half a body or cut a connection.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to answer, and how: after `delay` seconds, cut after `cut` bytes of the body, or with a reset instead."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int | None = None
    reset: bool = False

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


Handler = Callable[[Asked], Awaitable[Answer]]


async def eventually(condition: Callable[[], object], patience: float = 30.0) -> None:
    """Wait until the condition holds."""
    for _ in range(int(patience / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It did not come about in time.")


class Server:
    """Serves while its block lasts. Subclasses answer in `respond`; `paid` is what of it would be billed.

    What `next` holds is answered first, to paid requests only, each once; None in it stands for an answer as usual.
    """

    paid_paths: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.next: deque[Answer | None] = deque()
        self.broken_off = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def paid(self) -> list[Asked]:
        """The requests that a provider would bill, answered or not."""
        return [one for one in self.asked if one.path in self.paid_paths]

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def respond(self, asked: Asked) -> Answer:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether another may follow."""
        asked = await _read(reader, writer)
        if asked is None:
            return False
        self.asked.append(asked)
        answering = asyncio.ensure_future(self._answer(asked))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.broken_off += 1
                return False
        finally:
            for task in (answering, gone):
                task.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)
        return await _write(writer, answering.result())

    async def _answer(self, asked: Asked) -> Answer:
        told = self.next.popleft() if asked.path in self.paid_paths and self.next else None
        answer = told or await self.respond(asked)
        await asyncio.sleep(answer.delay)
        return answer


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _body(reader, headers)
    path, _, query = target.partition("?")
    return Asked(method, path, headers, body, query)


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    parts: list[bytes] = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    if answer.reset:
        writer.transport.abort()
        return False
    body = answer.bytes
    headers = {"content-type": "application/json", **answer.headers, "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status} Said\r\n{head}\r\n".encode() + body[: answer.cut])
    await writer.drain()
    return answer.cut is None
