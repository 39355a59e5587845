"""Temporal's web UI, which shows and commands everything: who may use it, through the API alone."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from httpx2 import AsyncClient
from pydantic import ValidationError

from api.routes import temporal_ui
from engine.settings import Settings
from inkloom.local.temporal import Temporal
from tests.api.conftest import PASSWORD, registered, serving
from tests.fakes.server import Answer, Asked, Server
from tests.support.servers import NOWHERE, migrated_database

pytestmark = pytest.mark.integration

PEM = serialization.Encoding.PEM


class Ui(Server):
    """Answers like the UI: a page, its token against forged requests, and a redirect to where it thinks it is."""

    async def respond(self, asked: Asked) -> Answer:
        if asked.path.endswith("/moved"):
            return Answer("", 302, {"Location": f"{self.url}/temporal/namespaces"})
        headers = {"Content-Type": "text/html", "Set-Cookie": "_csrf=abc; Path=/; SameSite=Strict", "X-Powered-By": "x"}
        return Answer(f"{asked.method} {asked.path} {asked.body.decode()}", 200, headers)


@pytest.fixture
async def ui() -> AsyncIterator[Ui]:
    async with Ui() as running:
        yield running


@pytest.fixture
async def untouched(database_url: str, tmp_path: Path, ui: Ui) -> Settings:
    """An installation without an account, on this machine."""
    return Settings(
        data=tmp_path,
        storage=str(tmp_path / "pictures"),
        database_url=await migrated_database(database_url, f"ui_{uuid4().hex[:8]}"),
        temporal_address=NOWHERE,
        secret_key="a secret of the tests",
        local_owner=True,
        temporal_ui_url=ui.url,
    )


async def ticket_of(api: AsyncClient, authorization: str) -> str:
    made = await api.post("/api/v1/auth/ws-ticket", headers={"Authorization": authorization})
    return str(made.json()["ticket"])


async def test_the_owner_of_this_machine_just_opens_it(untouched: Settings, ui: Ui) -> None:
    """As long as there are no accounts. Nothing of ours goes to it, and its cookie stays with its pages."""
    async with serving(untouched) as api:
        moved = await api.get("/temporal")
        assert (moved.status_code, moved.headers["location"]) == (308, "/temporal/")
        found = await api.get("/temporal/namespaces/a%20b?q=1&r=2", headers={"Cookie": "_csrf=abc; other=secret"})
        assert (found.status_code, found.text) == (200, "GET /temporal/namespaces/a%20b ")
        sent = await api.post("/temporal/api/v1/x", content="{}", headers={"X-CSRF-Token": "abc", "X-Other": "secret"})
        assert sent.text == "POST /temporal/api/v1/x {}"
        away = await api.get("/temporal/moved")
        assert (away.status_code, away.headers["location"]) == (302, "/temporal/namespaces")
    assert "x-powered-by" not in found.headers
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
    assert found.headers["set-cookie"].startswith("_csrf=abc; Path=/temporal/;")
    assert [asked.headers.get("cookie") for asked in ui.asked[:1]] == ["_csrf=abc"]
    assert [asked.query for asked in ui.asked] == ["q=1&r=2", "", ""]
    assert ui.asked[1].headers["x-csrf-token"] == "abc"
    assert "secret" not in str([asked.headers for asked in ui.asked])


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        pytest.param("GET", {"Host": "evil.example"}, 400, id="a name that leads here"),
        pytest.param("POST", {"Host": "evil.example", "Origin": "http://evil.example"}, 400, id="and its own origin"),
        pytest.param("GET", {"Origin": "http://evil.example"}, 403, id="reading by script"),
        pytest.param("GET", {"Origin": "null"}, 403, id="from a sandbox"),
        pytest.param("POST", {"Origin": "http://evil.example"}, 403, id="a form"),
        pytest.param("POST", {"Origin": "http://127.0.0.1:9999"}, 403, id="another port of this machine"),
        pytest.param("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, id="a picture"),
        pytest.param(
            "GET",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
            403,
            id="a frame",
        ),
        pytest.param("GET", {"X-Forwarded-For": "203.0.113.7"}, 401, id="through a proxy"),
        pytest.param(
            "GET",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            200,
            id="a link",
        ),
    ],
)
async def test_pages_of_others_can_only_link_to_it(
    untouched: Settings, ui: Ui, method: str, headers: dict[str, str], status: int
) -> None:
    async with serving(untouched) as api:
        found = await api.request(method, "/temporal/api/v1/namespaces/default/workflows", headers=headers)
    assert found.status_code == status
    assert len(ui.asked) == (status == 200)


async def test_with_accounts_it_is_for_those_who_run_the_installation(untouched: Settings, ui: Ui) -> None:
    """The account that took over this machine, and the listed ones: with a ticket, once, for a cookie."""
    async with serving(untouched) as api:
        owner, operator, stranger = await registered(api), await registered(api), await registered(api)
        listed = (await api.get("/api/v1/auth/me", headers={"Authorization": operator})).json()["id"]
    async with serving(untouched.model_copy(update={"operators": f"{uuid4()}, {listed.upper()}"})) as api:
        assert (await api.get("/temporal/")).status_code == 401
        assert (await api.get("/temporal/?ticket=guessed")).status_code == 401
        for authorization, status in ((owner, 303), (operator, 303), (stranger, 403)):
            ticket = await ticket_of(api, authorization)
            opened = await api.get(f"/temporal/namespaces?ticket={ticket}&q=1")
            assert opened.status_code == status
            assert (await api.get(f"/temporal/?ticket={ticket}")).status_code == 401
            api.cookies.clear()
            assert (await api.get("/temporal/", headers={"Authorization": authorization})).status_code == (
                200 if status == 303 else 403
            )
            if status == 303:
                assert opened.headers["location"] == "/temporal/namespaces?q=1"
                name, _, value = opened.headers["set-cookie"].partition(";")[0].partition("=")
                flags = opened.headers["set-cookie"].lower()
                assert all(flag in flags for flag in ("httponly", "samesite=strict", "path=/temporal/"))
                asked = len(ui.asked)
                assert (await api.get("/temporal/", headers={"Cookie": f"{name}={value}"})).status_code == 200
                assert value not in str(ui.asked[asked].headers)
                # It opens nothing else, and not with anything else in it.
                for headers in ({"Cookie": f"{name}={value}"}, {"Authorization": f"Bearer {value}"}):
                    assert (await api.get("/api/v1/auth/me", headers=headers)).status_code == 401
                other_end = "0" if value[-1] != "0" else "1"
                for forged in (value[:-1] + other_end, f"{uuid4()}{value[36:]}", "", "a.b.c.d"):
                    assert (await api.get("/temporal/", headers={"Cookie": f"{name}={forged}"})).status_code == 401
        await api.post("/api/v1/auth/logout", headers={"Authorization": operator})
        assert (await api.get("/temporal/", headers={"Cookie": f"{name}={value}"})).status_code == 401


@pytest.mark.parametrize("listed", ["ops@example.org", "0190d1f2-0000-7000-8000-000000000001, ops@example.org", "ops"])
def test_an_operator_is_not_listed_by_a_name_that_others_could_register(listed: str) -> None:
    with pytest.raises(ValidationError, match="give ids of accounts"):
        Settings(operators=listed)


async def test_a_script_opens_it_neither_with_its_token_nor_with_a_ticket(untouched: Settings, ui: Ui) -> None:
    async with serving(untouched) as api:
        owner = await registered(api)
        body = {"name": "script", "scopes": ["read", "write"], "password": PASSWORD}
        made = await api.post("/api/v1/auth/tokens", json=body, headers={"Authorization": owner})
        if made.status_code == 422:
            del body["password"]
            made = await api.post("/api/v1/auth/tokens", json=body, headers={"Authorization": owner})
        script = f"Bearer {made.json()['token']}"
        assert (await api.get("/temporal/", headers={"Authorization": script})).status_code == 403
        assert (await api.get(f"/temporal/?ticket={await ticket_of(api, script)}")).status_code == 401
    assert ui.asked == []


async def test_without_a_ui_there_is_none(untouched: Settings) -> None:
    async with serving(untouched.model_copy(update={"temporal_ui_url": None})) as api:
        assert (await api.get("/temporal/")).status_code == 404
    async with serving(untouched.model_copy(update={"temporal_ui_url": f"http://{NOWHERE}"})) as api:
        assert (await api.get("/temporal/")).status_code == 503


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that is its own authority, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ui")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "ui.pem"
    path.write_bytes(key.private_bytes(PEM, *plain) + made.public_bytes(PEM))
    return path


async def test_an_https_address_is_spoken_to_over_tls(
    untouched: Settings, ui: Ui, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only if its certificate is good: what operators send must reach nobody else."""
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    async with await asyncio.start_server(ui._connected, "127.0.0.1", 0, ssl=ours) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with serving(untouched.model_copy(update={"temporal_ui_url": url})) as api:
            assert (await api.get("/temporal/x")).status_code == 503
            assert ui.asked == []
            trusting = ssl.create_default_context(cafile=str(certificate))
            monkeypatch.setattr(temporal_ui, "_authorities", lambda: trusting)
            assert (await api.get("/temporal/x")).text == "GET /temporal/x "


