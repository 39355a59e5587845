"""WebSockets of projects, generations and batches: who may open one, what is sent, what clients may send.

See `docs/live.md`.
"""

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.websockets import WebSocketDisconnect

from api.http.deps import Caller, Owned, Resources, account_of
from api.http.problems import kebab, problem
from engine.errors import BadInput, EngineError, Unauthorized
from engine.live.hub import sent_event
from engine.live.subscriber import Close, Ended, SentEvent, Subscriber
from engine.store import accounts, batch_events, events, presences, rows
from models.batches import ENDED
from models.events import EventType
from models.options import FINAL_STATUSES
from models.tables import Batch, Generation, Project

log = logging.getLogger(__name__)
router = APIRouter(prefix="/ws")

# Events read from the database at a time, for clients that have missed some.
PAGE = 200
# Messages that a client may send: in a burst, and per second.
BURST, A_SECOND = 20.0, 5.0
# Minimum seconds between two reports of what a user is looking at.
SETTLE = 1.0
# Seconds that a peer has to receive the last message before it is disconnected.
LINGER = 5.0
_ENDS = {EventType.GENERATION_COMPLETED, EventType.GENERATION_FAILED, EventType.GENERATION_CANCELLED}
_BATCH_ENDS = {EventType.BATCH_COMPLETED, EventType.BATCH_CANCELLED}


