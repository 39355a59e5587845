"""The access log, and Prometheus' counters of requests."""

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.clients import client_address
from api.http.metrics import IN_PROGRESS, observe

log = logging.getLogger("api.access")

# Probes ask for these every few seconds.
WATCHED = {"/healthz", "/readyz", "/metrics"}


class AccessLog:
    """Logs and counts complete answers. Leaves out the query and the headers, which may contain secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        # The status of an answer that never began: the client left, or the handshake was closed.
        status, size = 499, 0

        async def answering(message: Message) -> None:
            nonlocal status, size
            kind = message["type"]
            if kind in ("http.response.body", "websocket.http.response.body"):
                size += len(message.get("body", b""))
            elif kind in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
            elif kind == "websocket.accept":
                status = 101
            elif kind == "websocket.close" and status == 499:
                status = 403
            await send(message)

        IN_PROGRESS.inc()
        try:
            await self._app(scope, receive, answering)
        finally:
            IN_PROGRESS.dec()
            seconds = time.perf_counter() - began
            method, route = scope.get("method", "WEBSOCKET"), route_of(scope)
            if status != 101:
                observe(method, route, status, seconds)
            if log.isEnabledFor(level := logging.DEBUG if scope["path"] in WATCHED and status < 400 else logging.INFO):
                fields: dict[str, Any] = {
                    "method": method,
                    "path": scope["path"],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 1),
                    "bytes": size,
                    "client": client_address(scope),
                }
                if user := scope["state"].get("user_id"):
                    fields["user_id"] = str(user)
                # Like `log.log`, but without looking for the calling function, which takes a third of the time.
                log.handle(log.makeRecord(log.name, level, "", 0, "answered", (), None, extra={"fields": fields}))


def route_of(scope: Scope) -> str:
    """The template of the matching route, such as `/api/v1/chapters/{chapter_id}`; `none` if no route matches."""
    # FastAPI puts the full path of a route below a prefix here, and the bare route elsewhere.
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(found, "path_format", None) or "none"
