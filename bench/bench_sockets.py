"""How soon, and whether, events reach those who wait for them: 500 sockets over 50 generations, 100 events a second.

Beside it the same sockets and texts in a bare Starlette application that keeps nothing: its writer hands the text to
every socket in the same process. Servers, writer and clients are processes of their own, on the same cores.
Run: `python -m bench.bench_sockets [SECONDS]`, for 60 seconds each if not told otherwise.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import uvicorn
import uvloop
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect

from api.serve import WEBSOCKETS
from engine.db.session import Database
from engine.settings import Settings
from engine.store import generations, projects
from engine.store.events import emit
from inkloom.local.commands import Commands
from inkloom.local.ports import next_free
from inkloom.local.stack import Stack
from models.events import EventType
from models.options import GenerationKind, GenerationOptions
from models.tables import Project

SOCKETS = 500
GENERATIONS = 50
EVENTS_A_SECOND = 100
IDLE_SECONDS = 10.0

Rows = list[tuple[UUID, UUID]]


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that a process and those below it have taken."""
    alive = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in alive if one.is_running())


def rss(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


class Clients:
    """Sockets that note when what was written at a moment has come."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.twice = 0
        self.received = 0
        self._open: list[tuple[ClientConnection, asyncio.Task[None]]] = []

    async def open(self, addresses: list[str]) -> None:
        gate = asyncio.Semaphore(20)

        async def one(address: str) -> None:
            async with gate:
                client = await connect(address, proxy=None, compression=None)
                # Past what was there before.
                while json.loads(await client.recv())["type"] != "live":
                    pass
                self._open.append((client, asyncio.create_task(self._listen(client))))

        await asyncio.gather(*(one(address) for address in addresses))

    async def _listen(self, client: ClientConnection) -> None:
        last = 0
        async for message in client:
            now = time.time()
            event = json.loads(message)
            if "." not in event["type"]:
                continue
            self.received += 1
            self.twice += event["seq"] <= last
            last = event["seq"]
            self.late.append(now - event["data"]["written"])

    async def close(self) -> None:
        for _, task in self._open:
            task.cancel()
        await asyncio.gather(*(client.close() for client, _ in self._open))

    def figures(self, expected: int) -> dict[str, Any]:
        sample = sorted(self.late)
        return {
            "delivered_of_expected": round(self.received / expected, 6),
            "twice_or_out_of_order": self.twice,
            "p50_ms": round(1000 * statistics.median(sample), 1),
            "p99_ms": round(1000 * sample[int(0.99 * len(sample))], 1),
            "max_ms": round(1000 * sample[-1], 1),
            "sample_ms": [round(1000 * sample[int(part * (len(sample) - 1) / 20)], 1) for part in range(21)],
        }


async def paced(seconds: float, write: Any) -> int:
    """Call `write` with 0, 1, 2, … at the pace of the bench; how many it was."""
    began, count = time.monotonic(), 0
    total = int(seconds * EVENTS_A_SECOND)
    pending: set[asyncio.Task[None]] = set()
    while count < total:
        await asyncio.sleep(max(0.0, began + count / EVENTS_A_SECOND - time.monotonic()))
        task = asyncio.create_task(write(count))
        pending.add(task)
        task.add_done_callback(pending.discard)
        count += 1
    await asyncio.gather(*pending)
    return count


async def orders(database: Database) -> Rows:
    """Projects with a running generation each."""
    found = []
    async with database.session() as session:
        owner = await projects.local_owner(session)
        for _ in range(GENERATIONS):
            project = Project(owner_id=owner, title="Sockets")
            session.add(project)
            await session.flush()
            chapter = await projects.add_chapter(session, project.id, title="", source_text="It rained.")
            generation = await generations.request(
                session,
                project_id=project.id,
                chapter_id=chapter.id,
                kind=GenerationKind.CHAPTER,
                options=GenerationOptions(),
            )
            found.append((project.id, generation.id))
    return found


async def write_events(database_url: str, seconds: float, rows: Rows) -> int:
    """The writer: one transaction an event, each of which says when it was about to be committed."""
    database = Database(database_url, pool_size=5)

    async def write(number: int) -> None:
        project_id, generation_id = rows[number % len(rows)]
        async with database.session() as session:
            data = {"number": number, "written": time.time()}
            await emit(session, project_id, generation_id, EventType.GENERATION_PROGRESSED, data)

    count = await paced(seconds, write)
    await database.close()
    return count


async def spawned(*words: str, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *words,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


async def ready(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            try:
                await client.get(url)
                return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def ours(seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # started by root, Postgres runs as somebody else
        settings = Settings(data=Path(folder), temporal_ui_port=0, secret_key=SecretStr("a secret of the bench"))
        quiet = Commands(workers={})
        async with Stack(settings, api=False, report=lambda line: None, commands=quiet) as endpoints:
            database = Database(endpoints.database_url, pool_size=2)
            rows = await orders(database)
            port = next_free(8600)
            env = {
                "INKLOOM_DATA": folder,
                "INKLOOM_DATABASE_URL": endpoints.database_url,
                "TEMPORAL_ADDRESS": endpoints.temporal_address,
                "INKLOOM_API_PORT": str(port),
                "INKLOOM_LOCAL_OWNER": "true",
                "INKLOOM_SOCKETS_PER_USER": str(SOCKETS),
                "INKLOOM_LOG_LEVEL": "WARNING",
            }
            server = await spawned("inkloom", "api", env=env)
            await ready(f"http://127.0.0.1:{port}/healthz")
            process = psutil.Process(server.pid)
            postgres = next(one for one in psutil.process_iter(["name", "cmdline"]) if _is_postgres(one, folder))
            figures: dict[str, Any] = {"idle_without_sockets": await idle(process, postgres)}
            before = rss(process)
            clients = Clients()
            addresses = [
                f"ws://127.0.0.1:{port}/api/v1/ws/generations/{rows[number % GENERATIONS][1]}"
                for number in range(SOCKETS)
            ]
            await clients.open(addresses)
            await asyncio.sleep(2)
            figures["kib_a_socket"] = round((rss(process) - before) / SOCKETS / 1024, 1)
            figures["idle_with_sockets"] = await idle(process, postgres)
            spent = cpu(process)
            writer = await spawned("bench.bench_sockets", "write", endpoints.database_url, str(seconds), _packed(rows))
            written = int((await writer.communicate())[0])
            await asyncio.sleep(2)
            figures |= clients.figures(written * SOCKETS // GENERATIONS)
            figures["api_cpu_share"] = round((cpu(process) - spent) / (seconds + 2), 3)
            figures["kib_a_socket_after"] = round((rss(process) - before) / SOCKETS / 1024, 1)
            await clients.close()
            server.terminate()
            await server.wait()
            await database.close()
            return figures


def _is_postgres(one: psutil.Process, folder: str) -> bool:
    return "postgres" in (one.info["name"] or "") and any(folder in word for word in one.info["cmdline"] or ())


async def idle(api: psutil.Process, postgres: psutil.Process) -> dict[str, float]:
    """Shares of a core that the API and Postgres take while nothing happens."""
    before = cpu(api), cpu(postgres)
    await asyncio.sleep(IDLE_SECONDS)
    return {
        "api_cpu_share": round((cpu(api) - before[0]) / IDLE_SECONDS, 4),
        "postgres_cpu_share": round((cpu(postgres) - before[1]) / IDLE_SECONDS, 4),
    }


def _packed(rows: Rows) -> str:
    return ",".join(f"{project}:{generation}" for project, generation in rows)


def bare() -> Starlette:
    """What there is to beat: sets of sockets in memory, and nothing that outlives the process."""
    rooms: dict[str, set[WebSocket]] = {}

    async def listen(websocket: WebSocket) -> None:
        await websocket.accept()
        room = rooms.setdefault(websocket.path_params["room"], set())
        room.add(websocket)
        await websocket.send_text('{"type":"live"}')
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            room.discard(websocket)

    async def tell(request: Request) -> Response:
        text = (await request.body()).decode()
        for websocket in list(rooms.get(request.path_params["room"], ())):
            await websocket.send_text(text)
        return Response(status_code=204)

    return Starlette(routes=[WebSocketRoute("/ws/{room}", listen), Route("/tell/{room}", tell, methods=["POST"])])


async def write_bare(port: int, seconds: float) -> int:
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:

        async def write(number: int) -> None:
            event = {
                "seq": number + 1,
                "type": "generation.progressed",
                "at": "2026-01-31T12:00:00Z",
                "generation_id": None,
                "actor_id": None,
                "data": {"number": number, "written": time.time(), "progress": 0.0},
            }
            await client.post(f"/tell/{number % GENERATIONS}", content=json.dumps(event))

        return await paced(seconds, write)


async def peer(seconds: float) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        port = next_free(8600)
        server = await spawned("bench.bench_sockets", "bare", str(port))
        stack.callback(server.kill)
        await ready(f"http://127.0.0.1:{port}/")
        process = psutil.Process(server.pid)
        before = rss(process)
        clients = Clients()
        await clients.open([f"ws://127.0.0.1:{port}/ws/{number % GENERATIONS}" for number in range(SOCKETS)])
        await asyncio.sleep(2)
        figures: dict[str, Any] = {"kib_a_socket": round((rss(process) - before) / SOCKETS / 1024, 1)}
        spent = cpu(process)
        writer = await spawned("bench.bench_sockets", "write-bare", str(port), str(seconds))
        written = int((await writer.communicate())[0])
        await asyncio.sleep(2)
        figures |= clients.figures(written * SOCKETS // GENERATIONS)
        figures["api_cpu_share"] = round((cpu(process) - spent) / (seconds + 2), 3)
        await clients.close()
        return figures


async def measure(seconds: float) -> dict[str, Any]:
    found = {"inkloom": await ours(seconds), "bare_starlette": await peer(seconds)}
    ratio = found["inkloom"]["p99_ms"] / found["bare_starlette"]["p99_ms"]
    return {
        "sockets": SOCKETS,
        "generations": GENERATIONS,
        "events_a_second": EVENTS_A_SECOND,
        "seconds": seconds,
        **found,
        "p99_over_bare": round(ratio, 2),
        "kib_a_socket_over_bare": round(
            found["inkloom"]["kib_a_socket"] / max(0.1, found["bare_starlette"]["kib_a_socket"]), 2
        ),
    }


def main() -> None:
    match sys.argv[1:]:
        case ["write", database_url, seconds, rows]:
            pairs = [(UUID(one.partition(":")[0]), UUID(one.partition(":")[2])) for one in rows.split(",")]
            print(uvloop.run(write_events(database_url, float(seconds), pairs)), flush=True)
        case ["write-bare", port, seconds]:
            print(uvloop.run(write_bare(int(port), float(seconds))), flush=True)
        case ["bare", port]:
            uvicorn.run(bare(), host="127.0.0.1", port=int(port), log_level="warning", access_log=False, **WEBSOCKETS)
        case _:
            length = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
            print(json.dumps(uvloop.run(measure(length))), flush=True)
            os._exit(0)


if __name__ == "__main__":
    main()
