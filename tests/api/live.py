"""Servers of the API on loopback, and clients of their sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import uvicorn
from httpx2 import AsyncClient
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect

from api.app import create_app
from api.serve import WEBSOCKETS
from engine.db.session import Database
from engine.settings import Settings
from engine.store.events import emit
from models.events import EventType
from tests.support.passwords import cheap_passwords

Json = dict[str, Any]
LOOK = 0.5


@dataclass(frozen=True)
class Served:
    """An API that listens."""

    port: int
    app: Any
    server: uvicorn.Server

    def address(self, path: str, **query: Any) -> str:
        """The address of one of its sockets."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return f"ws://127.0.0.1:{self.port}/api/v1/ws/{path}" + (f"?{asked}" if asked else "")

    def open(self, path: str, authorization: str | None, **query: Any) -> connect:
        """A client's socket."""
        headers = {"Authorization": authorization} if authorization else {}
        # A client whose queue is full reads no more, not even the answer to its close.
        return connect(self.address(path, **query), additional_headers=headers, proxy=None, max_queue=None)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Served]:
    """An API with these settings on a port of its own, with its own pool and hub, as a process of its own has.

    Its hub looks after its sockets every `LOOK` seconds.
    """
    app = create_app(settings, cheap_passwords(), look=LOOK)
    bound = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="info", timeout_graceful_shutdown=8, log_config=None, **WEBSOCKETS)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
        assert not task.done(), task.exception()
    try:
        yield Served(bound.getsockname()[1], app, server)
    finally:
        server.should_exit = True
        await task


async def next_event(client: ClientConnection) -> Json:
    """The next event, past what the server says of the stream itself."""
    while True:
        said: Json = json.loads(await asyncio.wait_for(client.recv(), 15))
        if "." in said["type"]:
            return said


async def caught_up(client: ClientConnection) -> list[Json]:
    """All that is there already, up to the word that what follows is live."""
    found: list[Json] = []
    while (said := json.loads(await asyncio.wait_for(client.recv(), 15)))["type"] != "live":
        found.append(said)
    return found


async def until(client: ClientConnection, type: str) -> Json:
    """The next event of a type."""
    while (event := await next_event(client))["type"] != type:
        pass
    return event


async def happen(
    database: Database, project_id: UUID | str, count: int = 1, generation_id: UUID | str | None = None, size: int = 0
) -> None:
    """So many events of a project, one transaction each."""
    for number in range(count):
        async with database.session() as session:
            await emit(
                session,
                UUID(str(project_id)),
                UUID(str(generation_id)) if generation_id else None,
                EventType.GENERATION_PROGRESSED,
                {"number": number, **({"padding": "x" * size} if size else {})},
            )


async def head_of(database: Database, project_id: UUID | str) -> int:
    """The newest `seq` of a project."""
    async with database.session() as session:
        found = await (await session.connection()).execute(
            text("SELECT event_seq FROM projects WHERE id = :id"), {"id": UUID(str(project_id))}
        )
        return int(found.scalar_one())


async def new_project(api: AsyncClient) -> str:
    """The id of a new project."""
    return str((await api.post("/api/v1/projects", json={"title": "A project"})).json()["id"])
