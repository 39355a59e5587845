"""A batch's events reach a socket and webhooks: each once, in order, and nobody else's."""

import asyncio
import json
from typing import Any

import pytest
from httpx2 import AsyncClient
from sqlmodel import col, select
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from engine.db.session import Database
from models.tables import Delivery
from tests.api.batch_requests import batch_of, chapters, ended
from tests.api.conftest import Crew, Json, Serve, registered
from tests.support.listed_events import LISTED

pytestmark = pytest.mark.workflow


async def heard(port: int, token: str, batch: Json, after: int) -> list[Json]:
    """The messages of a batch's socket until the server closes it."""
    address = f"ws://127.0.0.1:{port}/api/v1/ws/batches/{batch['id']}?after={after}"
    async with connect(address, additional_headers={"Authorization": token}) as socket:
        return [json.loads(message) async for message in socket]


async def test_a_socket_and_webhooks_hear_it(api: AsyncClient, crew: Crew, served: Serve, database: Database) -> None:
    """Numbers without gaps from wherever a client connects; a project's address hears each event once."""
    project_id, ids = await chapters(api, 2)
    hook = {"url": "https://example.org/hooks", "events": ["batch.completed", "item.completed"]}
    for address in ("https://example.org/hooks", "https://example.org/hooks", "https://example.org/other"):
        made = await api.post(f"/api/v1/projects/{project_id}/webhooks", json=hook | {"url": address})
        assert made.status_code == 201, made.text
    batch = (await api.post("/api/v1/batches", json=batch_of(*ids, external_id="mine-1"))).json()
    token = api.headers["Authorization"]
    async with served() as port:
        listening = asyncio.create_task(heard(port, token, batch, 0))
        async with crew():
            await ended(api, batch)
        async with asyncio.timeout(30):
            first = await listening
        events = [one for one in first if "." in one["type"]]
        assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
        assert events[-1]["type"] == "batch.completed"
        again = await heard(port, token, batch, 3)
        assert [one["seq"] for one in again if "." in one["type"]] == list(range(4, len(events) + 1))
        stranger = await registered(api)
        with pytest.raises(InvalidStatus) as refused:
            await heard(port, stranger, batch, 0)
        assert refused.value.response.status_code == 404
    for one in events:
        named = {name.removesuffix("?") for name in LISTED[one["type"]]}
        assert set(one["data"]) <= named, one
    async with database.session() as session:
        query = select(Delivery).where(Delivery.project_id == batch["project_id"]).order_by(col(Delivery.id))
        sent = (await session.exec(query)).all()
    ends: list[Any] = [one.body for one in sent if one.type == "batch.completed"]
    assert len(ends) == 2
    assert {one["data"]["external_id"] for one in ends} == {"mine-1"}
    assert {one["data"]["batch_id"] for one in ends} == {batch["id"]}
    assert sum(one.type == "item.completed" for one in sent) == 6
