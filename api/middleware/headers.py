"""Headers that tell browsers what an answer must not do."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-site"),
    # Answers are data: nothing in them may run or load anything, even if a browser shows one as a page.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
)
_OF_THE_API: tuple[Header, ...] = (*_ALWAYS, (b"cache-control", b"no-store"))


class SecurityHeaders:
    """Adds them to every answer, except headers that a route has set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = _OF_THE_API if scope["path"].startswith("/api/") else _ALWAYS

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                given = {name for name, _ in headers}
                message["headers"] = [*headers, *(one for one in added if one[0] not in given)]
            await send(message)

        await self._app(scope, receive, answering)
