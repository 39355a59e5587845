"""Events reach whoever listens, once each and in order, whatever breaks in between."""

import asyncio
import json
import random
from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from engine.db.session import Database
from engine.live.relay import TAKEOVER
from engine.settings import Settings
from engine.store import generations
from models.options import GenerationStatus
from tests.api.live import Served, caught_up, happen, head_of, listening, new_project, next_event
from tests.conftest import Order

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
async def pair(api_settings: Settings, api: AsyncClient) -> AsyncIterator[tuple[Served, Served]]:
    """Two processes' worth of API over one database."""
    settings = api_settings.model_copy(update={"socket_patience": 2.0})
    async with listening(settings) as one, listening(settings) as other:
        yield one, other


@pytest.fixture
def me(api: AsyncClient) -> str:
    return api.headers["Authorization"]


async def test_what_happens_reaches_every_process(
    pair: tuple[Served, Served], api: AsyncClient, me: str, database: Database
) -> None:
    """Sockets of both servers get what neither of them wrote, within a moment, in the shape the API answers."""
    project_id = await new_project(api)
    async with pair[0].open(f"projects/{project_id}", me) as one, pair[1].open(f"projects/{project_id}", me) as other:
        await caught_up(one)
        await caught_up(other)
        after = await head_of(database, project_id)
        await happen(database, project_id, 3)
        for client in (one, other):
            found = [await next_event(client) for _ in range(3)]
            while found[0]["seq"] <= after:
                found = [*found[1:], await next_event(client)]
            assert [event["seq"] for event in found] == [after + 1, after + 2, after + 3]
            assert set(found[0]) == {"seq", "type", "at", "generation_id", "actor_id", "data"}


