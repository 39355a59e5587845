"""Who may open a socket, and when one is closed: nobody listens longer, or takes more memory, than may be."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psutil
import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from engine.db.session import Database
from engine.settings import Settings
from tests.api.conftest import registered
from tests.api.live import Served, caught_up, happen, listening, new_project, until
from tests.conftest import Order

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
async def served(api_settings: Settings, api: AsyncClient) -> AsyncIterator[Served]:
    """A server that allows three sockets a user and is out of patience soon."""
    limits = {"socket_patience": 1.5, "sockets_per_user": 3}
    async with listening(api_settings.model_copy(update=limits)) as one:
        yield one


@pytest.fixture
def me(api: AsyncClient) -> str:
    return api.headers["Authorization"]


async def refusal(opened: connect) -> tuple[int, dict[str, Any]]:
    """How a handshake was refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with opened:
            pass
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"{}")


async def closing(client: Any) -> tuple[int, str]:
    """With what code and reason a socket ends."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            await asyncio.wait_for(client.recv(), 15)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def ticket_of(api: AsyncClient, authorization: str | None = None) -> str:
    headers = {"Authorization": authorization} if authorization else {}
    return str((await api.post("/api/v1/auth/ws-ticket", headers=headers)).json()["ticket"])


async def test_a_ticket_opens_one_socket(
    served: Served, api: AsyncClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Browsers cannot send a header: a ticket counts once and within its time, and no log has it."""
    project_id = await new_project(api)
    ticket, late = await ticket_of(api), await ticket_of(api)
    with caplog.at_level(logging.INFO):
        async with served.open(f"projects/{project_id}", None, ticket=ticket) as client:
            await caught_up(client)
            assert (await refusal(served.open(f"projects/{project_id}", None, ticket=ticket)))[0] == 401
        async with database.session() as session:
            await (await session.connection()).execute(text("UPDATE tickets SET expires_at = now()"))
        assert (await refusal(served.open(f"projects/{project_id}", None, after=0, ticket=late)))[0] == 401
        assert (await refusal(served.open("nowhere", None, ticket=ticket)))[0] == 404
    assert project_id in caplog.text
    assert ticket not in caplog.text
    assert late not in caplog.text


async def test_a_ticket_ends_with_what_it_was_given_for(served: Served, api: AsyncClient) -> None:
    """A login that was ended, or a token that was revoked, is heard no more; nor do its other tickets count."""
    mine = await registered(api)
    headers = {"Authorization": mine}
    project = (await api.post("/api/v1/projects", headers=headers, json={"title": "Mine"})).json()["id"]
    new = {"name": "a script", "scopes": ["read", "write"], "days": None}
    made = (await api.post("/api/v1/auth/tokens", headers=headers, json=new)).json()
    script = f"Bearer {made['token']}"
    tickets = {who: [await ticket_of(api, who) for _ in range(2)] for who in (script, mine)}
    path = f"projects/{project}"
    async with (
        served.open(path, None, ticket=tickets[script][0]) as scripts,
        served.open(path, None, ticket=tickets[mine][0]) as window,
    ):
        await caught_up(window)
        assert (await api.delete(f"/api/v1/auth/tokens/{made['id']}", headers=headers)).status_code == 204
        assert (await asyncio.wait_for(closing(scripts), 12))[0] == 4401
        assert (await api.post("/api/v1/auth/logout", headers=headers)).status_code == 204
        assert (await asyncio.wait_for(closing(window), 12))[0] == 4401
    for left in (tickets[script][1], tickets[mine][1]):
        assert (await refusal(served.open(path, None, ticket=left)))[0] == 401


async def test_nobody_listens_unnamed(served: Served, api: AsyncClient) -> None:
    """Without a token, with a wrong one, or with one where it would be logged, there is no socket."""
    project_id = await new_project(api)
    token = api.headers["Authorization"].removeprefix("Bearer ")
    for opened in (
        served.open(f"projects/{project_id}", None),
        served.open(f"projects/{project_id}", "Bearer nonsense"),
        served.open(f"projects/{project_id}", f"Basic {token}"),
        served.open(f"projects/{project_id}", None, token=token),
        served.open(f"projects/{project_id}", None, ticket=token),
    ):
        status, said = await refusal(opened)
        assert (status, said["type"]) == (401, "/problems/unauthorized")


async def test_what_belongs_to_others_is_as_if_it_were_not(
    served: Served, api: AsyncClient, me: str, order: Order
) -> None:
    """The same words for somebody else's project or generation, for an id that nobody has, and for none."""
    ordered = await order()
    answers = []
    for noun, id in (("projects", ordered.run.project_id), ("generations", ordered.run.generation_id)):
        for one in (id, uuid4()):
            status, said = await refusal(served.open(f"{noun}/{one}", me))
            answers.append((status, said["detail"].replace(str(one), "…")))
    assert answers == [(404, "There is no project ….")] * 2 + [(404, "There is no generation ….")] * 2
    assert (await refusal(served.open("projects/nonsense", me)))[0] == 404


