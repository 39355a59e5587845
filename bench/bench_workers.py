"""What workers add, and what a panel costs: the same chapters with one, two and four `draw` workers, in turn.

Each round makes new chapters of the example story by the offline writer and artist, all requested at once, with servers
of its own. It prints panels a minute by the clock, and the processor seconds of a panel by kind of process, children
that have ended included. On one machine, workers share its cores: the rounds show when these are used up, and what a
worker more costs then.

Run alone: `python -m bench.bench_workers [WORKERS …]`.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.bench_batch import ended
from engine.db.session import Database
from engine.settings import Settings
from engine.store import batches, projects
from engine.store.projects import add_chapter
from inkloom.local.commands import Commands
from inkloom.local.stack import Stack
from inkloom.worker import connect
from models.options import GenerationOptions
from models.tables import Batch, Project
from workflows.starting import start_batch

ROOT = Path(__file__).parent.parent
WORKERS = (1, 2, 4)
CHAPTERS, PANELS = 6, 12
# What its command line says of a process, first match first.
KINDS = (
    ("draw", ("inkloom", "draw")),
    ("flow", ("inkloom", "flow")),
    ("temporal", ("temporal",)),
    ("postgres", ("postgres",)),
)


def story(number: int) -> str:
    """The example story with names of its own, or its pictures would be known from the chapter before."""
    text = next(ROOT.glob("examples/*.txt")).read_text()
    for name in ("Nessa", "Finch", "Drake", "Pip", "Pell"):
        text = text.replace(name, name + "aeiou"[number % 5] + "lmnrst"[number // 5 % 6])
    return f"Chapter {number}\n\n{text}"


async def requested(database: Database, count: int) -> Batch:
    async with database.session() as session:
        owner = await projects.local_owner(session)
        items = []
        for number in range(count):
            project = Project(owner_id=owner, title=f"Story {number}")
            session.add(project)
            await session.flush()
            made = await add_chapter(
                session, project.id, title=f"Story {number}", source_text=story(number), script=None, at=None
            )
            items.append(batches.NewItem(project_id=project.id, target_ids=[made.id], title=made.title))
        options = GenerationOptions(max_panels=PANELS)
        return await batches.request(session, owner, "stories", items, options, batches.Terms(at_a_time=count))


def cpu(data: Path) -> dict[str, float]:
    """Processor seconds so far of the processes of a data folder and of their children, by kind."""
    found = dict.fromkeys((kind for kind, _ in KINDS), 0.0)
    counted: set[int] = set()
    for process in psutil.process_iter():
        try:
            line, where = " ".join(process.cmdline()), process.environ().get("INKLOOM_DATA", "")
            kind = next((kind for kind, words in KINDS if all(word in line for word in words)), None)
            if kind is None or (str(data) not in line and where != str(data)):
                continue
            for one in (process, *process.children(recursive=True)):
                if one.pid not in counted:
                    counted.add(one.pid)
                    # A child that has ended is counted by its parent.
                    found[kind] += sum(one.cpu_times()[:4])
        except psutil.Error:
            continue
    return found


async def measured(data: Path, workers: int) -> dict[str, Any]:
    own = (sys.executable, "-m", "inkloom", "worker", "--queues")
    drawing = {f"worker-draw-{number}": (*own, "draw") for number in range(1, workers + 1)}
    settings = Settings(data=data, database_url=None, temporal_address=None)
    commands = Commands(workers={"worker-flow": (*own, "flow"), **drawing})
    async with Stack(settings, api=False, report=lambda line: None, commands=commands) as endpoints:
        database = Database(endpoints.database_url)
        client = await connect(endpoints.temporal_address, settings.temporal_namespace)
        batch = await requested(database, CHAPTERS)
        before, began = cpu(data), time.monotonic()
        await start_batch(client, batch)
        over = await ended(database, batch.id)
        seconds = time.monotonic() - began
        spent = {kind: value - before[kind] for kind, value in cpu(data).items()}
        await database.close()
    panels = CHAPTERS * PANELS
    return {
        "draw_workers": workers,
        "status": over.status,
        "panels": panels,
        "seconds": round(seconds, 1),
        "panels_per_minute": round(60 * panels / seconds, 1),
        "cpu_seconds_per_panel": {kind: round(value / panels, 2) for kind, value in spent.items()},
    }


def main(rounds: list[int]) -> list[dict[str, Any]]:
    results = []
    for workers in rounds:
        with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
            # Started by root, Postgres runs under another account, which must be able to enter.
            Path(folder).chmod(0o755)
            os.environ["INKLOOM_DATA"] = folder
            results.append(asyncio.run(measured(Path(folder), workers)))
        print(json.dumps(results[-1]), file=sys.stderr)
    return results


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]] or list(WORKERS)
    found = main(asked)
    load = [round(one, 2) for one in os.getloadavg()]
    print(json.dumps({"cores": os.cpu_count(), "load_average": load, "chapters": CHAPTERS, "rounds": found}))
