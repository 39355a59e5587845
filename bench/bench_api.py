"""What the API costs over the bare parts: a list of 50 panels, and orders at a steady pace.

    python -m bench.bench_api [lists | starts] [SECONDS]

`lists`: requests a second through authentication and tenant filter, over the same SQL on bare FastAPI and psycopg, 32
connections, alternating. `starts`: 20 orders a second in an open loop, over a bare `start_workflow`; and 50 at once
under one Idempotency-Key. Both servers run in processes of their own; the load comes from here.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import uvloop
from sqlmodel import col, select

from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.ports import next_free
from inkloom.local.stack import Endpoints, Stack
from inkloom.serve import ensure_search_attributes
from inkloom.worker import connect
from models.tables import Panel, Scene

CONNECTIONS = 32
PANELS = 50
ROUNDS = 5
RATE = 20
SECRET = "the secret of a bench"  # noqa: S105  # of nobody
PASSWORD = "harbour-lamp-two-keys"  # noqa: S105  # of nobody


def show(**figures: Any) -> None:
    print(json.dumps(figures))


@asynccontextmanager
async def process(*words: str, port: int, path: str, **environment: str) -> AsyncIterator[str]:
    """A server in a process of its own, up; its address."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, *words, env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL, stderr=None
    )
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(300):
                try:
                    await client.get(f"{address}{path}")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield address
    finally:
        running.terminate()
        await running.wait()


def ours(endpoints: Endpoints, data: Path, port: int) -> Any:
    environment = {
        "INKLOOM_DATA": str(data),
        "INKLOOM_DATABASE_URL": endpoints.database_url,
        "TEMPORAL_ADDRESS": endpoints.temporal_address,
        "INKLOOM_SECRET_KEY": SECRET,
        "INKLOOM_API_PORT": str(port),
        "INKLOOM_ACCESS_MINUTES": "600",
        "INKLOOM_LOG_LEVEL": "WARNING",
    }
    return process("-m", "inkloom", "api", port=port, path="/healthz", **environment)


async def logged_in(address: str) -> dict[str, str]:
    async with httpx.AsyncClient(base_url=address) as client:
        email = f"{uuid4().hex}@example.org"
        (await client.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})).raise_for_status()
        answer = await client.post("/api/v1/auth/login", data={"username": email, "password": PASSWORD})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def chapter_of(client: httpx.AsyncClient, project_id: str) -> str:
    made = await client.post(f"/api/v1/projects/{project_id}/chapters", json={"text": "It rained."})
    return str(made.json()["id"])


async def load(address: str, path: str, headers: dict[str, str], seconds: float) -> tuple[float, list[float]]:
    """Requests a second, and how long each took, over kept connections that ask again at once."""
    host, _, port = address.removeprefix("http://").partition(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{lines}\r\n".encode()
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while (began := time.perf_counter()) < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            at = head.lower().index(b"content-length: ") + 16
            await reader.readexactly(int(head[at : head.index(b"\r", at)]))
            took.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return len(took) / (time.perf_counter() - began), took


async def lists(endpoints: Endpoints, data: Path, seconds: float) -> None:
    """Ours and the bare one in turns, so that a machine that changes its pace does so for both."""
    port, bare_port = next_free(18500), next_free(18600)
    async with ours(endpoints, data, port) as address:
        headers = await logged_in(address)
        async with httpx.AsyncClient(base_url=address, headers=headers) as client:
            project = (await client.post("/api/v1/projects", json={"title": "Bench"})).json()["id"]
            chapter = await chapter_of(client, project)
            user = (await client.get("/api/v1/auth/me")).json()["id"]
        database = Database(endpoints.database_url)
        async with database.session() as session:
            scene = Scene(project_id=UUID(project), chapter_id=UUID(chapter), position=0)
            session.add(scene)
            await session.flush()
            words = [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}]
            session.add_all(
                Panel(
                    project_id=UUID(project),
                    scene_id=scene.id,
                    position=at,
                    description="Mara holds up two keys in the light of the lamp.",
                    characters=["Mara", "Joss"],
                    dialogue=words,
                    prompt="Clear comic art. Close-up of Mara holding up two keys.",
                )
                for at in range(PANELS)
            )
        async with database.session() as session:
            query = select(Panel.id).where(Panel.scene_id == scene.id).order_by(col(Panel.position))
            wanted = [str(one) for one in (await session.exec(query)).all()]
        await database.close()
        arguments = json.dumps({"scene": str(scene.id), "user": user})
        bare = process(
            *("-m", "bench.bare_api", str(bare_port)),
            port=bare_port,
            path="/panels",
            BENCH_DATABASE=endpoints.database_url,
            BENCH_ARGUMENTS=arguments,
        )
        async with bare as bare_address:
            path = f"/api/v1/scenes/{scene.id}/panels?limit={PANELS}"
            async with httpx.AsyncClient() as client:
                for url in (f"{address}{path}", f"{bare_address}/panels"):
                    found = (await client.get(url, headers=headers)).json()["items"]
                    if [panel["id"] for panel in found] != wanted:
                        raise RuntimeError(f"{url} answers with something else")
            pace: dict[str, list[float]] = {"ours": [], "bare": []}
            took: dict[str, list[float]] = {"ours": [], "bare": []}
            for _ in range(ROUNDS):
                for name, at, what in (("ours", address, path), ("bare", bare_address, "/panels")):
                    rate, each = await load(at, what, headers, seconds)
                    pace[name].append(rate)
                    took[name] += each
    mine = sorted(took["ours"])
    p50, p99 = (mine[int(len(mine) * share)] * 1000 for share in (0.5, 0.99))
    show(
        bench="lists",
        ratio=round(statistics.median(pace["ours"]) / statistics.median(pace["bare"]), 3),
        asked=0.7,
        per_second={name: [round(one) for one in samples] for name, samples in pace.items()},
        p50_ms=round(p50, 2),
        p99_ms=round(p99, 2),
        p99_over_p50=round(p99 / p50, 2),
        asked_p99_over_p50=3,
        load_average=os.getloadavg()[0],
    )


