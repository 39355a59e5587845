"""What one client may take of us: bytes, seconds and connections, over real sockets."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import uvicorn
from httpx2 import AsyncClient
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.app import create_app
from api.http.connections import HEADERS_BYTES
from engine.settings import Settings
from tests.api.conftest import Serve, new_chapter, problem, refused, serving
from tests.fakes.server import eventually

pytestmark = pytest.mark.integration

KILO = 1024
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
JSON = {"Content-Type": "application/json"}
DEPTHS = (500, 950, 1_000, 100_000, 3_000_000)


async def said(port: int, *parts: bytes, pause: float = 0.0) -> tuple[int, dict[str, Any]]:
    """Status and body of what comes back for bytes sent part by part, until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = bytearray()

    async def hear() -> None:
        # At once: what has not been read when the server hangs up on us in mid-sentence is lost.
        with contextlib.suppress(ConnectionError):
            while heard := await reader.read(4 * KILO):
                answer.extend(heard)

    hearing = asyncio.create_task(hear())
    try:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        await asyncio.wait_for(hearing, 20)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return 0, {}
    assert b"application/problem+json" in head
    assert b"x-request-id: " in head
    return int(head.split()[1]), json.loads(body)


def post(*headers: str, path: str = "/api/v1/projects") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def chunks(sizes: Sequence[int]) -> list[bytes]:
    """Parts of a body whose length is not said, without an end."""
    return [b"%x\r\n%b\r\n" % (size, b" " * size) for size in sizes]


@pytest.mark.parametrize("more", ["X-Much: " + "a" * 20_000, "Content-Length: 5"], ids=["much", "body"])
async def test_half_a_handshake_keeps_no_connection(served: Serve, more: str) -> None:
    """What begins as one and is none is refused at once: a few thousand of them would keep everybody out for ever."""
    handshake = ["GET /api/v1/ws/projects/x HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"]
    key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    async with served() as port:
        status, told = await said(port, "\r\n".join([*handshake, *key, more]).encode() + b"\r\n\r\n")
    assert (status, told["type"]) == (400, "/problems/malformed-request")


async def test_a_stranger_may_say_little(served: Serve, api: AsyncClient) -> None:
    """Bodies are parsed before routes ask who it is: one of many megabytes is for those who may come in."""
    authorization = f"Authorization: {api.headers['Authorization']}"
    sizes = [32 * KILO, 32 * KILO, 1]
    async with served() as port:
        for more in (["Content-Length: 65537"], ["Content-Length: 65537", "Authorization: Bearer nonsense"]):
            status, told = await said(port, post(*more))
            assert (status, told["detail"]) == (413, "Without logging in, a body may have at most 65536 bytes.")
        chunked = post("Transfer-Encoding: chunked", "Connection: close")
        assert (await said(port, chunked, *chunks(sizes)))[0] == 413
        known = post("Transfer-Encoding: chunked", "Connection: close", authorization)
        assert (await said(port, known, *chunks(sizes), b"0\r\n\r\n"))[0] == 422


async def test_a_body_that_says_it_is_too_large_is_not_read(served: Serve) -> None:
    """It is refused at its headers, also where no route would have read it."""
    async with served(max_body_bytes=64 * KILO) as port:
        for path in ("/api/v1/projects", "/api/v1/nothing", "/healthz"):
            status, told = await said(port, post(f"Content-Length: {64 * KILO + 1}", path=path))
            assert (status, told["type"]) == (413, "/problems/body-too-large")


async def test_a_body_that_does_not_say_how_long_it_is_is_counted(served: Serve) -> None:
    """As soon as it is too large it is refused, however much would have followed."""
    async with served(max_body_bytes=64 * KILO) as port:
        status, told = await said(port, post("Transfer-Encoding: chunked"), *chunks([32 * KILO] * 3))
        assert (status, told["type"]) == (413, "/problems/body-too-large")


async def test_a_body_of_the_largest_size_is_taken(api_settings: Settings, api: AsyncClient) -> None:
    """The limit is what may be sent, not what may not."""
    async with serving(api_settings.model_copy(update={"max_body_bytes": 2 * KILO}), api) as small:
        body = json.dumps({"title": "a"}).encode()
        fits = await small.post("/api/v1/projects", content=body.ljust(2 * KILO), headers=JSON)
        assert fits.status_code == 201
        over = await small.post("/api/v1/projects", content=body.ljust(2 * KILO + 1), headers=JSON)
        assert problem(over) == refused(413, "body-too-large")


