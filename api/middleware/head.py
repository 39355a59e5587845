"""What can be read can be asked for its headers alone, whether or not a route says so."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Heads:
    """Lets a GET route answer a HEAD; the server leaves the body out, because to it the request remains a HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return
        inner = {**scope, "method": "GET"}
        try:
            await self._app(inner, receive, send)
        finally:
            # Which route it was, for those who ask outside of here.
            scope.update({name: inner[name] for name in ("route", "fastapi") if name in inner})
