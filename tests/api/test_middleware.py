"""What stands around every route: ids, problems, headers, who may ask, and how answers are packed."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from api.app import create_app
from api.middleware.callers import origins_of
from engine.errors import BadInput
from engine.settings import Settings
from tests.api.conftest import problem, refused
from tests.support.passwords import cheap_passwords

pytestmark = pytest.mark.integration

STUDIO = "https://studio.example.org"
# More than a kilobyte, which is when packing begins.
LONG = json.dumps({"text": "It rained. " * 400})


@pytest.fixture(scope="module")
async def strict(api_settings: Settings) -> AsyncIterator[AsyncClient]:
    """The application with a studio that may call it, and routes that do what ours never should."""
    app = create_app(api_settings.model_copy(update={"cors_origins": STUDIO}), cheap_passwords())

    async def broken(_: Any) -> Response:
        raise RuntimeError("the secret is 1234")

    async def half(_: Any) -> Response:
        async def parts() -> AsyncIterator[str]:
            yield "half"
            raise RuntimeError("no more")

        return StreamingResponse(parts())

    async def plain(_: Any) -> Response:
        return PlainTextResponse("Go away", status_code=418, headers={"X-More": "said"})

    async def typed(request: Any) -> Response:
        return Response(LONG, headers={"Content-Type": request.query_params["type"]})

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.state.request_id)
        await socket.close()

    for path, route in (("/broken", broken), ("/half", half), ("/plain", plain), ("/typed", typed)):
        app.add_route(path, route)
    app.add_api_websocket_route("/socket", echo)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1") as client,
    ):
        client.app = app  # type: ignore[attr-defined]  # for those that speak to it over a socket
        yield client


@pytest.mark.parametrize("given", ["order-1.a_b", "x" * 64])
async def test_a_request_keeps_the_id_that_it_came_with(api: AsyncClient, given: str) -> None:
    """In the answer's header, once, and in the body of an error."""
    answer = await api.get("/api/v1/nothing", headers={"X-Request-ID": given})
    assert answer.headers.get_list("X-Request-ID") == [given]
    assert answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", '"><script>', "é"])
async def test_an_id_that_is_none_is_replaced(api: AsyncClient, given: str) -> None:
    """What is written into logs and pages is made of letters, digits and a few signs."""
    answer = await api.get("/healthz", headers=[(b"X-Request-ID", given.encode())])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


@pytest.mark.parametrize(
    ("method", "path", "status", "type"),
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("PUT", "/api/v1/projects", 405, "method-not-allowed"),
        ("OPTIONS", "/api/v1/projects", 405, "method-not-allowed"),
        ("BREW", "/healthz", 405, "method-not-allowed"),
        ("GET", "/docs/assets/nothing.js", 404, "not-found"),
        ("POST", "/docs/assets/swagger-ui.css", 405, "method-not-allowed"),
    ],
)
async def test_what_the_router_refuses_is_a_problem(
    api: AsyncClient, method: str, path: str, status: int, type: str
) -> None:
    """Paths that are not there and methods that do not fit, like everything else."""
    assert problem(await api.request(method, path)) == refused(status, type)


async def test_a_405_lists_what_may_be_done(api: AsyncClient) -> None:
    """All methods of the path, not those of the first route that has it."""
    assert (await api.put("/api/v1/projects")).headers["Allow"] == "GET, POST"


async def test_what_can_be_read_can_be_asked_for_its_headers(api: AsyncClient) -> None:
    """HEAD says what GET says, without a body; what is not there is not there either."""
    read, asked = await api.get("/healthz"), await api.head("/healthz")
    assert (asked.status_code, asked.headers["Content-Type"]) == (200, read.headers["Content-Type"])
    assert (await api.head("/api/v1/nothing")).headers["Content-Type"] == "application/problem+json"


async def test_a_defect_is_a_problem_that_tells_nothing(strict: AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """500 with the id under which the log tells what happened."""
    answer = await strict.get("/broken", headers={"X-Request-ID": "order-5"})
    assert problem(answer) == refused(500, "internal")
    assert (answer.json()["request_id"], answer.headers["X-Request-ID"]) == ("order-5", "order-5")
    assert "1234" not in answer.text
    assert "1234" in caplog.text


async def test_half_an_answer_is_not_ended_as_if_it_were_whole(strict: AsyncClient) -> None:
    """Whoever reads it sees the connection break."""
    with pytest.raises(RuntimeError):
        await strict.get("/half")


async def test_refusals_in_plain_words_become_problems(strict: AsyncClient) -> None:
    """Libraries word theirs on their own; what else they say is kept."""
    answer = await strict.get("/plain")
    assert problem(answer) == refused(418, "im-a-teapot")
    assert answer.headers["X-More"] == "said"
    assert "Go away" not in answer.text


async def test_a_body_of_another_kind_is_refused_as_such(api: AsyncClient) -> None:
    """415 says what is wrong; that every field is missing does not."""
    answer = await api.post("/api/v1/projects", content="title=a", headers={"Content-Type": "text/plain"})
    assert problem(answer) == refused(415, "unsupported-media-type")


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/projects", "/api/v1/nothing", "/docs", "/openapi.json"])
async def test_browsers_are_told_what_they_must_not_do(api: AsyncClient, path: str) -> None:
    """On every answer: no guessing of types, no frames, no scripts but the page's own, no referrer."""
    headers = (await api.get(path)).headers
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "script-src 'unsafe" not in policy
    assert headers.get("Cache-Control") == ("no-store" if path.startswith("/api/") else None)


async def test_the_page_of_the_api_needs_no_network(api: AsyncClient) -> None:
    """Every file that it names is served here, and its policy lets no other in."""
    page = await api.get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) > 2
    for one in named:
        assert one.startswith("/docs/")
        assert (await api.get(one)).status_code == 200
    assert "http" not in page.headers["Content-Security-Policy"]
    assert "'sha256-" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("type", ["application/json", "application/problem+json", "text/plain"])
