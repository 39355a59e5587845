"""Log lines of the long-running processes: JSON objects or plain text, with the context of the work.

The context (a request, a workflow) is known where the work begins, not where something is logged, so it is kept in a
context variable and added to every line that is written meanwhile.
"""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["json", "text"]

# The context of the current work, by field name: `request_id`, `workflow_id` and the like.
about: ContextVar[Mapping[str, str]] = ContextVar("about")
_NOTHING: Mapping[str, str] = {}
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}

# Called for more context with every line; tracing adds the trace.
sources: list[Callable[[], Mapping[str, str]]] = []


def log_to_stderr(level: str, form: LogFormat = "json") -> None:
    """Log to stderr, which the supervisor writes to the role's log file. A second call replaces the first."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def context_of(record: logging.LogRecord) -> dict[str, Any]:
    """The context of a line, and its own fields from `extra={"fields": …}`."""
    found: dict[str, Any] = {**about.get(_NOTHING)}
    for source in sources:
        found.update(source())
    found.update(getattr(record, "fields", _NOTHING))
    return found


class JsonLines(logging.Formatter):
    """One object per line: time (UTC), level, logger, message, context, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **context_of(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        # ASCII only: whatever a client put into a path, it cannot end a line or reach a terminal's controls.
        return json.dumps(line, default=str)


class TextLines(logging.Formatter):
    """The same for people: time, level, logger and message, then the context as `name=value`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        more = "".join(f" {name}={value}" for name, value in context_of(record).items() if value is not None)
        # A path may contain encoded line feeds and terminal controls.
        return f"{super().formatMessage(record)}{more}".translate(_CONTROLS)