@pytest.mark.parametrize("after", ["-1", "x", "9" * 20, "1e3", "5000"])
async def test_after_is_a_number_that_was(served: Served, api: AsyncClient, me: str, after: str) -> None:
    """A `seq` that never was is refused: whoever has it would wait for events that are told to nobody."""
    project_id = await new_project(api)
    status, said = await refusal(served.open(f"projects/{project_id}", me, after=after))
    assert (status, said["type"]) == (422, "/problems/bad-input")


async def test_foreign_pages_are_refused(served: Served, api: AsyncClient, me: str) -> None:
    """A browser opens sockets for any page; ours are opened by our own, and by what is no browser."""
    project_id = await new_project(api)
    address = served.address(f"projects/{project_id}")
    for origin in ("http://evil.example", "null", "http://[", "http://127.0.0.1", f"http://localhost:{served.port}"):
        headers = {"Authorization": me, "Origin": origin}
        assert (await refusal(connect(address, additional_headers=headers, proxy=None)))[0] == 403
    headers = {"Authorization": me, "Origin": f"http://127.0.0.1:{served.port}"}
    async with connect(address, additional_headers=headers, proxy=None) as client:
        await caught_up(client)


async def test_a_token_that_expires_ends_its_socket(served: Served, api: AsyncClient) -> None:
    """Header or ticket: the socket lives no longer than the token, and says why it ends."""
    account = await registered(api)
    headers = {"Authorization": account}
    project = (await api.post("/api/v1/projects", json={"title": "Mine"}, headers=headers)).json()
    signer = served.app.state.resources.signer
    read = signer.read(account.removeprefix("Bearer "))
    short, _ = signer.issue(read.user_id, read.family, timedelta(seconds=2))
    ticket = await ticket_of(api, f"Bearer {short}")
    path = f"projects/{project['id']}"
    async with served.open(path, f"Bearer {short}") as one, served.open(path, None, ticket=ticket) as other:
        for client in (one, other):
            code, reason = await asyncio.wait_for(closing(client), 4)
            assert (code, reason) == (4401, "the token has expired: connect with a new one")


async def test_a_login_that_ends_ends_its_sockets(served: Served, api: AsyncClient) -> None:
    """Whoever logs out, here or at another process, listens no more, within seconds."""
    account = await registered(api)
    headers = {"Authorization": account}
    project = (await api.post("/api/v1/projects", json={"title": "Mine"}, headers=headers)).json()
    async with served.open(f"projects/{project['id']}", account) as client:
        await caught_up(client)
        assert (await api.post("/api/v1/auth/logout", headers=headers)).status_code == 204
        assert (await asyncio.wait_for(closing(client), 12))[0] == 4401


async def test_a_member_who_is_removed_hears_no_more(served: Served, api: AsyncClient, database: Database) -> None:
    """Within seconds, and a project that is deleted ends all of its sockets."""
    project_id = await new_project(api)
    account = await registered(api)
    user_id = (await api.get("/api/v1/auth/me", headers={"Authorization": account})).json()["id"]
    async with database.session() as session:
        await (await session.connection()).execute(
            text("INSERT INTO project_members (project_id, user_id, role) VALUES (:project, :user, 'viewer')"),
            {"project": project_id, "user": user_id},
        )
    path = f"projects/{project_id}"
    async with served.open(path, account) as member, served.open(path, api.headers["Authorization"]) as owner:
        await caught_up(member)
        await caught_up(owner)
        async with database.session() as session:
            await (await session.connection()).execute(
                text("DELETE FROM project_members WHERE user_id = :user"), {"user": user_id}
            )
        assert (await asyncio.wait_for(closing(member), 8))[0] == 4404
        assert (await api.delete(f"/api/v1/projects/{project_id}")).is_success
        assert (await asyncio.wait_for(closing(owner), 8))[0] == 4404


async def test_there_are_so_many_sockets_and_no_more(served: Served, api: AsyncClient, me: str) -> None:
    """Of one account; a closed one makes room."""
    path = f"projects/{await new_project(api)}"
    async with served.open(path, me) as one, served.open(path, me), served.open(path, me):
        assert (await refusal(served.open(path, me)))[0] == 429
        await one.close()
        await asyncio.sleep(0.3)
        async with served.open(path, me) as another:
            await caught_up(another)
    hub = served.app.state.resources.hub
    async with asyncio.timeout(5):
        while hub.sockets:  # noqa: ASYNC110  # the other side of a connection
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "said",
    [
        "{}",
        "nonsense",
        '{"type": "looking", "panel_id": "x"}',
        '{"type": "looking", "panel_id": null, "more": 1}',
        b"x",
    ],
)
async def test_what_is_not_understood_ends_the_socket(
    served: Served, api: AsyncClient, me: str, said: str | bytes
) -> None:
    async with served.open(f"projects/{await new_project(api)}", me) as client:
        await caught_up(client)
        await client.send(said)
        assert await closing(client) == (4400, "this message is not understood")