async def test_long_texts_are_packed(strict: AsyncClient, type: str) -> None:
    """For those who can unpack them, and with a word to caches."""
    answer = await strict.get("/typed", params={"type": type})
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding, Origin")
    assert answer.text == LONG
    unpacked = await strict.get("/typed", params={"type": type}, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in unpacked.headers


@pytest.mark.parametrize(
    "type", ["image/png", "image/webp", "application/zip", "application/vnd.comicbook+zip", "text/event-stream"]
)
async def test_what_is_packed_or_flows_is_left_alone(strict: AsyncClient, type: str) -> None:
    """Pictures and archives gain nothing, and an event must not wait for the next."""
    assert "Content-Encoding" not in (await strict.get("/typed", params={"type": type})).headers


async def test_short_answers_are_not_packed(api: AsyncClient) -> None:
    """It would make them longer."""
    assert "Content-Encoding" not in (await api.get("/healthz")).headers


FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1:1",
    "http://127.0.0.1.evil.example",
    STUDIO + ".evil.example",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "OPTIONS"])
async def test_foreign_pages_change_nothing(strict: AsyncClient, origin: str, method: str) -> None:
    """A page in the owner's browser reaches loopback too; what it sends is refused before any route."""
    answer = await strict.request(method, "/api/v1/projects", json={"title": "Mine"}, headers={"Origin": origin})
    assert problem(answer) == refused(403, "foreign-origin")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_pages_read_nothing(strict: AsyncClient, origin: str) -> None:
    """They get an answer that their browser keeps from them."""
    answer = await strict.get("/api/v1/projects", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_our_own_pages_may_do_everything(api: AsyncClient) -> None:
    """The page of the API's description is one; its origin is the host that was asked."""
    answer = await api.post("/api/v1/projects", json={"title": "Mine"}, headers={"Origin": "http://127.0.0.1"})
    assert answer.status_code == 201


async def test_listed_origins_may_call(strict: AsyncClient, api: AsyncClient) -> None:
    """The browser is told so when it asks before, and with the answer; it may read the headers that matter."""
    asks = {
        "Origin": STUDIO,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = await strict.options("/api/v1/projects", headers=asks)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, STUDIO)
    answer = await strict.post(
        "/api/v1/projects",
        json={"title": "Mine"},
        headers={"Origin": STUDIO, "Authorization": api.headers["Authorization"]},
    )
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (201, STUDIO)
    exposed = {"ETag", "Location", "Retry-After", "X-Request-ID"}
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == exposed
    # No cookies: who asks is said by a header that no foreign page can make a browser send.
    assert "Access-Control-Allow-Credentials" not in answer.headers | allowed.headers


async def test_a_preflight_that_asks_too_much_is_a_problem(strict: AsyncClient) -> None:
    """Like every other refusal."""
    asks = {"Origin": STUDIO, "Access-Control-Request-Method": "BREW"}
    assert problem(await strict.options("/api/v1/projects", headers=asks)) == refused(400, "bad-request")


@pytest.mark.parametrize(
    "listed", ["*", "https://*.example.org", "studio.example.org", "null", "https://a.example/path"]
)
def test_what_no_browser_sends_as_an_origin_cannot_be_listed(listed: str) -> None:
    """Least of all everything: without accounts, any page could give orders."""
    with pytest.raises(BadInput, match="INKLOOM_CORS_ORIGINS"):
        origins_of(listed)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::", "a b", ""])
async def test_a_name_that_is_not_ours_is_not_answered(api: AsyncClient, host: str) -> None:
    """A page whose name leads to loopback is of our own origin to its browser."""
    assert problem(await api.get("/api/v1/projects", headers={"Host": host})) == refused(400, "foreign-host")


def shake(client: AsyncClient, **headers: str) -> str:
    """What a WebSocket says first, or the type of the problem with which it is refused."""
    app = client.app  # type: ignore[attr-defined]  # the fixture's own
    speaker = TestClient(app)
    try:
        with speaker.websocket_connect("/socket", headers={"Host": "127.0.0.1", **headers}) as socket:
            return socket.receive_text()
    except WebSocketDenialResponse as refusal:
        return str(refusal.json()["type"])


async def test_sockets_are_looked_at_like_requests(strict: AsyncClient) -> None:
    """They have an id, and neither foreign hosts nor foreign pages may open one."""
    assert shake(strict, **{"X-Request-ID": "order-7"}) == "order-7"
    assert shake(strict, Origin=STUDIO, **{"X-Request-ID": "order-8"}) == "order-8"
    assert shake(strict, Origin="https://evil.example") == "/problems/foreign-origin"
    assert shake(strict, Host="evil.example") == "/problems/foreign-host"