async def paced(seconds: float, work: Callable[[int], Awaitable[None]]) -> tuple[list[float], int]:
    """Begin `RATE` pieces a second, whether or not earlier ones are done; how long each took, how many failed."""
    took: list[float] = []
    failed = 0

    async def one(number: int) -> None:
        nonlocal failed
        began = time.perf_counter()
        try:
            await work(number)
        except Exception:  # noqa: BLE001  # whatever it is, it counts as an error
            failed += 1
        took.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            group.create_task(one(number))
    return took, failed


async def starts(endpoints: Endpoints, data: Path, seconds: float) -> None:
    """Orders of panels, each of a chapter of its own, for there is one order a chapter at a time."""
    port = next_free(18500)
    async with ours(endpoints, data, port) as address:
        headers = await logged_in(address)
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=30) as client:
            project = (await client.post("/api/v1/projects", json={"title": "Bench"})).json()["id"]
            chapters = [await chapter_of(client, project) for _ in range(int(seconds * RATE) + 1)]
            made: list[str] = []

            async def order(number: int) -> None:
                body = {"kind": "export", "target_ids": [chapters[number]]}
                key = {"Idempotency-Key": uuid4().hex}
                answer = await client.post("/api/v1/generations", json=body, headers=key)
                answer.raise_for_status()
                made.append(answer.json()["id"])

            temporal = await connect(endpoints.temporal_address, "default")

            async def bare(number: int) -> None:
                await temporal.start_workflow(
                    "NoSuchWorkflow",
                    id=f"bare-{uuid4()}",
                    task_queue="nobody",
                    execution_timeout=timedelta(minutes=5),
                )

            took_bare, failed_bare = await paced(seconds, bare)
            took, failed = await paced(seconds, order)
            key = {"Idempotency-Key": uuid4().hex}
            body = {"kind": "export", "target_ids": [chapters[-1]]}
            answers = await asyncio.gather(
                *(client.post("/api/v1/generations", json=body, headers=key) for _ in range(50))
            )
    with psycopg.connect(endpoints.database_url) as connection:
        rows = connection.execute(
            "SELECT count(*), count(DISTINCT chapter_id) FROM generations WHERE project_id = %s", [project]
        ).fetchone()
    p99, p99_bare = (sorted(one)[int(len(one) * 0.99)] * 1000 for one in (took, took_bare))
    show(
        bench="starts",
        orders=len(took),
        errors=failed + failed_bare,
        duplicates=len(made) - len(set(made)),
        rows=rows,
        p50_ms=round(statistics.median(took) * 1000, 1),
        p99_ms=round(p99, 1),
        bare_p50_ms=round(statistics.median(took_bare) * 1000, 1),
        bare_p99_ms=round(p99_bare, 1),
        ratio_p99=round(p99 / p99_bare, 2),
        asked_ratio_p99=3,
        fifty_at_once={
            "statuses": sorted({answer.status_code for answer in answers}),
            "generations": len({answer.json()["id"] for answer in answers}),
        },
        load_average=os.getloadavg()[0],
    )


async def main(data: Path, which: str, seconds: float) -> None:
    settings = Settings(data=data, temporal_ui_port=0)
    async with Stack(settings, api=False, report=lambda _: None, commands=Commands(workers={})) as endpoints:
        await ensure_search_attributes(await connect(endpoints.temporal_address, "default"))
        if which in ("lists", "all"):
            await lists(endpoints, data, min(seconds, 6))
        if which in ("starts", "all"):
            await starts(endpoints, data, seconds)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        # Started by root, Postgres runs as somebody else, who must be able to enter.
        Path(folder).chmod(0o755)
        words = sys.argv[1:]
        uvloop.run(main(Path(folder), words[0] if words else "all", float(words[1]) if words[1:] else 60.0))
    sys.stdout.flush()
    os._exit(0)
