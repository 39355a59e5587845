"""What Temporal and its SDK alone add: our workflows with activities that only wait, no database and no storage.

Beside `bench_orchestration` it says how much of that ratio is ours: the same graph of calls, slots and latencies, the
same embedded server, one process for all workers. Run alone: `python -m bench.bench_floor`.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvloop
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from bench.bench_orchestration import ROUNDS, SLOTS, compared
from bench.delayed_worker import PANELS, SCENES
from engine.settings import Settings
from engine.tasks import ALL
from inkloom.local.commands import Commands
from inkloom.local.stack import Stack
from inkloom.serve import ensure_search_attributes
from inkloom.worker import connect, workflow_worker
from models.options import GenerationOptions
from models.runs import ChapterBrief, ChapterRun, Outlined, PagesPlanned, Run, TaskDone
from workflows.chapter import ChapterWorkflow
from workflows.dispatch.queues import IO, PAGES, WORKFLOWS, image_queue, llm_queue

Answer = Callable[[], object]


def ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


class Waiting:
    """Every activity by its name: it waits, and answers what the workflow needs to go on."""

    def __init__(self, llm: float, render: float) -> None:
        self.drawn = 0.0
        # As ours do: so many calls at a time, and activities ahead of them at the door.
        self.turns = {seconds: asyncio.Semaphore(SLOTS) for seconds in (llm, render)}
        self.writing = [
            self._stub(name, lambda: TaskDone(cached=False, made=ids(PANELS)), llm)
            if name == "PanelDescription"
            else self._stub(name, lambda: TaskDone(cached=False), llm)
            for name in ALL
        ]
        self.drawing = [self._stub(name, lambda: None, render) for name in ("draw_panel", "draw_sheet")]
        self.records = [
            self._stub("open_chapter", lambda: ChapterBrief(windows=1, has_script=False)),
            self._stub("store_outline", lambda: Outlined(scene_ids=ids(SCENES), character_ids=ids(1))),
            self._stub("finish_generation", lambda: None),
        ]
        self.pages = [
            self._stub("plan_pages", lambda: PagesPlanned(pages=0)),
            self._stub("build_export", lambda: None),
        ]

    def _stub(self, name: str, answer: Answer, seconds: float = 0.0) -> Callable[..., Awaitable[Any]]:
        async def wait(call: Run) -> Any:
            if seconds:
                async with self.turns[seconds]:
                    await asyncio.sleep(seconds)
            if name == "draw_panel":
                self.drawn = time.monotonic()
            return answer()

        return activity.defn(name=name)(wait)


def workers(client: Client, waiting: Waiting) -> list[Worker]:
    queues = (
        (IO, waiting.records),
        (PAGES, waiting.pages),
        (llm_queue("offline"), waiting.writing),
        (image_queue("offline"), waiting.drawing),
    )
    return [
        workflow_worker(client),
        *(
            Worker(
                client,
                task_queue=queue,
                activities=activities,
                max_concurrent_activities=SLOTS + SLOTS // 2,
                max_concurrent_activity_task_polls=4,
            )
            for queue, activities in queues
        ),
    ]


async def measure(llm: float, render: float, rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # started by root, Postgres runs as somebody else
        settings = Settings(data=Path(folder), temporal_ui_port=0)
        async with Stack(settings, api=False, report=lambda line: None, commands=Commands(workers={})) as endpoints:
            client = await connect(endpoints.temporal_address, "default")
            await ensure_search_attributes(client)
            waiting = Waiting(llm, render)
            tasks = [asyncio.create_task(worker.run()) for worker in workers(client, waiting)]
            walls = [await one(client, waiting, number) for number in range(rounds + 1)][1:]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return compared(llm, render, walls)


async def one(client: Client, waiting: Waiting, number: int) -> float:
    """Seconds from the order to the last picture."""
    began = time.monotonic()
    run = ChapterRun(project_id=uuid4(), generation_id=uuid4(), options=GenerationOptions(), chapter_id=uuid4())
    await client.execute_workflow(ChapterWorkflow.run, run, id=f"floor-{number}", task_queue=WORKFLOWS)
    return waiting.drawn - began


def main() -> None:
    for (llm, render), rounds in ROUNDS.items():
        print(json.dumps(uvloop.run(measure(llm, render, rounds))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
