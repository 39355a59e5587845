"""Which hosts and origins may call the API.

Without accounts, every client on the loopback interface is the local owner, and so is every page in a browser there. A
foreign page must not reach the API, neither through a name that resolves to loopback nor by a cross-origin request.
"""

import re
from collections.abc import Collection, Sequence

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import problem
from engine.errors import BadInput

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?\Z")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?\Z")
_ONLY_READ = {"GET", "HEAD"}


class KnownCallers:
    """Refuses requests for other hosts, and cross-origin requests that change something or open a socket."""

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
        # Browsers open WebSockets across origins without a preflight, so opening one counts as a change.
        changes = scope["type"] == "websocket" or scope["method"] not in _ONLY_READ
        if origin and changes and origin not in self._origins and origin.partition("://")[2].lower() != named.lower():
            detail = "Pages of this origin may not change anything here; INKLOOM_CORS_ORIGINS lists those that may."
            await problem(asked, 403, "foreign-origin", detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def answers_to(hosts: Sequence[str], header: str) -> bool:
    """Whether a Host header names one of `hosts`, with or without a port. `*.example.org` allows all subdomains, `*`
    all hosts.
    """
    named = _HOST.match(header)
    if named is None:
        return False
    host = named[1].lower()
    return any(host == one or (one.startswith("*") and host.endswith(one[1:])) for one in hosts)


def origins_of(listed: str) -> frozenset[str]:
    """The origins in INKLOOM_CORS_ORIGINS. Raises `BadInput` for what no browser sends as an origin, and for `*`."""
    found = [one.strip().rstrip("/") for one in listed.split(",") if one.strip()]
    for one in found:
        if not _ORIGIN.match(one):
            raise BadInput(
                f"INKLOOM_CORS_ORIGINS names {one!r}; an origin looks like https://studio.example.org. List each"
                " origin; otherwise any page could call the API."
            )
    return frozenset(found)
