"""What a batch costs per item, and whether that grows: batches of 250, 500, 1,000 and 2,000 chapters, in turn.

Each chapter is a script of one panel whose words and prompt are there, so no time is spent on reading or drawing: what
is measured is the batch, the workflows of a chapter, and the rows. Sizes are per item: bytes that Postgres and Temporal
grew by, the longest history of the batch's workflow, and the memory of the worker processes at the end.

Run alone: `python -m bench.bench_batch [COUNT …]`.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import text
from temporalio.client import Client

from engine.db.session import Database, execute
from engine.settings import Settings
from engine.store import batches, projects
from engine.store.projects import add_chapter
from inkloom.local.stack import Stack
from inkloom.worker import connect
from models.batches import ENDED
from models.ids import batch_workflow_id
from models.options import GenerationOptions
from models.tables import Batch, Project
from workflows.starting import start_batch

COUNTS = (250, 500, 1000, 2000)
AT_A_TIME = 20


def script(number: int) -> dict[str, Any]:
    """A chapter of one panel that needs no writer."""
    panel = {"description": "A kite.", "caption": f"Kite {number}.", "prompt": "a kite over a harbour"}
    return {"title": f"Kite {number}", "scenes": [{"panels": [panel]}]}


async def requested(database: Database, count: int) -> Batch:
    async with database.session() as session:
        owner = await projects.local_owner(session)
        project = Project(owner_id=owner, title=f"{count} kites")
        session.add(project)
        await session.flush()
        items = []
        for number in range(count):
            made = await add_chapter(
                session, project.id, title=f"Kite {number}", source_text="", script=script(number), at=None
            )
            items.append(batches.NewItem(project_id=project.id, target_ids=[made.id], title=made.title))
        options = GenerationOptions(until="script")
        return await batches.request(
            session, owner, f"{count} kites", items, options, batches.Terms(at_a_time=AT_A_TIME)
        )


async def ended(database: Database, batch_id: UUID) -> Batch:
    while True:
        async with database.session() as session:
            found = await session.get_one(Batch, batch_id)
        if found.status in ENDED:
            return found
        await asyncio.sleep(0.5)


async def postgres_bytes(database: Database) -> int:
    async with database.session() as session:
        return int((await execute(session, text("SELECT pg_database_size(current_database())"))).scalar_one())


async def histories(client: Client, batch_id: UUID) -> list[int]:
    """The events of each run of the batch's workflow."""
    found = []
    async for run in client.list_workflows(f"WorkflowId = '{batch_workflow_id(batch_id)}'"):
        described = await client.get_workflow_handle(run.id, run_id=run.run_id).describe()
        found.append(described.history_length)
    return found


def workers(data: Path) -> list[psutil.Process]:
    """The worker processes of a data folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "worker" in line and "inkloom" in line and process.environ().get("INKLOOM_DATA") == str(data):
            found.append(process)
    return found


def cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def measured(database: Database, client: Client, data: Path, count: int) -> dict[str, Any]:
    temporal = data / "temporal" / "temporal.db"
    before = await postgres_bytes(database), temporal.stat().st_size
    batch = await requested(database, count)
    filled = await postgres_bytes(database)
    busy, began = cpu(workers(data)), time.monotonic()
    await start_batch(client, batch)
    over = await ended(database, batch.id)
    seconds = time.monotonic() - began
    runs = await histories(client, batch.id)
    return {
        "items": count,
        "status": over.status,
        "seconds": round(seconds, 1),
        "items_per_second": round(count / seconds, 2),
        "worker_cpu_seconds_per_item": round((cpu(workers(data)) - busy) / count, 3),
        "batch_workflow_runs": len(runs),
        "longest_history": max(runs),
        "worker_mb": {process.pid: process.memory_info().rss >> 20 for process in workers(data)},
        "postgres_kb_per_item": round((await postgres_bytes(database) - filled) / count / 1024, 1),
        "postgres_kb_per_item_before": round((filled - before[0]) / count / 1024, 1),
        "temporal_kb_per_item": round((temporal.stat().st_size - before[1]) / count / 1024, 1),
    }


async def main(data: Path, counts: list[int]) -> list[dict[str, Any]]:
    settings = Settings(data=data, database_url=None, temporal_address=None)
    results = []
    async with Stack(settings, api=False, report=lambda line: None) as endpoints:
        database = Database(endpoints.database_url)
        client = await connect(endpoints.temporal_address, settings.temporal_namespace)
        for count in counts:
            results.append(await measured(database, client, data, count))
            print(json.dumps(results[-1]), file=sys.stderr)
        await database.close()
    return results


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        # Started by root, Postgres runs under another account, which must be able to enter.
        Path(folder).chmod(0o755)
        os.environ["INKLOOM_DATA"] = folder
        asked = [int(word) for word in sys.argv[1:]] or list(COUNTS)
        found = asyncio.run(main(Path(folder), asked))
    load = [round(one, 2) for one in os.getloadavg()]
    print(json.dumps({"at_a_time": AT_A_TIME, "load_average": load, "batches": found}))
    sys.stdout.flush()
    os._exit(0)