class ViewedPanel(BaseModel):
    """What a client may send on a project's socket: the panel that its user is looking at, or none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"type": "looking", "panel_id": None}]})

    type: Literal["looking"]
    panel_id: UUID | None


@router.websocket("/projects/{project_id}")
async def project(websocket: WebSocket, project_id: str, owned: Owned) -> None:
    await _serve(websocket, owned, Project, project_id)


@router.websocket("/generations/{generation_id}")
async def generation(websocket: WebSocket, generation_id: str, owned: Owned) -> None:
    await _serve(websocket, owned, Generation, generation_id)


@router.websocket("/batches/{batch_id}")
async def batch(websocket: WebSocket, batch_id: str, owned: Owned) -> None:
    await _serve(websocket, owned, Batch, batch_id)


async def _serve(websocket: WebSocket, owned: Resources, model: type[Project | Generation | Batch], given: str) -> None:
    """Refuse with a problem, or accept and send until one side closes."""
    if not hasattr(websocket.state, "request_id"):
        websocket.state.request_id = uuid4().hex
    admitted: Subscriber | None = None
    try:
        try:
            after = _after(websocket)
            asking = await _caller(websocket, owned)
            async with owned.database.session() as session:
                try:
                    row = await rows.get(session, asking.scope, model, UUID(given))
                except ValueError as error:
                    raise rows.missing(model, given[:36]) from error
                subscriber = _subscriber(asking.user_id, row)
                head = (await _heads(session, subscriber)).get(subscriber.project_id, 0)
                if after > head:
                    what = "batch" if subscriber.batch else "project"
                    raise BadInput(f"after={after} lies ahead of this {what}, whose newest event is {head}.")
            subscriber.login, subscriber.present = asking.login, isinstance(row, Project)
            owned.hub.admit(subscriber)
            admitted = subscriber
        except EngineError as error:
            refusal = problem(websocket, error.http_status, kebab(type(error).__name__), error.message)
            await websocket.send_denial_response(refusal)
            return
        except SQLAlchemyError:
            detail = "The database cannot be reached right now."
            await websocket.send_denial_response(problem(websocket, 503, "database-unavailable", detail))
            return
        await websocket.accept()
        await _Open(websocket, owned, subscriber, asking.ends_at).run(after)
    finally:
        if admitted is not None:
            owned.hub.dismiss(admitted)


def _subscriber(user_id: UUID, row: Project | Generation | Batch) -> Subscriber:
    match row:
        case Project():
            return Subscriber(user_id, row.id)
        case Generation():
            return Subscriber(user_id, row.project_id, row.id)
        case Batch():
            return Subscriber(user_id, row.id, batch=True)


async def _heads(session: AsyncSession, subscriber: Subscriber) -> dict[UUID, int]:
    """The newest event of what is subscribed to; none if it is gone."""
    of = batch_events.heads if subscriber.batch else events.heads
    return await of(session, {subscriber.project_id})


def _after(websocket: WebSocket) -> int:
    given = websocket.query_params.get("after", "0")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise BadInput("after is the `seq` of the last event that the client has: a number, 0 or more.")
    return int(given)


async def _caller(websocket: WebSocket, owned: Resources) -> Caller:
    """The account that opens the socket."""
    ticket = getattr(websocket.state, "ticket", None)
    if ticket is not None:
        async with owned.database.session() as session:
            taken = await accounts.take_ticket(session, ticket)
        if taken is None:
            raise Unauthorized("The ticket is invalid or has expired: each opens one socket, within seconds.")
        return Caller(taken.user_id, taken.login, project_id=taken.project_id, ends_at=taken.ends_at)
    scheme, _, token = websocket.headers.get("Authorization", "").partition(" ")
    return await account_of(owned, token if scheme.lower() == "bearer" and token else None, websocket)


class _Open:
    """An accepted socket."""

    def __init__(
        self, websocket: WebSocket, owned: Resources, subscriber: Subscriber, ends_at: datetime | None
    ) -> None:
        self._websocket = websocket
        self._hub = owned.hub
        self._database = owned.database
        self._patience = owned.settings.socket_patience
        self._subscriber = subscriber
        self._ends_at = ends_at
        self._looking: asyncio.Task[None] | None = None
        self._wanted: UUID | None = None
        self._looked = 0.0
        self._position = 0

    async def run(self, after: int) -> None:
        """Send and receive until one side closes."""
        loop = asyncio.get_running_loop()
        expiry = None
        if self._ends_at is not None:
            left = (self._ends_at - datetime.now(UTC)).total_seconds()
            expired = partial(self._subscriber.end, Close.EXPIRED, "the token has expired: connect with a new one")
            expiry = loop.call_later(max(0.0, left), expired)
        hearing = loop.create_task(self._hear())
        try:
            self._position = after
            await self._tell()
        except Ended as ended:
            await self._close(ended)
        except (WebSocketDisconnect, RuntimeError):
            # The peer has left; uvicorn raises the second after it closed the socket itself.
            pass
        except SQLAlchemyError as error:
            log.warning("a socket is closed because the database cannot be read: %s", type(error).__name__)
            await self._close(Ended(Close.AWAY, "the database cannot be reached right now: connect again"))
        finally:
            hearing.cancel()
            if expiry is not None:
                expiry.cancel()
            self._hub.dismiss(self._subscriber)
            loop.call_later(LINGER, self._cut)
            await self._depart()

    async def _tell(self) -> None:
        """Send missed events, then new ones. A client that falls behind reads from the database again for a while."""
        if self._subscriber.present:
            async with self._database.session() as session:
                await presences.enter(session, self._subscriber)
        await self._hub.stir()
        await self._catch_up()
        await self._send(json.dumps({"type": "live", "seq": self._position}))
        while True:
            for one in await self._subscriber.next():
                await self._event(one)
            if self._subscriber.overtaken:
                try:
                    async with asyncio.timeout(self._patience):
                        await self._catch_up()
                except TimeoutError:
                    raise Ended(Close.TOO_SLOW, "too slow: connect again with the last seq") from None

    async def _catch_up(self) -> None:
        """Send the events that exist and subscribe to new ones, without a gap."""
        final, head = await self._standing()
        while head - self._position > PAGE:
            await self._until(head)
            final, head = await self._standing()
        joined = self._hub.join(self._subscriber, self._position)
        await self._until(max(head, joined))
        self._subscriber.last = max(self._subscriber.last, self._position)
        if final:
            what = "batch" if self._subscriber.batch else "generation"
            raise Ended(Close.FINISHED, f"the {what} is finished")

    async def _standing(self) -> tuple[bool, int]:
        """Whether no more events can come, and up to which `seq` they are readable."""
        subscriber = self._subscriber
        async with self._database.session() as session:
            final = False
            if subscriber.generation_id is not None:
                row = await session.get(Generation, subscriber.generation_id)
                final = row is None or row.status in FINAL_STATUSES
            if subscriber.batch:
                found = await session.get(Batch, subscriber.project_id)
                final = found is None or found.status in ENDED
            heads = await _heads(session, subscriber)
        if subscriber.project_id not in heads:
            raise Ended(Close.NO_ACCESS, "the project is gone")
        return final, heads[subscriber.project_id]

    async def _until(self, head: int) -> None:
        """Send everything up to `head`, page by page."""
        subscriber = self._subscriber
        while self._position < head:
            subscriber.go_on()
            async with self._database.session() as session:
                found: Sequence[Any]
                if subscriber.batch:
                    found = await batch_events.between(session, subscriber.project_id, self._position, head, PAGE)
                else:
                    found = await events.between(
                        session, subscriber.project_id, subscriber.generation_id, self._position, head, PAGE
                    )
            for event in found:
                await self._event(sent_event(event))
            if len(found) < PAGE:
                self._position = head

    async def _event(self, one: SentEvent) -> None:
        if one.seq <= self._position:
            return
        await self._send(one.text)
        self._position = one.seq
        if self._subscriber.generation_id is not None and one.type in _ENDS:
            raise Ended(Close.FINISHED, "the generation is finished")
        if self._subscriber.batch and one.type in _BATCH_ENDS:
            raise Ended(Close.FINISHED, "the batch is finished")

    async def _send(self, text: str) -> None:
        self._subscriber.go_on()
        try:
            async with asyncio.timeout(self._patience):
                await self._websocket.send_text(text)
        except TimeoutError:
            raise Ended(Close.TOO_SLOW, "too slow: connect again with the last seq") from None

    async def _hear(self) -> None:
        """Receive the client's messages. Too many of them, or an unreadable one, close the socket."""
        left, at = BURST, time.monotonic()
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._subscriber.end(None)
                # If the last message is still being sent, the client has stopped reading.
                asyncio.get_running_loop().call_later(1.0, self._cut)
                return
            now = time.monotonic()
            left, at = min(BURST, left + (now - at) * A_SECOND) - 1, now
            if left < 0:
                self._subscriber.end(Close.UNFIT, f"more than {A_SECOND:g} messages a second")
                return
            try:
                said = ViewedPanel.model_validate_json(message.get("text") or "")
            except ValidationError:
                self._subscriber.end(Close.UNFIT, "this message is not understood")
                return
            if not self._subscriber.present:
                self._subscriber.end(Close.UNFIT, "this socket takes no messages")
                return
            self._wanted = said.panel_id
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Report what the user is looking at, once it has not changed for a moment."""
        told_of = self._subscriber.panel_id
        while told_of != self._wanted:
            await asyncio.sleep(max(0.0, self._looked + SETTLE - time.monotonic()))
            self._looked = time.monotonic()
            told_of = self._wanted
            with suppress(SQLAlchemyError):
                async with self._database.session() as session:
                    await presences.view_panel(session, self._subscriber, told_of)

    async def _depart(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._subscriber.present:
            # Otherwise it expires when no sign of life follows.
            with suppress(SQLAlchemyError, OSError):
                async with self._database.session() as session:
                    await presences.leave(session, self._subscriber)

    async def _close(self, ended: Ended) -> None:
        if ended.code is None:
            return
        try:
            async with asyncio.timeout(LINGER):
                await self._websocket.close(ended.code, ended.reason)
        except TimeoutError:
            self._cut()
        except (WebSocketDisconnect, RuntimeError):
            pass

    def _cut(self) -> None:
        extension: dict[str, Any] | None = self._websocket.scope.get("extensions", {}).get("inkloom.cut")
        if extension is not None:
            extension["cut"]()