async def test_reconnecting_loses_nothing_and_repeats_nothing(
    pair: tuple[Served, Served], api: AsyncClient, me: str, database: Database
) -> None:
    """A client that goes to and fro between servers at random moments, while events are written, has each once."""
    project_id = await new_project(api)
    chance = random.Random(7)
    total = 1200
    writing = [asyncio.create_task(happen(database, project_id, total // 3)) for _ in range(3)]
    found: list[int] = []
    connections = 0
    async with asyncio.timeout(240):
        while connections < 20 or len(found) < total or not all(task.done() for task in writing):
            connections += 1
            after = found[-1] if found else 0
            async with chance.choice(pair).open(f"projects/{project_id}", me, after=after) as client:
                try:
                    # A busy machine reads nothing in so short a time: each stay is a little longer than the last.
                    async with asyncio.timeout(chance.uniform(0.0, 0.12) * max(1.0, connections / 20)):
                        while True:
                            said = json.loads(await client.recv())
                            if "." in said["type"]:
                                found.append(said["seq"])
                except TimeoutError:
                    pass
    await asyncio.gather(*writing)
    head = await head_of(database, project_id)
    async with pair[0].open(f"projects/{project_id}", me, after=found[-1]) as client:
        found += [event["seq"] for event in await caught_up(client)]
    assert found == list(range(1, max(head, found[-1]) + 1))


async def test_a_generation_is_a_part_of_its_project(
    pair: tuple[Served, Served], api: AsyncClient, database: Database, order: Order
) -> None:
    """Its socket has its events and no others, and ends by itself after the last one, at once if that is past."""
    from tests.api.conftest import registered  # a fresh account, which becomes the owner of what was ordered

    me = await registered(api)
    user_id = (await api.get("/api/v1/auth/me", headers={"Authorization": me})).json()["id"]
    ordered = await order()
    run = ordered.run
    async with database.session() as session:
        await (await session.connection()).execute(
            text("UPDATE projects SET owner_id = :me WHERE id = :id"), {"me": user_id, "id": run.project_id}
        )
    async with pair[0].open(f"generations/{run.generation_id}", me) as client:
        backlog = await caught_up(client)
        assert [event["type"] for event in backlog] == ["generation.requested"]
        await happen(database, run.project_id, 3)
        await happen(database, run.project_id, 2, run.generation_id)
        async with database.session() as session:
            await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
        live = [await next_event(client) for _ in range(3)]
        assert [event["type"] for event in live] == ["generation.progressed"] * 2 + ["generation.cancelled"]
        assert {event["generation_id"] for event in live} == {str(run.generation_id)}
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "the generation is finished")
    rest = await api.get(f"/api/v1/generations/{run.generation_id}/events", headers={"Authorization": me})
    assert rest.json()["items"] == [*backlog, *live]
    async with pair[1].open(f"generations/{run.generation_id}", me, after=live[-1]["seq"]) as client:
        with pytest.raises(ConnectionClosed) as closed:
            await next_event(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


async def test_a_killed_listener_listens_again(
    pair: tuple[Served, Served], api: AsyncClient, me: str, database: Database
) -> None:
    """Postgres ends every connection that listens or relays: what happens meanwhile and after arrives, once."""
    project_id = await new_project(api)
    async with pair[0].open(f"projects/{project_id}", me) as one, pair[1].open(f"projects/{project_id}", me) as other:
        seen = [[event["seq"] for event in await caught_up(client)] for client in (one, other)]
        async with database.engine.connect() as connection:
            killed = await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                    " AND datname = current_database()"
                    " AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%' OR query LIKE '%advisory_lock(%')"
                )
            )
            assert len(killed.all()) >= 3
        for _ in range(5):
            await happen(database, project_id, 4)
            await asyncio.sleep(0.3)
        head = await head_of(database, project_id)
        for client, known in zip((one, other), seen, strict=True):
            while not known or known[-1] < head:
                known.append((await next_event(client))["seq"])
            assert known == list(range(1, known[-1] + 1))
            assert known[-1] >= head


async def test_a_notification_that_is_lost_costs_seconds(
    pair: tuple[Served, Served], api: AsyncClient, me: str, database: Database
) -> None:
    """Without a row in the outbox nobody is told; the counters are looked at now and then."""
    project_id = await new_project(api)
    async with pair[0].open(f"projects/{project_id}", me) as client:
        await caught_up(client)
        await asyncio.sleep(0.5)
        after = await head_of(database, project_id)
        async with database.session() as session:
            connection = await session.connection()
            await connection.execute(
                text(
                    "WITH counter AS (UPDATE projects SET event_seq = event_seq + 1 WHERE id = :id RETURNING event_seq)"
                    " INSERT INTO events (project_id, seq, type) SELECT :id, event_seq, 'project.changed' FROM counter"
                ),
                {"id": project_id},
            )
        while (event := await next_event(client))["seq"] <= after:
            pass
        assert event["type"] == "project.changed"


async def test_one_relays_and_another_takes_over(pair: tuple[Served, Served], database: Database) -> None:
    """Whoever relays holds a lock; when its server stops, the next one gets it."""

    async def holders() -> set[int]:
        async with database.engine.connect() as connection:
            found = await connection.execute(
                text(
                    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = :id AND granted"
                    # Other processes of the test run have databases of their own on this server.
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                ),
                {"id": 0x696E6B6C},
            )
            return {row[0] for row in found}

    # Each of the servers has tried by now.
    await asyncio.sleep(2 * TAKEOVER)
    async with asyncio.timeout(20):
        while not (before := await holders()):  # noqa: ASYNC110  # another server's doing
            await asyncio.sleep(0.1)
        assert len(before) == 1
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": next(iter(before))})
        while not (after := await holders() - before):  # noqa: ASYNC110  # another server's doing
            await asyncio.sleep(0.1)
        assert len(after) == 1


async def test_a_server_that_stops_says_so(api_settings: Settings, api: AsyncClient, me: str) -> None:
    """Sockets are told to come again, and the server is down within its grace."""
    project_id = await new_project(api)
    async with listening(api_settings) as served:
        client = await served.open(f"projects/{project_id}", me)
        await caught_up(client)
        served.server.should_exit = True
        began = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(client.recv(), 10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert asyncio.get_running_loop().time() - began < 8
