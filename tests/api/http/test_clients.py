"""An IPv4 client is the same client when an IPv6 socket writes its address."""

import asyncio
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import ServerState

from api.http.clients import also_mapped, counted_as
from api.http.connections import Connection, limited
from api.http.deps import is_local

pytestmark = pytest.mark.unit

MAPPED = "::ffff:10.0.0.1"


async def _app(scope: Any, receive: Any, send: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("trusted", "client", "exempt"),
    [
        ("10.0.0.0/8", MAPPED, True),
        ("10.0.0.0/8", "10.0.0.1", True),
        ("10.0.0.1", MAPPED, True),
        ("::ffff:10.0.0.0/104", MAPPED, True),
        ("*", MAPPED, True),
        ("10.0.0.0/8", "::ffff:11.0.0.1", False),
        ("10.0.0.0/8", "not an address", False),
        ("", MAPPED, False),
    ],
)
async def test_a_trusted_network_has_its_mapped_addresses(trusted: str, client: str, exempt: bool) -> None:
    kind: type[Connection] = limited(1, 1, 1, trusted)
    config = Config(_app, log_config=None)
    config.load()
    connection = kind(config=config, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop())
    connection.client = (client, 1)
    assert connection._is_exempt() is exempt


@pytest.mark.parametrize("trusted", ["10.0.0.0/8", "192.0.2.1, 10.0.0.1", "*"])
async def test_the_header_of_a_trusted_proxy_is_believed_at_its_mapped_address(trusted: str) -> None:
    scope = {"type": "http", "client": (MAPPED, 1), "headers": [(b"x-forwarded-for", b"203.0.113.9")]}
    await ProxyHeadersMiddleware(_app, also_mapped(trusted))(scope, None, None)  # type: ignore[arg-type]  # not called
    assert scope["client"] == ("203.0.113.9", 0)


def test_limits_count_both_spellings_together() -> None:
    assert {counted_as({"client": (client, 1)}) for client in (MAPPED, "10.0.0.1", f"{MAPPED}%1")} == {"10.0.0.1"}
    assert counted_as({"client": ("2001:db8::1:2", 1)}) == "2001:db8::/64"


@pytest.mark.parametrize(("client", "local"), [("::ffff:127.0.0.1", True), (MAPPED, False)])
async def test_a_mapped_loopback_address_is_this_machine(client: str, local: bool) -> None:
    scope = {"type": "http", "client": (client, 1), "server": None, "headers": [(b"host", b"localhost:8000")]}
    assert await is_local(HTTPConnection(scope)) is local
