"""What is told of requests: a line each in the log, and counters for Prometheus."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from starlette.responses import Response
from temporalio.client import Client
from websockets.exceptions import InvalidStatus

from api.app import create_app
from engine.images import ImageRequest
from engine.logs import JsonLines, TextLines, about
from engine.settings import Settings
from tests.api.conftest import Crew, ended, new_chapter, problem, refused, registered, serving
from tests.api.live import listening
from tests.support.passwords import cheap_passwords
from tests.working import Painter

pytestmark = pytest.mark.integration

Lines = list[dict[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged meanwhile, as the log file has it; every line of it is JSON."""
    found: Lines = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # The test's own client logs what it asks; it is no part of the product's process.
            if record.name != "httpx2":
                found.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield found
    root.setLevel(level)
    root.removeHandler(handler)


def answered(lines: Lines) -> Lines:
    return [line for line in lines if line["logger"] == "api.access"]


async def test_a_request_is_one_line(api: AsyncClient, lines: Lines) -> None:
    """With what was asked, of which route, how it ended, how long it took, and by whom it was asked."""
    project_id, _ = await new_chapter(api)
    lines.clear()
    answer = await api.get(f"/api/v1/projects/{project_id}", headers={"X-Request-ID": "order-9"})
    (line,) = answered(lines)
    assert line["ms"] > 0
    wanted = {
        "level": "INFO",
        "method": "GET",
        "path": f"/api/v1/projects/{project_id}",
        "route": "/api/v1/projects/{project_id}",
        "status": 200,
        "bytes": len(answer.content),
        "client": "127.0.0.1",
        "request_id": "order-9",
    }
    assert line.items() >= wanted.items()


async def test_a_handshake_that_is_refused_is_one_line(api_settings: Settings, api: AsyncClient, lines: Lines) -> None:
    """With its id, like any other request, and a problem for the client: it is nobody's mistake here."""
    project_id, _ = await new_chapter(api)
    async with listening(api_settings) as served:
        for path, status, type in (
            (f"projects/{uuid4()}", 404, "not-found"),
            (f"projects/{project_id}", 401, "unauthorized"),
            ("nowhere", 404, "not-found"),
            ("projects/x/y", 404, "not-found"),
        ):
            lines.clear()
            with pytest.raises(InvalidStatus) as refusal:
                await served.open(path, "Bearer none" if status == 401 else api.headers["Authorization"])
            response = refusal.value.response
            told = json.loads(response.body or b"")
            assert (response.status_code, told["status"], told["type"]) == (status, status, f"/problems/{type}")
            await asyncio.sleep(0.05)
            (line,) = answered(lines)
            assert (line["status"], line["method"], line["request_id"]) == (status, "WEBSOCKET", told["request_id"])
            assert {one["level"] for one in lines} == {"INFO"}


async def test_lines_hold_no_secrets(api: AsyncClient, lines: Lines) -> None:
    """Tickets and tokens stand in queries and headers; neither is logged."""
    headers = {"Authorization": "Bearer not-for-logs", "Cookie": "not-for-logs"}
    await api.get("/api/v1/projects?ticket=not-for-logs&token=not-for-logs", headers=headers)
    await api.get("/api/v1/nothing?token=not-for-logs", headers=headers)
    assert len(answered(lines)) == 2
    assert "not-for-logs" not in json.dumps(lines)


async def test_all_lines_of_a_request_have_its_id(api_settings: Settings, lines: Lines) -> None:
    """Also those of others than us, and of tasks that the request begins."""
    app = create_app(api_settings, cheap_passwords())

    async def talks(_: Any) -> Response:
        logging.getLogger("somebody.else").warning("a line")
        raise RuntimeError

    app.add_route("/talks", talks)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1") as client:
        await client.get("/talks", headers={"X-Request-ID": "order-4"})
    ours = {line["logger"]: line["request_id"] for line in lines}
    assert ours == dict.fromkeys(["somebody.else", "api.middleware.errors", "api.access"], "order-4")
    (defect,) = (line for line in lines if line["logger"] == "api.middleware.errors")
    assert "RuntimeError" in defect["exception"]


async def test_a_path_cannot_forge_a_line(api: AsyncClient, lines: Lines) -> None:
    """A line feed in it stays inside of its line, as do signs that steer a terminal."""
    await api.get("/api/v1/a%0A%7B%22status%22%3A200%7D%1B%5B2J")
    (line,) = answered(lines)
    assert "\n" in line["path"]
    record = logging.makeLogRecord({"msg": "answered", "fields": {"path": line["path"]}})
    for form in (JsonLines(), TextLines()):
        assert not {"\n", "\x1b"} & set(form.format(record))


