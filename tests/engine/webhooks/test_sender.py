"""One try of a callback: what it comes to, whatever the other side does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from engine.webhooks.guarded_network import networks
from engine.webhooks.sender import Answer, WebhookSender

pytestmark = pytest.mark.integration

LOOPBACK = networks("127.0.0.0/8")


async def send_to(answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> Answer:
    """What becomes of one try, at a receiver that answers as it likes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    caller = WebhookSender(LOOPBACK, patience=0.5)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        told = await asyncio.wait_for(caller.send(url, [b"a key"], "msg_1", {}), 10)
    await caller.close()
    return told


@pytest.mark.parametrize("said", ["X: x\r\n", "\r\nHTTP/1.1 100 Continue\r\n"], ids=["headers", "answers"])
async def test_who_answers_for_ever_is_left(said: str) -> None:
    """A try has an end, however busily the other side says nothing: others wait for its place."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 100 Continue\r\n")
        while not writer.is_closing():
            writer.write(said.encode())
            await writer.drain()
            await asyncio.sleep(0.1)

    told = await send_to(drip)
    assert (told.status, told.ok) == (None, False)
    assert told.ms < 3000


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Retry-After: 7", 7.0), ("retry-after: 7", 7.0), ("Retry-After: \xb2", None), ("Retry-After: soon", None)],
    ids=ascii,
)
async def test_who_says_when_to_come_again_is_heard(header: str, seconds: float | None) -> None:
    """In whatever case the header is written; what cannot be read is not there, and harms nobody."""

    async def busy(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 503 Busy\r\n{header}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
        await writer.drain()

    told = await send_to(busy)
    assert (told.status, told.retry_after) == (503, seconds)


async def test_many_who_are_slow_keep_nobody_waiting() -> None:
    """However many tries are under way, the next one is made at once."""
    caller, many = WebhookSender(LOOPBACK, patience=1.0), 40
    arrived = asyncio.Event()
    came = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        if came == many:
            arrived.set()
        with suppress(asyncio.CancelledError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        tries = [asyncio.create_task(caller.send(url, [b"a key"], f"msg_{one}", {})) for one in range(many)]
        await asyncio.wait_for(arrived.wait(), 0.9)
        await asyncio.gather(*tries)
    await caller.close()
