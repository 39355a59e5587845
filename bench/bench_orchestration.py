"""What orchestration adds: 6 scenes × 6 panels with a writer and an artist of known latency, 8 calls each at a time.

The ratio is wall time, from the order to the last panel's choice, over the critical path: the time that the same graph
of calls takes on an ideal scheduler with the same slots and no cost of its own (computed by simulation, below). Pages
are left out: composing them is work, not orchestration. Run alone: `python -m bench.bench_orchestration`.
"""

import asyncio
import heapq
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import col, select

from bench.delayed_worker import PANELS, SCENES
from engine.db.session import Database
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.stack import Endpoints, Stack
from inkloom.run import run_story
from inkloom.story import Story
from models.events import EventType
from models.options import GenerationOptions
from models.tables import Event

SLOTS = 8
ROUNDS = {(0.2, 0.5): 5, (1.0, 4.0): 3}


class Silent:
    """Shows nothing."""

    def update(self, progress: float) -> None: ...

    def say(self, line: str) -> None: ...


def critical_path(llm: float, render: float) -> float:
    """Makespan of the graph of calls with `SLOTS` slots each for writer and artist, longest remaining chain first."""
    # name → (queue, seconds, names it waits for); the chapter's shape is that of `workflows/`.
    graph: dict[str, tuple[str, float, list[str]]] = {"outline": ("llm", llm, []), "profile": ("llm", llm, ["outline"])}
    graph["sheet"] = ("image", render, ["profile"])
    for scene in range(SCENES):
        graph[f"s{scene}"] = ("llm", llm, ["sheet"])
        graph[f"p{scene}"] = ("llm", llm, [f"s{scene}"])
        for panel in range(PANELS):
            name = f"{scene}.{panel}"
            graph[f"d{name}"] = ("llm", llm, [f"p{scene}"])
            graph[f"v{name}"] = ("llm", llm, [f"p{scene}"])
            graph[f"r{name}"] = ("image", render, [f"d{name}", f"v{name}"])
    tail = {name: seconds for name, (_, seconds, _) in graph.items()}
    for name in reversed(list(graph)):
        for before in graph[name][2]:
            tail[before] = max(tail[before], graph[before][1] + tail[name])
    waiting = {name: len(before) for name, (_, _, before) in graph.items()}
    # Of equal chains, both halves of a panel's words before the next panel: the order that lets drawing begin soonest.
    rank = {name: position for position, name in enumerate(graph)}
    ready: dict[str, list[tuple[float, int, str]]] = {"llm": [], "image": []}
    free = dict.fromkeys(ready, SLOTS)
    heapq.heappush(ready["llm"], (-tail["outline"], 0, "outline"))
    running: list[tuple[float, str]] = []
    now = 0.0
    while running or any(ready.values()):
        for queue, names in ready.items():
            while names and free[queue]:
                _, _, name = heapq.heappop(names)
                free[queue] -= 1
                heapq.heappush(running, (now + graph[name][1], name))
        now, done = heapq.heappop(running)
        free[graph[done][0]] += 1
        for name, (queue, _, needs) in graph.items():
            if done in needs:
                waiting[name] -= 1
                if not waiting[name]:
                    heapq.heappush(ready[queue], (-tail[name], rank[name], name))
    return now


def story(number: int) -> Story:
    """Six scenes of six sentences, no two stories alike: nothing is answered from store."""
    paragraphs = [
        " ".join(f"Ada counted to {scene * PANELS + panel} for the {number}th time." for panel in range(PANELS))
        for scene in range(SCENES)
    ]
    return Story(title=f"Bench {number}", text="\n\n".join(paragraphs), script=None)


async def one(settings: Settings, endpoints: Endpoints, number: int) -> float:
    """Seconds from the order to the last panel's choice, by the database's clock."""
    with tempfile.TemporaryDirectory() as out:
        finished = await run_story(
            settings, endpoints, story(number), GenerationOptions(), Path(out), None, Silent(), time.monotonic()
        )
    if finished.generation.status != "completed" or finished.made.panels != SCENES * PANELS:
        raise SystemExit(f"not comparable: {finished.generation.status}, {finished.made.panels}, {finished.errors}")
    database = Database(endpoints.database_url, pool_size=1)
    async with database.session() as session:
        query = select(Event).where(Event.generation_id == finished.generation.id).order_by(col(Event.seq))
        events = (await session.exec(query)).all()
    await database.close()
    ordered = events[0].at
    chosen = max(event.at for event in events if event.type == EventType.PANEL_SELECTED and event.at)
    if ordered is None:
        raise SystemExit("an event without a date")
    return (chosen - ordered).total_seconds()


async def measure(llm: float, render: float, rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # started by root, Postgres runs as somebody else
        settings = Settings(data=Path(folder), temporal_ui_port=0, llm_slots=SLOTS, image_slots=SLOTS)
        worker = (sys.executable, "-m", "bench.delayed_worker", "--llm", str(llm), "--render", str(render), "--queues")
        commands = Commands(workers={"worker-flow": (*worker, "flow"), "worker-draw": (*worker, "draw")})
        async with Stack(settings, api=False, report=lambda line: None, commands=commands) as endpoints:
            await one(settings, endpoints, 0)
            load = os.getloadavg()[0]
            walls = [await one(settings, endpoints, number) for number in range(1, rounds + 1)]
    return compared(llm, render, walls) | {"load_before": round(load, 2)}


def compared(llm: float, render: float, walls: Sequence[float]) -> dict[str, object]:
    """Wall times against the shortest that the graph of calls allows."""
    best = critical_path(llm, render)
    return {
        "llm_s": llm,
        "render_s": render,
        "critical_path_s": round(best, 3),
        "walls_s": [round(wall, 3) for wall in walls],
        "ratio_median": round(statistics.median(walls) / best, 3),
    }


def main() -> None:
    for (llm, render), rounds in ROUNDS.items():
        print(json.dumps(asyncio.run(measure(llm, render, rounds))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
