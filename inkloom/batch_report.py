"""What a batch of the command line tells: its progress while it runs, a table and `report.json` at its end."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.batches.standing import Line, Standing
from engine.storage.atomic import write_whole
from models.batches import ItemState
from models.tables import BatchItem

REPORT = "report.json"
# How many items a table on a terminal shows; the file has all.
_SHOWN = 60
# Seconds between two lines where there is no terminal.
_EVERY = 30.0
_COLOURS = {ItemState.COMPLETED: "green", ItemState.FAILED: "red", ItemState.HELD: "yellow"}


@dataclass
class Files:
    """What was written to the output folder, by item, and what could not be."""

    written: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    failed: dict[UUID, str] = field(default_factory=dict)


def summary(standing: Standing) -> str:
    """One line for all of it."""
    counts = standing.counts
    parts = [f"{counts.over} of {counts.total} done"]
    parts += [
        f"{count} {what}" for count, what in ((counts.failed, "failed"), (counts.cancelled, "cancelled")) if count
    ]
    if counts.running:
        parts.append(f"{counts.running} at work")
    if counts.held:
        parts.append(f"{counts.held} waiting for you")
    parts.append(f"{standing.calls.cost_usd:.2f} USD")
    if standing.calls.unknown:
        parts.append(f"{standing.calls.unknown} answers lost, at most {standing.calls.unknown_usd:.2f} USD")
    if standing.seconds_left is not None and not standing.waits.reason:
        parts.append(f"about {_span(standing.seconds_left)} left")
    line = f"{standing.progress:4.0%}  {', '.join(parts)}"
    return f"{line}. {standing.waits.message}" if standing.waits.reason else line


def at_work(items: Sequence[BatchItem]) -> str:
    """One line for what is at work."""
    running = [item for item in items if item.state == ItemState.RUNNING]
    if not running:
        return ""
    named = ", ".join(item.title or str(item.position + 1) for item in running[:3])
    return f"      {named}" + (f" and {len(running) - 3} more" if len(running) > 3 else "")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress:
    """Two live lines on a terminal; elsewhere plain lines, when something has ended or half a minute has passed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live("", console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._said, self._over = time.monotonic(), -1
        if self._live is not None:
            self._live.start()

    def update(self, standing: Standing, working: Sequence[BatchItem]) -> None:
        if self._live is not None:
            self._live.update(Text(f"{summary(standing)}\n{at_work(working)}", overflow="ellipsis"))
            return
        now, step = time.monotonic(), max(1, standing.counts.total // 20)
        news = standing.counts.over // step != self._over // step
        if news or now - self._said >= _EVERY:
            self._said, self._over = now, standing.counts.over
            self._console.print(summary(standing), markup=False, highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        self._console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()


def as_json(standing: Standing, lines: Sequence[Line], files: Files, out: Path, seconds: float) -> dict[str, Any]:
    """The report, as `--json` prints it and `report.json` keeps it. `seconds` is how long this command ran."""
    calls = standing.calls
    return {
        "batch_id": str(standing.batch.id),
        "name": standing.batch.name,
        "status": standing.batch.status,
        "waits": standing.waits.message or None,
        "items": [_item(line, files) for line in lines],
        "counts": vars(standing.counts) | {"total": standing.counts.total},
        "calls": {"llm": calls.llm, "image": calls.image, "cached": standing.cached, "unknown": calls.unknown},
        "cost_usd": float(calls.cost_usd),
        "unknown_usd": float(calls.unknown_usd),
        "rate_per_hour": standing.rate_per_hour,
        "seconds_left": standing.seconds_left,
        "basis": standing.basis,
        "seconds": round(seconds, 3),
        "out": str(out),
    }


def _item(line: Line, files: Files) -> dict[str, Any]:
    item = line.item
    return {
        "file": item.external_id,
        "title": item.title,
        "state": item.state,
        "error": item.error or files.failed.get(item.id, ""),
        "attempts": item.attempt,
        "cost_usd": float(line.calls.cost_usd),
        "unknown_calls": line.calls.unknown,
        "seconds": line.seconds,
        "project_id": str(item.project_id) if item.project_id else None,
        "chapter_id": item.target_ids[0] if item.target_ids else None,
        "generation_id": str(item.generation_id) if item.generation_id else None,
        "delivered": files.written.get(item.id),
    }


def write_report(report: Mapping[str, Any], out: Path) -> None:
    """Keep the report beside the chapters. A full disk must not end the batch: the rows have it all."""
    try:
        write_whole(out / REPORT, (json.dumps(report, indent=2) + "\n").encode(), replace=True)
    except OSError:
        return


def read_report(out: Path) -> dict[str, Any]:
    """The report of an earlier command; empty if there is none."""
    try:
        found = json.loads((out / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def table(report: Mapping[str, Any]) -> Table:
    """What came of each item; of many, those that need someone come first."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("chapter", "state", "USD", "seconds", "lost", "why"):
        shown.add_column(name, justify="right" if name in ("USD", "seconds", "lost") else "left")
    rank = {ItemState.FAILED: 0, ItemState.HELD: 1}
    items = report["items"]
    if len(items) > _SHOWN:
        items = sorted(items, key=lambda item: rank.get(ItemState(item["state"]), 2))
    for item in items[:_SHOWN]:
        state = ItemState(item["state"])
        shown.add_row(
            Text(str(item["file"] or item["title"])),
            Text(state, style=_COLOURS.get(state, "")),
            f"{item['cost_usd']:.2f}",
            "" if item["seconds"] is None else f"{item['seconds']:.1f}",
            str(item["unknown_calls"] or ""),
            Text(item["error"][:300]),
        )
    if len(items) > _SHOWN:
        shown.add_row(Text(f"… and {len(items) - _SHOWN} more in {REPORT}"), "", "", "", "", "")
    return shown