async def test_manuscripts_may_be_larger_than_other_things(api_settings: Settings, api: AsyncClient) -> None:
    """Six million characters of any script fit; the limit of everything else does not apply to them."""
    changed = {"max_body_bytes": KILO, "max_upload_bytes": 64 * KILO}
    async with serving(api_settings.model_copy(update=changed), api) as small:
        _, chapter_id = await new_chapter(small, "It rained. " * 1_000)
        longer = {"version": 1, "text": "It rained. " * 2_000}
        assert (await small.patch(f"/api/v1/chapters/{chapter_id}", json=longer)).status_code == 200
        longest = {"version": 2, "text": "x" * 64 * KILO}
        answer = await small.patch(f"/api/v1/chapters/{chapter_id}", json=longest)
        assert problem(answer) == refused(413, "body-too-large")
        answer = await small.post("/api/v1/projects", json={"title": "x" * 2 * KILO})
        assert problem(answer) == refused(413, "body-too-large")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
async def test_packed_bodies_are_refused(api: AsyncClient, encoding: str) -> None:
    """A few bytes may be gigabytes, once unpacked."""
    headers = JSON | {"Content-Encoding": encoding}
    answer = await api.post("/api/v1/projects", content=b'{"title": "a"}', headers=headers)
    assert problem(answer) == refused(415, "compressed-body")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}")])
async def test_depth_is_no_bomb(api: AsyncClient, depth: int, opens: str, closes: str) -> None:
    """However deep a body goes, it is refused at once as the client's mistake."""
    project_id, _ = await new_chapter(api)
    core = "1" if closes == "}" else ""
    body = f'{{"title": "a", "script": {opens * depth}{core}{closes * depth}}}'
    began = time.monotonic()
    answer = await api.post(f"/api/v1/projects/{project_id}/chapters", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert time.monotonic() - began < 30


A_MEGABYTE = 1_000_000
MANY = {
    "lists": '{"items":[' + "[]," * 200_000 + "1]}",
    "objects": '{"items":[' + "{}," * 200_000 + "1]}",
    "numbers": "[" + "1," * 200_000 + "1]",
    "unknown fields": "{" + ",".join(f'"{number}":1' for number in range(110_000)) + "}",
    "values between commas": '{"items":[' + '",",' * 110_000 + "1]}",
    "UTF-16, where a sign holds a quotation mark": ('{"\u2200":[' + "1," * 110_000 + '"\u2200"]}').encode("utf-16"),
}


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in MANY.items()])
@pytest.mark.parametrize("path", ["/api/v1/projects", "/api/v1/batches"])
async def test_a_body_of_many_values_is_refused_unread(api: AsyncClient, path: str, body: str | bytes) -> None:
    """They would take seconds of the event loop. The same bytes as a text are taken."""
    answer = await api.post(path, content=body, headers=JSON)
    assert problem(answer) == refused(422, "too-many-values")
    assert "100,000 values" in answer.json()["detail"]


