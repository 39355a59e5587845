"""Limits of a request: the bytes of its body, and the seconds until the body has arrived.

A body is counted as it arrives, whatever its Content-Length says, and its time starts with the request line. Size
limits depend on the path, because nothing is routed yet when the first bytes arrive.
"""

import asyncio
import re
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.deps import account_of, resources
from api.http.problems import problem
from engine.errors import Unauthorized

# For paths that take manuscripts and files: six million characters may be four times as many bytes.
UPLOADS: tuple[re.Pattern[str], ...] = (
    re.compile(r"/api/v1/projects/[^/]+/chapters\Z"),
    re.compile(r"/api/v1/chapters/[^/]+\Z"),
    re.compile(r"/api/v1/projects/[^/]+/images\Z"),
    re.compile(r"/api/v1/projects/[^/]+/bible\Z"),
    re.compile(r"/api/v1/batches(?:/estimate)?\Z"),
)
# For paths that take whole projects and similar files.
IMPORTS = re.compile(r"/api/v1/projects/(?:import|[^/]+/bible/file)\Z")

# For requests without an account: what logs in or registers is smaller.
FROM_ANYBODY = 64 * 1024

# Status, type and detail, sent whatever the route makes of the broken body.
_Refusal = tuple[int, str, str]


class Limits:
    """Refuses bodies that are too large, too slow or compressed: 413, 408, 415."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        body: int,
        upload: int,
        imports: int = 0,
        seconds: float,
        uploads: Sequence[re.Pattern[str]] = UPLOADS,
    ) -> None:
        self._app = app
        self._body = body
        self._upload = upload
        self._imports = imports or upload
        self._seconds = seconds
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length, chunked, encoding = b"", False, b""
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"content-encoding":
                encoding = value.strip().lower()
        if not chunked and length in (b"", b"0"):
            await self._app(scope, receive, send)
            return
        if encoding not in (b"", b"identity"):
            await _refuse(scope, receive, send, (415, "compressed-body", "Compressed bodies are not accepted."))
            return
        limit = self._upload if any(one.match(scope["path"]) for one in self._uploads) else self._body
        if IMPORTS.match(scope["path"]):
            limit = self._imports
        too_large = (413, "body-too-large", f"The body may have at most {limit} bytes.")
        if (chunked or not length.isdigit() or int(length[:20]) > FROM_ANYBODY) and not await _is_known(scope):
            # Bodies are read and parsed before routes authenticate the request.
            limit = min(limit, FROM_ANYBODY)
            too_large = (413, "body-too-large", f"Without logging in, a body may have at most {limit} bytes.")
        if length.isdigit() and int(length[:20]) > limit:
            await _refuse(scope, receive, send, too_large)
            return
        await self._counted(scope, receive, send, limit, too_large)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, limit: int, too_large: _Refusal) -> None:
        deadline = asyncio.get_running_loop().time() + self._seconds
        size, more, started = 0, True, False
        refusal: _Refusal | None = None

        async def arriving() -> Message:
            nonlocal size, more, refusal
            if not more:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                refusal = (408, "too-slow", f"The request did not arrive within {self._seconds:g} seconds.")
            else:
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
                if size <= limit:
                    return message
                refusal = too_large
            raise HTTPException(refusal[0], refusal[2])

        async def answering(message: Message) -> None:
            nonlocal started
            if refusal is None or started:
                started = True
                await send(message)

        try:
            await self._app(scope, arriving, answering)
        except HTTPException:
            if refusal is None or started:
                raise
        if refusal is not None and not started:
            await _refuse(scope, receive, send, refusal)


async def _is_known(scope: Scope) -> bool:
    """Whether the request has a valid token. While that cannot be checked, the route decides."""
    asked = HTTPConnection(scope)
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    try:
        await account_of(await resources(asked), token if scheme.lower() == "bearer" and token else None, asked)
    except Unauthorized:
        return False
    except SQLAlchemyError:
        return True
    return True


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: _Refusal) -> None:
    answer = problem(HTTPConnection(scope), *refusal)
    # The rest of the body is not awaited.
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