@pytest.mark.parametrize(
    "wrong", ["temporal-ui:8080", "ftp://ui", "https://", "http://ui:99999", "http://ui:0", "//ui"]
)
def test_an_address_of_another_kind_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="give the address of the web UI as http://host:port or https://host"):
        Settings(temporal_ui_url=wrong)


async def test_the_real_one_works_below_the_path(untouched: Settings, tmp_path: Path) -> None:
    """Its page, everything that it loads, and what it asks; it refuses a change without its own token."""
    (tmp_path / "server").mkdir()
    server = Temporal(tmp_path / "server", tmp_path / "log", namespace="ours", ui_port=0)
    process = await server.launch()
    try:
        async with serving(untouched.model_copy(update={"temporal_ui_url": server.ports.ui_url})) as api:
            page = await api.get("/temporal/namespaces/ours/workflows")
            assert page.status_code == 200
            loaded = set(re.findall(r'(?:href|src)="(/[^"]+)"|import\("(/[^"]+)"\)', page.text))
            assets = {one or other for one, other in loaded}
            assert len(assets) > 5
            assert all(asset.startswith("/temporal/") for asset in assets)
            assert {(await api.get(asset)).status_code for asset in assets} == {200}
            settings = await api.get("/temporal/api/v1/settings")
            assert settings.json()["Auth"]["Enabled"] is False
            # Started before its server, the UI tries again to reach it after a second or two.
            async with asyncio.timeout(30):
                while True:
                    listed = await api.get("/temporal/api/v1/namespaces/ours/workflows")
                    if listed.status_code != 503:
                        break
                    await asyncio.sleep(0.2)
            assert (listed.status_code, listed.json()) == (200, {})
            start = {"workflowType": {"name": "x"}, "taskQueue": {"name": "q"}}
            at = "/temporal/api/v1/namespaces/ours/workflows/w1"
            assert (await api.post(at, json=start, headers={"Cookie": ""})).status_code in (400, 403)
            csrf = {"X-CSRF-Token": api.cookies["_csrf"]}
            assert (await api.post(at, json=start, headers=csrf)).status_code == 200
    finally:
        await server.end(process)
