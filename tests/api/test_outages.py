"""A server that is away is said to be away; what can go on goes on."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from engine.settings import Settings
from tests.api.conftest import new_chapter, problem, refused, serving
from workflows.starting import PATIENCE

pytestmark = pytest.mark.workflow

NOBODY = "127.0.0.1:1"


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A server that takes connections and never says a word."""

    guests: list[asyncio.StreamWriter] = []

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guests.append(writer)

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for guest in guests:
            guest.close()


@pytest.mark.parametrize("how", ["gone", "silent"])
async def test_without_temporal_orders_are_still_taken(
    api: AsyncClient, api_settings: Settings, silent: str, how: str
) -> None:
    """202 within seconds; the row says requested, and the sweeper starts it once Temporal is back."""
    _, chapter_id = await new_chapter(api)
    address = silent if how == "silent" else NOBODY
    async with serving(api_settings.model_copy(update={"temporal_address": address}), api) as lonely:
        began = time.monotonic()
        order = {"kind": "chapter", "target_ids": [chapter_id]}
        answer, ready = await asyncio.gather(lonely.post("/api/v1/generations", json=order), lonely.get("/readyz"))
        assert (answer.status_code, answer.json()["status"]) == (202, "requested")
        where = answer.headers["Location"]
        assert (await lonely.get(where)).json()["status"] == "requested"
        assert problem(await lonely.post(f"{where}/cancel")) == refused(503, "temporal-unavailable")
        assert (ready.status_code, ready.json()["database"]) == (503, "ok")
        assert ready.json()["temporal"] != "ok"
        assert (await lonely.get("/healthz")).status_code == 200
        assert time.monotonic() - began < 4 * PATIENCE
    assert (await api.post(f"{where}/cancel")).json()["status"] == "cancelled"


async def test_without_the_database_every_answer_says_so(api_settings: Settings, api: AsyncClient) -> None:
    """503 with when to come back, on reads and writes alike; the process itself is alive."""
    gone = api_settings.model_copy(update={"database_url": f"postgresql://nobody@{NOBODY}/nothing"})
    async with serving(gone, api) as lonely:
        for answer in (
            await lonely.get("/api/v1/projects"),
            await lonely.post("/api/v1/projects", json={"title": "One"}),
            await lonely.get(f"/api/v1/images/{uuid4()}"),
            await lonely.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [str(uuid4())]}),
        ):
            assert problem(answer) == refused(503, "database-unavailable")
            assert answer.headers["Retry-After"] == "5"
            assert "nobody" not in answer.text
        ready = await lonely.get("/readyz")
        assert (ready.status_code, ready.json()["temporal"]) == (503, "ok")
        assert ready.json()["database"] != "ok"
        assert (await lonely.get("/healthz")).status_code == 200


async def test_with_everything_there_it_is_ready(api: AsyncClient) -> None:
    """`ok` on all counts."""
    ready = await api.get("/readyz")
    everything = {"status": "ok", "database": "ok", "temporal": "ok", "storage": "ok"}
    assert (ready.status_code, ready.json()) == (200, everything)
