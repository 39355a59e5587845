"""Who may ask: by which name the API is called, and from which pages.

Without accounts everybody who reaches the loopback interface is the local owner, and so is every page in their browser:
a foreign page must neither reach us under a name of its own that leads to loopback, nor send orders here.
"""

import re
from collections.abc import Collection, Sequence
from ipaddress import ip_address, ip_network

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import problem
from engine.errors import BadInput

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?\Z")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?\Z")
_ONLY_READ = {"GET", "HEAD"}
_PASSED_ON = {"forwarded", "via", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"}


class KnownCallers:
    """Refuses requests under a name that is not ours, and whatever a page of a foreign origin would change or open."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        named = origin = ""
        for name, value in scope["headers"]:
            if name == b"host":
                named = value.decode("latin-1")
            elif name == b"origin":
                origin = value.decode("latin-1")
        asked = HTTPConnection(scope)
        if not answers_to(self._hosts, named):
            detail = "The API does not serve this Host; INKLOOM_ALLOWED_HOSTS lists those that it serves."
            await problem(asked, 400, "foreign-host", detail)(scope, receive, send)
            return
        # A WebSocket is opened across origins without being asked about, so it counts as a change.
        changes = scope["type"] == "websocket" or scope["method"] not in _ONLY_READ
        if origin and changes and origin not in self._origins and origin.partition("://")[2].lower() != named.lower():
            detail = "Pages of this origin may not change anything here; INKLOOM_CORS_ORIGINS lists those that may."
            await problem(asked, 403, "foreign-origin", detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def answers_to(hosts: Sequence[str], header: str) -> bool:
    """Whether a Host header names one of `hosts`, with or without a port. `*.example.org` allows all below, `*` all."""
    named = _HOST.match(header)
    if named is None:
        return False
    host = named[1].lower()
    return any(host == one or (one.startswith("*") and host.endswith(one[1:])) for one in hosts)


def origins_of(listed: str) -> frozenset[str]:
    """The origins of INKLOOM_CORS_ORIGINS. Raises `BadInput` for what no browser would send as one, and for `*`."""
    found = [one.strip().rstrip("/") for one in listed.split(",") if one.strip()]
    for one in found:
        if not _ORIGIN.match(one):
            raise BadInput(
                f"INKLOOM_CORS_ORIGINS names {one!r}; an origin looks like https://studio.example.org. List each"
                " origin; otherwise any page could call the API."
            )
    return frozenset(found)


def client_address(scope: Scope) -> str:
    """The client's address: the peer's, or what a proxy of INKLOOM_TRUSTED_PROXIES says it is."""
    client = scope.get("client")
    return client[0] if client else ""


def counted_as(scope: Scope) -> str:
    """What limits count as one client: its address, of IPv6 the /64, all of which whoever has any of it has."""
    given = client_address(scope)
    try:
        address = ip_address(given.partition("%")[0])
    except ValueError:
        # A proxy may say anything; the table has room for an address.
        return given[:45]
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def passed_on(connection: HTTPConnection) -> bool:
    """Whether something stands between us and whoever asks: then the peer's address says nothing.

    Those that say nothing of themselves still ask in HTTP 1.0, as nobody else does.
    """
    return connection.scope.get("http_version") == "1.0" or any(
        name in _PASSED_ON or name.startswith("x-forwarded-") for name in connection.headers
    )
