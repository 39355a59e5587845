"""Gives every request an ID: the client's or a new one. It appears in the answer, in every error and in every log
line.
"""

import re
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.logs import about

_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")

# The first message of an answer: to a request, and to a handshake that is accepted or refused.
STARTS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class RequestId:
    """Sets `scope["state"]["request_id"]`, which routes read as `request.state.request_id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        id = next((value for name, value in scope["headers"] if name == b"x-request-id" and _GIVEN.match(value)), None)
        id = id or uuid4().hex.encode()
        header = (b"x-request-id", id)
        scope.setdefault("state", {})["request_id"] = id.decode()

        async def answering(message: Message) -> None:
            if message["type"] in STARTS:
                kept = [one for one in message.get("headers", ()) if one[0] != b"x-request-id"]
                message["headers"] = [*kept, header]
            await send(message)

        known = about.set({"request_id": id.decode()})
        try:
            await self._app(scope, receive, answering)
        finally:
            about.reset(known)
