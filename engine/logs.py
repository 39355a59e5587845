"""Log lines of the long-running processes: one JSON object each, or plain text, with what the line is about.

What a line is about (a request, a workflow) is known where the work begins, not where something is logged, so it is
kept in a context variable and put into every line that is written meanwhile.
"""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["json", "text"]

# What the present work is about, by the name under which lines tell it: `request_id`, `workflow_id` and the like.
about: ContextVar[Mapping[str, str]] = ContextVar("about")
_NOTHING: Mapping[str, str] = {}
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}

# Asked for more of the kind with every line; tracing adds the trace.
sources: list[Callable[[], Mapping[str, str]]] = []


def log_to_stderr(level: str, form: LogFormat = "json") -> None:
    """Lines on stderr, which the supervisor writes to the role's log file. Called again, it replaces what it set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def told(record: logging.LogRecord) -> dict[str, Any]:
    """What a line is about, and the fields that it was given as `extra={"fields": …}`."""
    found: dict[str, Any] = {**about.get(_NOTHING)}
    for source in sources:
        found.update(source())
    found.update(getattr(record, "fields", _NOTHING))
    return found


class JsonLines(logging.Formatter):
    """One object to a line: time (UTC), level, logger, message, what it is about, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **told(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        # ASCII alone: whatever a client put into a path, no line can end early or reach a terminal's controls.
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """The same for people: time, level, logger and message, then what it is about as `name=value`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        more = "".join(f" {name}={value}" for name, value in told(record).items() if value is not None)
        # A path may hold encoded line feeds and signs that steer a terminal.
        return f"{super().formatMessage(record)}{more}".translate(_CONTROLS)
