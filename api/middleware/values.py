"""A limit of what is in a JSON body: how many values, apart from its bytes.

Bodies are parsed and validated on the event loop. A long text takes no time there, and a few megabytes of `[],[],…` or
of unknown fields take seconds: by values, not by bytes. What might have too many is counted in a child process.
"""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.clients import counted_as
from api.http.problems import problem
from engine.errors import TooHeavy
from engine.json_values import at_most, values_in
from engine.processes.pool import lane, shared

# Values that are parsed and validated, or refused one by one, in a third of a second; a batch has some six per item.
MOST_VALUES = 100_000
# The CPU seconds to count the largest body, with room to spare.
_SECONDS = 30
# A body with fewer bytes cannot have too many values: each takes two.
_SMALL = 2 * MOST_VALUES


class Values:
    """Refuses JSON bodies with more than `MOST_VALUES` values: 422."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        parts: list[bytes] = []
        last: Message = {"type": "http.request", "more_body": True}
        while last["type"] == "http.request" and last.get("more_body", False):
            last = await receive()
            parts.append(last.get("body", b""))
        body = b"".join(parts)
        if len(body) > _SMALL and await _too_many(scope, body):
            detail = f"The body has more than {MOST_VALUES:,} values. Send fewer at a time."
            await problem(HTTPConnection(scope), 422, "too-many-values", detail)(scope, receive, send)
            return
        # Half a body is none: the client is gone.
        whole: Message = {"type": "http.request", "body": body, "more_body": False}
        waiting = [whole if last["type"] == "http.request" else last]

        async def again() -> Message:
            return waiting.pop(0) if waiting else await receive()

        await self._app(scope, again, send)


async def _too_many(scope: Scope, body: bytes) -> bool:
    if at_most(body) <= MOST_VALUES:
        return False
    mine = lane.set(counted_as(scope))
    try:
        return await shared().run(values_in, body, seconds=_SECONDS, doing="The body") > MOST_VALUES
    except TooHeavy:
        return True
    finally:
        lane.reset(mine)


def _is_json(scope: Scope) -> bool:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return b"json" in kind.lower()
