"""Without a worker that carries out workflows, whoever looks at an open generation is told so."""

import asyncio
import time
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from api.http import flow_workers
from api.http.flow_workers import FlowWorkers
from engine.settings import Settings
from models.options import DelayReason
from tests.api.conftest import Crew, ended, new_chapter, serving
from tests.support.servers import NOWHERE, connected

pytestmark = pytest.mark.workflow


async def test_without_a_worker_it_says_so(api: AsyncClient, api_settings: Settings, temporal_address: str) -> None:
    """In the generation and in lists. In a namespace of its own: other tests have workers."""
    empty = f"unserved-{uuid4().hex}"
    await connected(temporal_address, empty)
    _, chapter_id = await new_chapter(api)
    async with serving(api_settings.model_copy(update={"temporal_namespace": empty}), api) as fresh:
        made = await fresh.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
        where = made.headers["Location"]
        (waits,) = (await fresh.get(where)).json()["waiting"]
        (listed,) = (await fresh.get("/api/v1/generations", params={"chapter_id": chapter_id})).json()["items"]
        await fresh.post(f"{where}/cancel")
    said = (waits["reason"], waits["purpose"], waits["needs_decision"])
    assert said == (DelayReason.NO_WORKER, "workflows", False)
    assert listed["waiting"] == [waits]


async def test_with_a_worker_it_waits_for_none(api: AsyncClient, api_settings: Settings, crew: Crew) -> None:
    _, chapter_id = await new_chapter(api)
    async with crew(), serving(api_settings, api) as fresh:
        made = await fresh.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
        assert (await fresh.get(made.headers["Location"])).json()["waiting"] == []
        await ended(fresh, made.json()["id"])


async def test_while_temporal_is_away_nothing_is_claimed(api: AsyncClient, api_settings: Settings) -> None:
    """The generation is read without delay but for the first time."""
    _, chapter_id = await new_chapter(api)
    made = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
    where = made.headers["Location"]
    async with serving(api_settings.model_copy(update={"temporal_address": NOWHERE}), api) as lonely:
        assert (await lonely.get(where)).json()["waiting"] == []
        began = time.monotonic()
        for _ in range(20):
            assert (await lonely.get(where)).json()["waiting"] == []
        assert time.monotonic() - began < flow_workers.FRESH
    assert (await api.post(f"{where}/cancel")).status_code in (200, 202)


async def test_temporal_is_asked_once_for_many(api: AsyncClient) -> None:
    """A thousand viewers at once are one question."""

    class Asked(FlowWorkers):
        times = 0

        async def _served(self) -> bool:
            Asked.times += 1
            return False

    one = Asked(None)  # type: ignore[arg-type]  # it is not asked
    first, *others = await asyncio.gather(*(one.missing_since() for _ in range(1000)))
    assert first is not None
    assert set(others) == {first}
    assert Asked.times == 1
