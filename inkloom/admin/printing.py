"""How an operator's command shows its result: one JSON object, or lines and tables."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_jsonable_python


def print_answer(answer: Mapping[str, Any], as_json: bool, lines: Sequence[str]) -> None:
    """Print the object, or the lines."""
    print(json.dumps(to_jsonable_python(answer)) if as_json else "\n".join(lines))  # noqa: T201  # the result


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table, each column as wide as its widest cell."""
    cells = [[*head], *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def age(since: datetime | None) -> str:
    """How long ago: 42 s, 7 min, 3 h, 12 d."""
    if since is None:
        return "never"
    seconds = max((datetime.now(UTC) - since).total_seconds(), 0)
    for unit, size, below in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < below:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