async def test_a_text_of_many_commas_is_no_body_of_many_values(api: AsyncClient) -> None:
    project_id, _ = await new_chapter(api)
    body = {"title": "a", "text": 'He said, "[{,", and went. ' * (A_MEGABYTE // 26)}
    answer = await api.post(f"/api/v1/projects/{project_id}/chapters", json=body)
    assert answer.status_code == 201, answer.text[:300]


async def test_the_first_of_many_errors_are_listed(api: AsyncClient) -> None:
    answer = await api.post("/api/v1/projects", json={"title": "a"} | {str(number): 1 for number in range(2_000)})
    assert problem(answer) == refused(422, "validation")
    assert len(answer.json()["errors"]) == 100
    assert "2,000 errors" in answer.json()["detail"]


SLOW = {
    "a first line that does not end": [b"GET /healthz"],
    "headers that do not end": [b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"] + [b"X-A: b\r\n"] * 8,
    "a body that does not come": [post("Content-Length: 30")],
    "a body that comes byte by byte": [post("Content-Length: 60"), *[b" "] * 400],
    "chunks that do not end": [post("Transfer-Encoding: chunked"), *chunks([1] * 400)],
}


@pytest.mark.parametrize("how", list(SLOW))
async def test_who_takes_too_long_is_told_so(served: Serve, how: str) -> None:
    """The time is for the whole request: a byte now and then does not win more of it."""
    async with served(request_timeout=0.5) as port:
        began = time.monotonic()
        status, told = await said(port, *SLOW[how], pause=0.1)
        assert (status, told["type"]) == (408, "/problems/too-slow")
        assert time.monotonic() - began < 20


async def test_a_connection_that_says_nothing_is_closed(served: Serve) -> None:
    """It would be held for ever otherwise; there is no request to answer."""
    async with served(request_timeout=0.5) as port:
        began = time.monotonic()
        assert await said(port) == (0, {})
        assert 0.3 < time.monotonic() - began < 20


async def test_slow_work_of_ours_is_not_a_slow_request(served: Serve, api: AsyncClient) -> None:
    """The time ends with the body, and begins anew with the next request on the same connection."""
    async with served(request_timeout=0.4) as port, AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        client.headers["Authorization"] = api.headers["Authorization"]
        for _ in range(4):
            assert (await client.post("/api/v1/projects", json={"title": "a"})).status_code == 201
            await asyncio.sleep(0.2)


async def test_slow_answers_are_not_slow_requests(api_settings: Settings) -> None:
    """Whoever has sent everything may listen as long as there is something to hear."""
    app = create_app(api_settings.model_copy(update={"request_timeout": 0.2}))

    async def tells(request: Request) -> Response:
        await request.body()

        async def parts() -> AsyncIterator[str]:
            for part in "a", "b", "c":
                await asyncio.sleep(0.2)
                yield part

        return StreamingResponse(parts())

    app.add_route("/tells", tells, methods=["POST"])
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with AsyncClient(base_url=address) as client:
        assert (await client.post("/tells", content=b"{}")).text == "abc"
    server.should_exit = True
    await running


async def test_headers_have_an_end(served: Serve) -> None:
    """However they are spread: many small ones, or one large one."""
    many = [b"X-%d: %b\r\n" % (one, b"x" * 1000) for one in range(HEADERS_BYTES // 1000 + 9)]
    for headers in (many, [b"X-A: ", *[b"x" * HEADERS_BYTES] * 8], [b"X-A: %b\r\n\r\n" % (b"x" * HEADERS_BYTES)]):
        async with served() as port:
            status, told = await said(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", *headers)
            assert (status, told["type"]) == (431, "/problems/headers-too-large")


async def test_what_is_no_http_is_a_problem_too(served: Serve) -> None:
    """The server's own refusals have the same form as the application's."""
    async with served() as port:
        status, told = await said(port, b"\x16\x03\x01 hello\r\n\r\n")
        assert (status, told["type"]) == (400, "/problems/malformed-request")


async def test_there_are_only_so_many_connections(served: Serve) -> None:
    """Further ones are told to come back, and once some have gone, they are served."""
    async with served(max_connections=3) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        status, told = await said(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert (status, told["type"]) == (503, "/problems/busy")
        for _, writer in held:
            writer.close()
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await asyncio.sleep(0.1)
            assert (await client.get("/healthz")).status_code == 200


async def test_one_address_leaves_connections_for_others(served: Serve) -> None:
    """Half-sent requests and silence from one address fill its own share; those who come from elsewhere are served."""
    async with served(max_connections=40, connections_per_address=5) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        for _, writer in held:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127")
            await writer.drain()
        status, told = await said(port, HEALTH)
        assert (status, told["type"]) == (503, "/problems/busy")
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        writer.write(HEALTH)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, opened in [*held, (reader, writer)]:
            opened.close()
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            async with asyncio.timeout(20):
                while (await client.get("/healthz")).status_code != 200:  # noqa: ASYNC110  # a server's state, which tells nobody
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize("trusted", ["127.0.0.1", "10.0.0.1, 127.0.0.0/8", "*"])
async def test_a_trusted_proxy_connects_for_many(served: Serve, trusted: str) -> None:
    async with served(connections_per_address=2, trusted_proxies=trusted) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.get("/healthz")).status_code == 200
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize(("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.1", "203.0.113.9")])
async def test_a_forwarded_address_is_believed_of_trusted_proxies_alone(
    served: Serve, trusted: str, client: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can send the header; by default nobody is believed, not even this machine."""
    caplog.set_level("INFO", logger="api.access")
    async with served(trusted_proxies=trusted) as port, AsyncClient(base_url=f"http://127.0.0.1:{port}") as asking:
        await asking.get("/api/v1/nothing", headers={"X-Forwarded-For": "203.0.113.9"})
    (line,) = [record for record in caplog.records if record.name == "api.access"]
    assert line.fields["client"] == client  # type: ignore[attr-defined]  # given as extra
