"""A wire between two programs that can be slow, cut or reset: what a network does to connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
# Where the other end is now: a port of this machine, or the path of a socket.
Target = Callable[[], int | Path]

SLOW = 0.2
_CHUNK = 64 * 1024


class Wire:
    """Passes on what it gets, `delay` seconds late each time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.delay = 0.0
        self.dead = False
        self.broken = 0

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Close every connection in order; new ones are passed on."""
        self.broken += len(self._open)
        for writer in self._open:
            writer.close()

    def reset(self) -> None:
        """Drop every connection without a word."""
        self.broken += len(self._open)
        for writer in self._open:
            writer.transport.abort()

    async def open(self, at: Path | None = None) -> None:
        """Listen at a socket's path, or at a port of its own."""
        self._server = await (
            asyncio.start_unix_server(self._connected, at)
            if at is not None
            else asyncio.start_server(self._connected, "127.0.0.1", 0)
        )

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = None if self.dead else await _reached(self._target())
        except OSError:
            other = None
        if other is None:
            writer.transport.abort()
            return
        self._open |= {writer, other[1]}
        ways = [
            asyncio.ensure_future(self._pass(reader, other[1])),
            asyncio.ensure_future(self._pass(other[0], writer)),
        ]
        self._passing.update(ways)
        await asyncio.wait(ways)
        self._passing.difference_update(ways)
        self._open -= {writer, other[1]}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(_CHUNK):
                await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.close()


async def _reached(target: int | Path) -> Ends:
    if isinstance(target, Path):
        return await asyncio.open_unix_connection(target)
    return await asyncio.open_connection("127.0.0.1", target)


@asynccontextmanager
async def wire(target: Target, at: Path | None = None) -> AsyncIterator[Wire]:
    made = Wire(target)
    await made.open(at)
    try:
        yield made
    finally:
        await made.close()


async def for_a_while(wires: list[Wire], what: str, seconds: float, pause: Callable[[float], Awaitable[None]]) -> None:
    """Make wires slow, or break them several times; then they are whole again."""
    for one in wires:
        one.delay = SLOW if what == "slow" else 0.0
    for _ in range(4):
        for one in wires:
            if what == "cut":
                one.cut()
            elif what == "reset":
                one.reset()
            elif what == "dead":
                one.dead = True
                one.reset()
        await pause(seconds / 4)
    for one in wires:
        one.delay, one.dead = 0.0, False
