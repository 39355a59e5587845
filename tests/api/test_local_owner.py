"""The local owner: on this machine no login is needed until somebody registers."""

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from pydantic import SecretStr

from engine.settings import Settings
from tests.api.conftest import Json, Serve, problem, refused, registered, serving
from tests.api.live import LOOK, caught_up, listening, new_project
from tests.support.servers import NOWHERE, migrated_database

pytestmark = pytest.mark.integration


@pytest.fixture
async def untouched(database_url: str, tmp_path: Path) -> Settings:
    """An installation where nobody has registered."""
    return Settings(
        data=tmp_path,
        database_url=await migrated_database(database_url, f"untouched_{uuid4().hex[:8]}"),
        temporal_address=NOWHERE,
        secret_key=SecretStr("another secret"),
        local_owner=True,
    )


async def test_the_first_account_takes_over_what_the_local_owner_has(untouched: Settings) -> None:
    """Until then no login is needed on this machine; from then on it is."""
    async with serving(untouched) as api:
        project = (await api.post("/api/v1/projects", json={"title": "From the command line"})).json()
        authorization = await registered(api)
        assert problem(await api.get("/api/v1/projects")) == refused(401, "unauthorized")
        api.headers["Authorization"] = authorization
        assert [row["id"] for row in (await api.get("/api/v1/projects")).json()["items"]] == [project["id"]]
        api.headers["Authorization"] = await registered(api)
        assert (await api.get("/api/v1/projects")).json()["items"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"X-Real-IP": "203.0.113.7"},
        {"X-Forwarded-Host": "studio.example.org"},
        {"Via": "1.1 somebody"},
        {"CF-Connecting-IP": "203.0.113.7"},
    ],
    ids=str,
)
async def test_what_was_passed_on_does_not_act_as_the_local_owner(untouched: Settings, headers: Json) -> None:
    """A proxy on this machine speaks for the whole world."""
    async with serving(untouched) as api:
        assert (await api.get("/api/v1/projects", headers=headers)).status_code == 401
        assert (await api.get("/api/v1/projects")).status_code == 200


async def test_a_proxy_that_does_not_name_itself_is_not_the_local_owner(untouched: Settings, served: Serve) -> None:
    """The most common one, left as it comes, calls us by our own name and adds nothing; but it asks in HTTP 1.0."""

    async def asked(port: int, version: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /api/v1/auth/me HTTP/{version}\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        status = (await reader.readline()).split()[1]
        writer.close()
        return status

    async with served(database_url=untouched.database_url, local_owner=True) as port:
        assert [await asked(port, version) for version in ("1.1", "1.0")] == [b"200", b"401"]


# What a proxy asks that keeps the host and adds no header, in HTTP 1.1.
ASKS = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
connection.request("GET", "/api/v1/auth/me")
print(connection.getresponse().status)
"""


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="only root can be another")
@pytest.mark.parametrize("account", [pytest.param(None, id="ours"), pytest.param(65_534, id="another")])
async def test_another_account_of_this_machine_is_not_the_local_owner(
    untouched: Settings, served: Serve, account: int | None
) -> None:
    """Neither a proxy that runs as one, whatever it sends, nor another person."""
    async with served(database_url=untouched.database_url, local_owner=True) as port:
        # The interpreter of the tests may lie where this account cannot go.
        command = ("/usr/bin/python3", "-I", "-c", ASKS, str(port))
        asking = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, user=account, cwd="/")
        said, _ = await asking.communicate()
    assert said.decode().strip() == ("200" if account is None else "401")


async def test_the_local_owner_hears_nothing_once_somebody_has_registered(untouched: Settings) -> None:
    """A socket that needed no login ends: from then on everybody needs one."""
    async with (
        listening(untouched) as served,
        AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as api,
        served.open(f"projects/{await new_project(api)}", None) as client,
    ):
        await caught_up(client)
        await asyncio.sleep(LOOK * 1.5)
        await client.ping()
        await registered(api)
        await asyncio.wait_for(client.wait_closed(), 12)
        assert client.close_code == 4401


async def test_nobody_is_the_local_owner_unless_that_is_set(untouched: Settings) -> None:
    """`api` alone may stand on a server; only `up` says that this is somebody's own machine."""
    async with serving(untouched.model_copy(update={"local_owner": False})) as api:
        assert problem(await api.get("/api/v1/projects")) == refused(401, "unauthorized")
        await registered(api)
    async with serving(untouched) as api:
        assert (await api.get("/api/v1/projects")).status_code == 401