async def test_a_client_says_little(served: Served, api: AsyncClient, me: str) -> None:
    """Neither much at once nor often."""
    path = f"projects/{await new_project(api)}"
    async with served.open(path, me) as client:
        await caught_up(client)
        await client.send("x" * 5000)
        assert (await closing(client))[0] == 1009
    async with served.open(path, me) as client:
        await caught_up(client)
        for _ in range(40):
            try:
                await client.send('{"type": "looking", "panel_id": null}')
            except ConnectionClosed:
                break
        assert (await closing(client))[0] == 4400


async def stalled(served: Served, project_id: str, authorization: str) -> socket.socket:
    """A client that shakes hands and then reads nothing."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(peer, ("127.0.0.1", served.port))
    lines = [
        f"GET /api/v1/ws/projects/{project_id} HTTP/1.1",
        f"Host: 127.0.0.1:{served.port}",
        f"Authorization: {authorization}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    await loop.sock_sendall(peer, ("\r\n".join(lines) + "\r\n\r\n").encode())
    assert b"101" in await loop.sock_recv(peer, 64)
    return peer


async def test_who_pings_without_end_costs_no_memory(served: Served, api: AsyncClient, me: str) -> None:
    """Answers to pings do not pile up for a peer that reads none of them."""
    peer = await stalled(served, await new_project(api), me)
    loop = asyncio.get_running_loop()
    # Masked with zeros, 125 bytes each.
    pings = (b"\x89\xfd\x00\x00\x00\x00" + b"x" * 125) * 8000
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    with suppress(ConnectionError):
        for _ in range(40):
            await loop.sock_sendall(peer, pings)
    peer.close()
    # 40 MB came.
    assert process.memory_info().rss - before < 15_000_000


async def test_a_message_that_never_ends_is_not_kept(served: Served, api: AsyncClient, me: str) -> None:
    """Parts that are empty have no bytes to be counted, and each would be kept."""
    peer = await stalled(served, await new_project(api), me)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            await loop.sock_sendall(peer, b"\x01\x80\x00\x00\x00\x00" + b"\x00\x80\x00\x00\x00\x00" * 1000)
            while await loop.sock_recv(peer, 4096):
                pass
    peer.close()


async def test_who_does_not_read_is_dropped(
    served: Served, api: AsyncClient, me: str, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A peer that takes nothing costs bounded memory and is cut off in seconds; others are not held up by it."""
    project_id = await new_project(api)
    hub = served.app.state.resources.hub
    peers = [await stalled(served, project_id, me) for _ in range(2)]
    async with served.open(f"projects/{project_id}", me) as healthy:
        await caught_up(healthy)
        assert hub.sockets == 3
        process = psutil.Process(os.getpid())
        before = process.memory_info().rss
        writing = asyncio.create_task(happen(database, project_id, 400, size=50_000))
        received = 0
        async with asyncio.timeout(60):
            while received < 400:
                await until(healthy, "generation.progressed")
                received += 1
        await writing
        # 20 MB went by, and two peers took none of it.
        assert process.memory_info().rss - before < 40_000_000
        async with asyncio.timeout(15):
            # Nothing is kept for them, though they have not taken what was sent: not even a connection.
            while len(served.server.server_state.connections) > 1:  # noqa: ASYNC110  # the other side
                await asyncio.sleep(0.1)
            assert hub.sockets == 1
    async with asyncio.timeout(10):
        for peer in peers:
            with pytest.raises((ConnectionError, EOFError)):
                while True:
                    if not await asyncio.get_running_loop().sock_recv(peer, 65536):
                        raise EOFError
            peer.close()


async def test_who_does_not_read_keeps_no_server_from_stopping(
    api_settings: Settings, api: AsyncClient, me: str, database: Database
) -> None:
    """Patience ends with the server."""
    project_id = await new_project(api)
    async with listening(api_settings.model_copy(update={"socket_patience": 60.0})) as one:
        peer = await stalled(one, project_id, me)
        await happen(database, project_id, 40, size=50_000)
        await asyncio.sleep(0.5)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    peer.close()


async def test_who_reads_slowly_is_told_why_it_is_dropped(
    served: Served, api: AsyncClient, me: str, database: Database
) -> None:
    """A client that takes less than comes gets the reason, and goes on from its last `seq` without a gap."""
    project_id = await new_project(api)
    found: list[int] = []
    opened = connect(
        served.address(f"projects/{project_id}"), additional_headers={"Authorization": me}, proxy=None, max_queue=1
    )
    async with opened as client:
        client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        await caught_up(client)
        writing = asyncio.create_task(happen(database, project_id, 900, size=20_000))
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(60):
                while True:
                    said = json.loads(await client.recv())
                    if "." in said["type"]:
                        found.append(said["seq"])
                    await asyncio.sleep(0.03)
        await writing
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4429, "too slow: connect again with the last seq")
    async with served.open(f"projects/{project_id}", me, after=found[-1]) as client:
        found += [event["seq"] for event in await caught_up(client)]
    assert len(found) >= 900
    assert found == list(range(found[0], found[0] + len(found)))
