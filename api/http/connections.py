"""Limits of connections: how long a client may take to send a request, how large its headers may be, how many may
connect, and how many of them from one address.

These apply before a request reaches the application. uvicorn's own plain-text refusals are sent as problems, too.
"""

import json
from asyncio import TimerHandle, Transport
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, ClassVar
from uuid import uuid4

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http.clients import address_of, counted_as
from api.http.problems import MEDIA_TYPE, body_of

# For the request line and all headers together; a token and a few cookies need a tenth of it.
HEADERS_BYTES = 64 * 1024
# A connection beyond the limits gets an answer that says so if its request comes within these seconds.
PATIENCE = 2.0
# The application itself answers a slow body; this limit covers requests that no route waits for.
GRACE = 5.0


class Connection(HttpToolsProtocol):
    """Use `limited`, which sets the limits."""

    seconds: ClassVar[float]
    at_most: ClassVar[int]
    from_one: ClassVar[int]
    # Proxies that speak for many clients.
    exempt: ClassVar[Sequence[IPv4Network | IPv6Network]]
    # Connections within the limits, by what their addresses count as; sockets have limits of their own.
    open: ClassVar[Counter[str]]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._patience = self.seconds
        self._counted: str | None = None
        self._arrival: TimerHandle | None = None
        # Bytes of the current headers: those that are parsed, and those received without the end of a header.
        self._head = self._unended = 0
        self._in_headers = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in the class above
        super().connection_made(transport)
        mine = counted_as({"client": self.client})
        if self.open.total() < self.at_most and (self.open[mine] < self.from_one or self._is_exempt()):
            self._counted = mine
            self.open[mine] += 1
        elif len(self.connections) > 2 * self.at_most:
            transport.abort()
        else:
            self.app, self._patience = _busy, min(self.seconds, PATIENCE)
        self._wait(self._patience)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._leave()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._unended = 0
        self._in_headers = True
        self._wait(self._patience)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._wait(self._patience + GRACE)
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._arrived()
        if not self.transport.is_closing():
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._arrived()
        self._leave()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            self._refuse(400, "malformed-request", "The request is malformed HTTP.")

    def data_received(self, data: bytes) -> None:
        known = self._in_headers and self._head
        super().data_received(data)
        # The parser reports nothing about a header that does not end, and keeps all of it.
        if self._in_headers and self._head == known:
            self._unended += len(data)
            self._count(0)

    def _count(self, size: int) -> None:
        self._head += size
        if max(self._head, self._unended) > HEADERS_BYTES and not self.transport.is_closing():
            self._refuse(431, "headers-too-large", f"The headers may have at most {HEADERS_BYTES} bytes.")

    def _wait(self, seconds: float) -> None:
        self._arrived()
        self._arrival = self.loop.call_later(seconds, self._too_slow)

    def _arrived(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _is_exempt(self) -> bool:
        """Whether it comes from a trusted proxy, or over a socket of this machine that has no address."""
        if not self.client:
            return True
        try:
            # A list may have IPv4 addresses in either spelling.
            spellings = (address_of(self.client[0]), ip_address(self.client[0].partition("%")[0]))
        except ValueError:
            return False
        return any(address in network for network in self.exempt for address in spellings)

    def _leave(self) -> None:
        """Count it no longer."""
        if self._counted is not None:
            self.open[self._counted] -= 1
            if not self.open[self._counted]:
                del self.open[self._counted]
            self._counted = None

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_headers:
            self._refuse(408, "too-slow", f"The request did not arrive within {self._patience:g} seconds.")
        else:
            self.transport.close()

    def _refuse(self, status: int, type: str, detail: str) -> None:
        self.transport.write(last_words(status, type, detail))
        self.transport.close()


def last_words(status: int, type: str, detail: str) -> bytes:
    """A problem as raw HTTP, sent without the application before the connection is closed."""
    id = uuid4().hex
    body = json.dumps(body_of(status, type, detail, "", id)).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {MEDIA_TYPE}\r\nx-request-id: {id}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def limited(seconds: float, connections: int, from_one: int, proxies: str = "") -> type[Connection]:
    """The connection class with these limits: how many seconds a request may take to arrive, how many connections there
    may be, and how many from one address. `proxies` are addresses and networks, or `*`, which are exempt from the last.
    """
    networks = []
    for proxy in proxies.replace("*", "0.0.0.0/0,::/0").split(","):
        # Of what else is trusted, such as names, the address is unknown.
        with suppress(ValueError):
            networks.append(ip_network(proxy.strip(), strict=False))
    limits = {"seconds": seconds, "at_most": connections, "from_one": from_one}
    return type("LimitedConnection", (Connection,), {**limits, "exempt": networks, "open": Counter[str]()})


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers, instead of the application, connections beyond the limit."""
    id = uuid4().hex
    detail = "The limit of open connections is reached; try again in a moment."
    body = json.dumps(body_of(503, "busy", detail, scope["path"], id)).encode()
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", id.encode()),
        (b"retry-after", b"5"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
