"""How much of a vendor's quota is used, and how often it says no: three workers, a real ledger, a real server.

The vendor allows 60 requests in any 60 seconds and answers 429 beyond that. Run: `python -m bench.bench_quota`, for
four minutes.
"""

import asyncio
import itertools
import json
import os
import tempfile
import time
from collections import deque
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import httpx

from engine.db.session import Database
from engine.money import ledger
from engine.providers.usage import Tokens
from engine.settings import Rate, Settings
from engine.store import generations, projects
from inkloom.local.commands import Commands
from inkloom.local.stack import Stack
from models.options import GenerationKind, GenerationOptions

QUOTA = 60
MINUTES = 4
WORKERS = 3
# More at a time than the quota lets through, so that there is always somebody waiting.
SLOTS = 8
ANSWER_SECONDS = 0.3


class Metered:
    """A vendor on loopback that counts a sliding minute."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self.answered: list[float] = []
        self.refused = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                now = time.monotonic()
                while self._recent and now - self._recent[0] >= 60:
                    self._recent.popleft()
                if len(self._recent) >= QUOTA:
                    self.refused += 1
                    status = "429 Too Many Requests"
                else:
                    self._recent.append(now)
                    self.answered.append(now)
                    status = "200 OK"
                    await asyncio.sleep(ANSWER_SECONDS)
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def worker(
    database_url: str, vendor: str, scope: tuple[UUID, UUID, UUID], numbers: "itertools.count[int]", until: float
) -> None:
    """One process's share: its own database connections, `SLOTS` calls at a time."""
    database = Database(database_url, pool_size=SLOTS)
    terms = ledger.Terms(rates={"metered": Rate(requests=QUOTA)})
    owner, project, generation = scope

    async def slot(client: httpx.AsyncClient) -> None:
        while time.monotonic() < until:
            order = ledger.PaidRequest(
                owner_id=owner,
                project_id=project,
                generation_id=generation,
                kind="llm",
                provider="metered",
                model="",
                purpose="Dialogue",
                target_id=project,
                request_hash=str(next(numbers)),
                ordinal=1,
                holder="bench",
            )
            async with database.session() as session:
                granted = await ledger.acquire(session, order, terms=terms, send=True)
            if not isinstance(granted, ledger.Grant):
                raise granted
            if time.monotonic() + granted.wait > until:
                return
            if granted.wait:
                await asyncio.sleep(granted.wait)
                async with database.session() as session:
                    await ledger.submit(session, granted.call)
            answer = await client.get(vendor)
            async with database.session() as session:
                if answer.is_success:
                    usage = ledger.Usage(Tokens(1, 1), Decimal(0))
                    await ledger.confirm(session, granted.call, usage, answer="ok")
                else:
                    await ledger.fail(session, granted.call, "429")

    async with httpx.AsyncClient(trust_env=False) as client:
        await asyncio.gather(*(slot(client) for _ in range(SLOTS)))
    await database.close()


async def ordered(database_url: str) -> tuple[UUID, UUID, UUID]:
    """An owner, a project and a generation to book calls on."""
    database = Database(database_url, pool_size=1)
    async with database.session() as session:
        owner = await projects.local_owner(session)
        project = await projects.project_of_story(session, owner, "Quota", "quota")
        chapter = await projects.chapter_of_run(
            session, project, "quota", title="Quota", source_text="It rained.", script=None
        )
        generation = await generations.request(
            session,
            project_id=project,
            chapter_id=chapter.id,
            kind=GenerationKind.CHAPTER,
            options=GenerationOptions(),
        )
        found = owner, project, generation.id
    await database.close()
    return found


async def measure() -> dict[str, object]:
    vendor = Metered()
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # started by root, Postgres runs as somebody else
        settings = Settings(data=Path(folder), temporal_ui_port=0)
        async with Stack(settings, api=False, report=lambda line: None, commands=Commands(workers={})) as endpoints:
            scope = await ordered(endpoints.database_url)
            began = time.monotonic()
            numbers = itertools.count()
            until = began + 60 * MINUTES
            await asyncio.gather(*(worker(endpoints.database_url, url, scope, numbers, until) for _ in range(WORKERS)))
    server.close()
    minutes = [sum(minute <= (at - began) / 60 < minute + 1 for at in vendor.answered) for minute in range(MINUTES)]
    return {
        "quota_a_minute": QUOTA,
        "answered_by_minute": minutes,
        # Of what the quota allows in that time.
        "used": round(len(vendor.answered) / (QUOTA * MINUTES), 4),
        "refused_429": vendor.refused,
    }


def main() -> None:
    print(json.dumps(asyncio.run(measure())), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
