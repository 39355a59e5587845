"""Turns every remaining error into a problem: defects of Inkloom, and errors that a library words in its own way."""

import logging

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from api.http.problems import http_type, problem

log = logging.getLogger(__name__)

_STARTS = {"http.response.start", "websocket.http.response.start"}


class Problems:
    """The outermost handler of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = replaced = False

        async def answering(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] in _STARTS or message["type"] == "websocket.accept":
                started = True
                if message["type"] in _STARTS and message["status"] >= 400 and _is_plain(message):
                    replaced = True
                    # Its other headers, such as those for CORS, still apply.
                    kept = [one for one in message["headers"] if not one[0].startswith(b"content-")]
                    refusal = problem(
                        HTTPConnection(scope),
                        message["status"],
                        http_type(message["status"]),
                        "The request was refused.",
                    )
                    refusal.raw_headers += kept
                    await refusal(scope, receive, send)
                    return
            elif message["type"] == "websocket.close" and not started and "route" not in scope:
                # The router has no answer for a socket that does not exist; the server would send a bare 403.
                replaced = True
                await problem(HTTPConnection(scope), 404, "not-found", "There is no such socket.")(scope, receive, send)
                return
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, answering)
        except (ClientDisconnect, WebSocketDisconnect):
            # The client has left.
            return
        except Exception:
            log.exception("a request failed")
            if started:
                # Too late for an answer: the connection is aborted, so that no client takes half an answer for a whole
                # one.
                raise
            detail = "Something went wrong on our side; the request id is in the log."
            await problem(HTTPConnection(scope), 500, "internal", detail)(scope, receive, send)


def _is_plain(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/plain") for name, value in message["headers"])
