"""HEAD for everything that can be read with GET."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Heads:
    """Lets a GET route answer HEAD. The server drops the body, because to it the request is still a HEAD."""

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
            # For the middleware outside this one: which route it was.
            scope.update({name: inner[name] for name in ("route", "fastapi") if name in inner})
