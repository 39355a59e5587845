"""The compose file's services as plain processes: a chapter comes through Caddy while one of each is killed."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.ports import LOOPBACK
from inkloom.local.ports import answers as port_answers
from inkloom.local.stack import Stack
from inkloom.local.state import StateFile
from tests.fakes.taught import TaughtVendor
from tests.support.compose_processes import ROOT, Compose, free_ports, temporal_dev_server
from tests.support.folders import enterable_folder
from tests.support.servers import NOWHERE
from tests.support.through_proxy import answers, client

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(900)]

EVERYWHERE = "0.0.0.0"  # noqa: S104 - of the compose file, and replaced
SECRET = 's e$c"r'
PASSWORD = "p@ss/w$o#1%41"
DOTENV = """\
COMPOSE_PROFILES=full
POSTGRES_PASSWORD='{password}'
AWS_ACCESS_KEY_ID=inkloom
AWS_SECRET_ACCESS_KEY='{secret}'
OPENAI_API_KEY='sk-of a "test"$1'
OPENAI_BASE_URL={vendor}/v1
INKLOOM_ASK_ABOVE_USD=100
INKLOOM_RATES='{{"openai": {{"requests": 5000}}}}'
INKLOOM_ANSWER_PATIENCE=5
"""
API = ("api", "api-2")
WORKERS = {"worker-flow": "worker-flow", "worker-draw": "worker-draw", "worker-draw-2": "worker-draw"}


@dataclass
class Started:
    """All of it, as the test uses it."""

    compose: Compose
    vendor: TaughtVendor
    url: str
    authority: Path


@pytest.fixture
async def started() -> AsyncIterator[Started]:
    with enterable_folder("inkloom-compose-") as folder:
        async with AsyncExitStack() as stack:
            vendor = await stack.enter_async_context(TaughtVendor(0.5))
            sockets = await stack.enter_async_context(_postgres(folder / "postgres"))
            ports = free_ports(
                "api", "api-2", "temporal", "s3", "redis", "traces", "received", "admin", "http", "https",
                "master", "volume", "filer", *WORKERS,
            )  # fmt: skip
            (folder / "data").mkdir()
            places = {
                "@postgres:5432/inkloom": f"@/inkloom?host={quote(sockets, safe='')}",
                "temporal:7233": f"127.0.0.1:{ports['temporal']}",
                "object-store:8333": f"127.0.0.1:{ports['s3']}",
                "redis:6379": f"127.0.0.1:{ports['redis']}",
                "jaeger:4318": f"127.0.0.1:{ports['traces']}",
                "api:8420": f"127.0.0.1:{ports['api']}",
                "api-2:8420": f"127.0.0.1:{ports['api-2']}",
                "172.31.84.2": "127.0.0.1",
                "/data": str(folder / "data"),
                "/backups": str(folder / "backups"),
                "/etc/caddy/Caddyfile": str(ROOT / "deploy" / "caddy" / "Caddyfile"),
            }
            compose = Compose(folder, DOTENV.format(vendor=vendor.url, secret=SECRET, password=PASSWORD), places)
            stack.push_async_callback(compose.stop)
            await _all_of_it(compose, folder, ports)
            authority = folder / "caddy" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
            url = f"https://localhost:{ports['https']}"
            await answers(url, authority, 60)
            yield Started(compose, vendor, url, authority)


@asynccontextmanager
async def _postgres(data: Path) -> AsyncIterator[str]:
    """The embedded server, whose database is called as in the compose file; the folder of its socket."""
    settings = Settings(data=data, temporal_address=NOWHERE)
    # The compose file's own job migrates.
    commands = Commands(workers={}, migrate=(sys.executable, "-c", ""))
    async with Stack(settings, api=False, report=print, commands=commands) as server:
        # With the password of the compose file, which it asks for at its socket, too.
        async with await psycopg.AsyncConnection.connect(server.database_url, autocommit=True) as admin:
            await admin.execute(sql.SQL("ALTER ROLE inkloom PASSWORD {}").format(sql.Literal(PASSWORD)))
        kept = StateFile(data).read().postgres_folder
        assert kept is not None
        (Path(kept) / "password").write_text(PASSWORD)
        yield str(make_url(server.database_url).query["host"])


async def _all_of_it(compose: Compose, folder: Path, ports: dict[str, int]) -> None:
    """Start what the compose file names, in its order."""
    program = temporal_dev_server(ports["temporal"], folder)
    compose.running["temporal"] = await asyncio.create_subprocess_exec(
        *program, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    traces = [str(ROOT / "tests" / "containers" / "receiver.py"), str(ports["traces"]), str(ports["received"])]
    compose.running["jaeger"] = await asyncio.create_subprocess_exec(sys.executable, *traces, start_new_session=True)
    await compose.start("redis", "", "--port", str(ports["redis"]), "--bind", "127.0.0.1")
    here = {"-ip=object-store": "-ip=127.0.0.1", "-ip.bind=0.0.0.0": "-ip.bind=127.0.0.1"}
    compose.at("object-store", {**here, "/data": str(folder / "objects"), "8333": str(ports["s3"])})
    (folder / "objects").mkdir()
    listening = [f"-{part}.port={ports[part]}" for part in ("master", "volume", "filer")]
    await compose.start("object-store", "", *listening, "-volume.max=8", "-master.electionTimeout=1s")
    async with asyncio.timeout(60):
        while True:
            if await port_answers(ports["temporal"]):
                break
            await asyncio.sleep(0.1)
    for job in ("migrate", "temporal-namespace", "object-store-bucket"):
        await compose.job(job)
    for name in API:
        compose.at(name, {EVERYWHERE: LOOPBACK, "8420": str(ports[name])})
        await compose.start(name)
    for name, service in WORKERS.items():
        # Each asks one port more if it draws.
        port = ports[name] - (service == "worker-draw")
        compose.at(name, {f"{EVERYWHERE}:9464": f"{LOOPBACK}:{port}"})
        await compose.start(service, name)
    for name in API:
        await compose.healthy(name)
    for name, service in WORKERS.items():
        await compose.healthy(service, name)
    own = {f"CADDY_{name.upper()}_PORT": str(ports[name]) for name in ("admin", "http", "https")}
    compose.at("caddy", {}, {**own, "XDG_DATA_HOME": str(folder / "caddy"), "XDG_CONFIG_HOME": str(folder / "caddy")})
    await compose.start("caddy")


async def test_a_chapter_comes_through_caddy_while_one_of_each_is_killed(started: Started) -> None:
    """No request fails for a client that repeats as documented, and no picture whose answer arrived is paid for again.

    The engine's restart policy is played by the test: what dies starts again.
    """
    async with client(started.url, started.authority) as caller:
        await caller.enter()
        first = await caller.order(1, llm="offline", images="openai")
        await caller.reached(first, 0.2)
        for name in ("api", "worker-draw", "worker-flow", "redis"):
            started.compose.kill(name)
        second = await caller.order(2, llm="offline", images="openai")
        await caller.reached(second, 0.3)
        for name in ("worker-draw-2", "api-2"):
            started.compose.kill(name)
        lost = 0
        for generation in (first, second):
            found = await caller.finished(generation)
            assert (found["status"], found["errors"]) == ("completed", [])
            lost += sum(call["state"] in ("unknown", "failed") for call in await caller.calls(generation))
            assert await caller.export(found)
    assert started.vendor.paid
    again = sum((started.vendor.answered - Counter(list(started.vendor.answered))).values())
    assert again <= lost
    keys = {one.headers["authorization"] for one in started.vendor.paid}
    assert keys == {'Bearer sk-of a "test"$1'}