@pytest.mark.workflow
async def test_watching_makes_no_noise(api: AsyncClient, lines: Lines) -> None:
    """Those who ask every few seconds whether all is well do not fill the log."""
    for path in ("/healthz", "/readyz", "/metrics"):
        await api.get(path)
    assert answered(lines) == []


def test_a_line_says_what_the_work_is_about() -> None:
    """Whatever was said to be, in either form; nothing is left over for the next."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextLines())
    known = about.set({"workflow_id": "generation-1"})
    handler.handle(logging.makeLogRecord({"msg": "drawn", "name": "activities", "levelname": "INFO"}))
    about.reset(known)
    handler.handle(logging.makeLogRecord({"msg": "idle", "name": "activities", "levelname": "INFO"}))
    first, second = stream.getvalue().splitlines()
    assert first.endswith("INFO activities: drawn workflow_id=generation-1")
    assert second.endswith("INFO activities: idle")


@pytest.mark.workflow
async def test_what_a_request_ordered_is_told_under_its_id(
    api_settings: Settings, client: Client, crew: Crew, lines: Lines
) -> None:
    """In every activity, also those of children's children; with the workflow that it belongs to."""

    async def before(_: ImageRequest) -> None:
        logging.getLogger("painter").warning("drawing")

    async with serving(api_settings) as api, crew(painter=Painter(before=before)):
        # An account that has no picture yet: what it had would not be drawn again.
        api.headers["Authorization"] = await registered(api)
        _, chapter_id = await new_chapter(api)
        order = {"kind": "chapter", "target_ids": [chapter_id]}
        answer = await api.post("/api/v1/generations", json=order, headers={"X-Request-ID": "order-11"})
        generation = await ended(api, answer.json()["id"])
    drawn = [line for line in lines if line["logger"] == "painter"]
    assert len(drawn) > 2
    for line in drawn:
        assert line["request_id"] == "order-11"
        assert line["workflow_id"].startswith(f"generation-{generation['id']}/")


async def count(api: AsyncClient, **labels: str) -> float:
    """How many requests Prometheus is told of."""
    wanted = "inkloom_http_requests_total{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "} "
    told = (await api.get("/metrics")).text
    return sum(float(line.removeprefix(wanted)) for line in told.splitlines() if line.startswith(wanted))


async def test_requests_are_counted_by_route(api: AsyncClient) -> None:
    """By template and status, so that neither ids nor made-up paths and methods make series of their own."""
    project_id, _ = await new_chapter(api)
    labels = {"method": "GET", "route": "/api/v1/projects/{project_id}", "status": "200"}
    before = await count(api, **labels)
    for _ in range(3):
        await api.get(f"/api/v1/projects/{project_id}")
    await api.get("/wp-login.php")
    await api.request("BREW", "/api/v1/projects")
    assert await count(api, **labels) == before + 3
    told = (await api.get("/metrics")).text
    assert project_id not in told
    assert "wp-login" not in told
    assert "BREW" not in told
    assert 'inkloom_database_connections{state="idle"}' in told
    assert 'inkloom_http_request_seconds_bucket{le="0.1",method="GET",route="/api/v1/projects/{project_id}"}' in told


FORWARDED = [
    ("X-Forwarded-For", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("Via", "1.1 a"),
]


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", [], 200),
        ("::1", [], 200),
        ("203.0.113.9", [], 404),
        *(("127.0.0.1", [one], 404) for one in FORWARDED),
        ("203.0.113.9", [("Authorization", "Bearer right")], 200),
        ("127.0.0.1", [FORWARDED[0], ("Authorization", "Bearer right")], 200),
        ("203.0.113.9", [("Authorization", "Bearer wrong")], 404),
        ("203.0.113.9", [("Authorization", "right")], 404),
        ("203.0.113.9", [("Authorization", "Bearer é")], 404),
    ],
)
async def test_metrics_are_not_public(
    api_settings: Settings, client: str, headers: list[tuple[str, str]], status: int
) -> None:
    """For this machine, when nobody stands in between, and for who has the token; to others there is no such path."""
    app = create_app(api_settings.model_copy(update={"metrics_token": SecretStr("right")}), cheap_passwords())
    transport = ASGITransport(app, client=(client, 5000))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking,
    ):
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        answer = await asking.get("/metrics", headers=encoded)
    assert answer.status_code == status
    if status == 404:
        assert problem(answer) == refused(404, "not-found")


@pytest.mark.parametrize("token", [None, SecretStr("")])
async def test_without_a_token_no_token_is_right(api_settings: Settings, token: SecretStr | None) -> None:
    """Least of all an empty one."""
    app = create_app(api_settings.model_copy(update={"metrics_token": token}), cheap_passwords())
    transport = ASGITransport(app, client=("203.0.113.9", 5000))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking,
    ):
        for given in ("Bearer ", "Bearer None", ""):
            assert (await asking.get("/metrics", headers={"Authorization": given})).status_code == 404
