"""How much history a panel leaves, how large its payloads are, and what replaying it costs.

Runs the example story with the product's own workers, fetches the histories of all its workflows and replays them in
the product's sandbox. Run alone: `python -m bench.bench_histories`.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from bench.bench_orchestration import Silent
from engine.settings import Settings
from inkloom.all_workflows import ALL_WORKFLOWS
from inkloom.local.stack import Stack
from inkloom.output import claim
from inkloom.run import run_story
from inkloom.story import read_story
from inkloom.worker import connect, sandbox
from models.options import GenerationOptions

EXAMPLES = Path(__file__).parent.parent / "examples"
ROUNDS = 5


def payloads(value: Any) -> Iterator[int]:
    """Sizes of all payloads below a message."""
    if value.DESCRIPTOR.name == "Payload":
        yield len(value.data)
        return
    for field, part in value.ListFields():
        if field.message_type is None:
            continue
        if field.is_repeated:
            entries = part.values() if field.message_type.GetOptions().map_entry else part
            for entry in entries:
                if hasattr(entry, "DESCRIPTOR"):
                    yield from payloads(entry)
        else:
            yield from payloads(part)


async def histories(folder: str) -> tuple[int, list[WorkflowHistory]]:
    settings = Settings(data=Path(folder), temporal_ui_port=0)
    story = read_story(next(EXAMPLES.glob("*.txt")), None)
    async with Stack(settings, api=False, report=lambda line: None) as endpoints:
        finished = await run_story(
            settings, endpoints, story, GenerationOptions(), claim(Path(folder) / "out"), None, Silent()
        )
        client = await connect(endpoints.temporal_address, "default")
        root = f"generation-{finished.generation.id}"
        await asyncio.sleep(2)  # visibility follows a little later
        found = [
            await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
            async for run in client.list_workflows(f"WorkflowId STARTS_WITH '{root}'")
        ]
    return finished.made.panels, found


async def replay(found: list[WorkflowHistory]) -> float:
    """Milliseconds of replaying all of them once."""
    replayer = Replayer(workflows=ALL_WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=sandbox())
    began = time.monotonic()
    for history in found:
        await replayer.replay_workflow(history)
    return (time.monotonic() - began) * 1000


async def measure() -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # started by root, Postgres runs as somebody else
        panels, found = await histories(folder)
    events = sum(len(history.events) for history in found)
    size = sum(event.ByteSize() for history in found for event in history.events)
    largest = max(size for history in found for event in history.events for size in payloads(event))
    times = [await replay(found) for _ in range(ROUNDS)]
    return {
        "workflows": len(found),
        "panels": panels,
        "events_per_panel": round(events / panels, 1),
        "bytes_per_panel": round(size / panels),
        "longest_history_events": max(len(history.events) for history in found),
        "largest_payload_bytes": largest,
        "replay_ms_per_1000_events": round(statistics.median(times) / events * 1000, 1),
        "replay_ms_raw": [round(one, 1) for one in times],
        "events": events,
    }


def main() -> None:
    print(json.dumps(asyncio.run(measure())), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
