"""Takes tickets out of URLs before these are logged. Browsers can send a ticket nowhere else."""

from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Receive, Scope, Send

PARAMETER = b"ticket="


class Tickets:
    """Moves `ticket` from the query to the request's state, so that no log of the URL contains it, the server's
    included.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query: bytes = scope.get("query_string", b"")
        if PARAMETER in query:
            parts = query.split(b"&")
            tickets = [part for part in parts if part.startswith(PARAMETER)]
            # In place: the server logs its own scope.
            scope["query_string"] = b"&".join(part for part in parts if part not in tickets)
            if tickets:
                ticket = unquote_plus(tickets[0].removeprefix(PARAMETER).decode("ascii", "replace"))
                scope.setdefault("state", {})["ticket"] = ticket
        await self._app(scope, receive, send)
