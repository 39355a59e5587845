"""What a user waits for: `run` from a warm start to exported files, 36 panels, offline; where the time goes; memory.

Prints one JSON object per round: whole seconds of the command, seconds by phase (from the events' dates), and the
largest resident set of each worker process while it ran. Run alone: `python -m bench.bench_offline`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from uuid import UUID

import psutil

from engine.db.session import Database
from engine.settings import Settings
from engine.store import events
from inkloom.local.commands import Commands
from inkloom.local.stack import Stack
from models.events import EventType
from models.tables import Event

ROOT = Path(__file__).parent.parent
ROUNDS = 2
PANELS = 36
PHASES = (
    ("outline", EventType.CHAPTER_OUTLINED),
    ("characters", EventType.CHARACTER_DRAWN),
    ("panels", EventType.PANEL_SELECTED),
    ("pages", EventType.PAGE_COMPOSED),
    ("exports", EventType.EXPORT_BUILT),
)


def story(number: int) -> str:
    """The example story and half of it again, so that 36 panels have something to tell.

    Names differ from round to round, or the pictures of the round before would be found in the ledger.
    """
    text = next(ROOT.glob("examples/*.txt")).read_text()
    for name in ("Nessa", "Finch", "Drake", "Pip", "Pell"):
        text = text.replace(name, name + "aeiou"[number])
    return f"Round {number}\n\n{text}\n\n***\n\n{text[len(text) // 2 :]}"


class Memory(threading.Thread):
    """Watches the resident sets of the workers named in stack.json."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self._data = data
        self.peaks: dict[str, float] = {}
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.1):
            for process in psutil.process_iter(["cmdline", "environ", "memory_info"]):
                words = process.info["cmdline"] or []
                if "worker" in words and (process.info["environ"] or {}).get("INKLOOM_DATA") == str(self._data):
                    name = f"worker {words[-1]}"
                    rss = process.info["memory_info"].rss / 1e6
                    self.peaks[name] = round(max(self.peaks.get(name, 0.0), rss), 1)


def once(data: Path, number: int) -> dict[str, object]:
    """One run of the command on a folder whose servers have been started before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.txt"
        path.write_text(story(number))
        memory = Memory(data)
        memory.start()
        began = time.monotonic()
        done = subprocess.run(
            [
                sys.executable, "-m", "inkloom", "run", str(path), "--out", f"{folder}/out",
                "--max-panels", str(PANELS), "--json",
            ],
            cwd=ROOT, env={**os.environ, "INKLOOM_DATA": str(data)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = time.monotonic() - began
        memory.stop.set()
    result = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": round(seconds, 2), "result": result, "peak_rss_mb": memory.peaks}


async def phases(data: Path, rounds: list[dict[str, object]]) -> None:
    """Adds the seconds by phase to each round."""
    settings = Settings(data=data, temporal_ui_port=0)
    async with Stack(settings, api=False, report=lambda line: None, commands=Commands(workers={})) as endpoints:
        database = Database(endpoints.database_url, pool_size=1)
        for one in rounds:
            result = one.pop("result")
            if not isinstance(result, dict) or result["status"] != "completed":
                raise SystemExit(f"not comparable: {result}")
            async with database.session() as session:
                log = await events.of_generation(session, UUID(result["generation_id"]), 0, 10_000)
            one |= {"panels": result["panels"], "pages": result["pages"], "calls": result["calls"]}
            one["phases_s"] = _spans(log)
        await database.close()


def _spans(log: list[Event]) -> dict[str, float]:
    at = [event.at for event in log if event.at is not None]
    spans: dict[str, float] = {}
    before: datetime = at[0]
    for name, last in PHASES:
        ends = [event.at for event in log if event.type == last and event.at is not None]
        if ends:
            spans[name] = round((max(ends) - before).total_seconds(), 2)
            before = max(ends)
    first = min(event.at for event in log if event.type == EventType.PAGE_COMPOSED and event.at is not None)
    return {**spans, "order_to_first_page": round((first - at[0]).total_seconds(), 2)}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="inkloom-bench-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101, S103  # started by root, Postgres runs as somebody else
        data = Path(folder)
        once(data, 0)
        load = round(os.getloadavg()[0], 2)
        rounds = [once(data, number) for number in range(1, ROUNDS + 1)]
        asyncio.run(phases(data, rounds))
        for one in rounds:
            print(json.dumps({**one, "load_before": load}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
