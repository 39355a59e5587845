"""Task queues, and how long Temporal waits for work on them.

Only Temporal retries. An activity's error says whether a retry is worthwhile and when (`engine.errors`, translated by
the interceptor), so these policies set the pace and no count. Every activity sends heartbeats, so a dead worker is
noticed after `heartbeat`, not after the whole `attempt`.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio.common import RetryPolicy

WORKFLOWS = "workflows"
IO = "io"
PAGES = "pages"
WEBHOOKS = "webhooks"
SWEEPS = "sweeps"


def llm_queue(provider: str) -> str:
    """The queue of one writer."""
    return f"llm-{provider}"


def image_queue(provider: str) -> str:
    """The queue of one artist."""
    return f"images-{provider}"


@dataclass(frozen=True)
class Pace:
    """How long one attempt and all attempts together may take, and how fast a dead worker is noticed."""

    attempt: timedelta
    total: timedelta
    heartbeat: timedelta = timedelta(seconds=10)


RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=300), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=20)
)
_DAYS = timedelta(days=7)

RECORDING = Pace(attempt=timedelta(minutes=2), total=_DAYS)
WRITING = Pace(attempt=timedelta(minutes=10), total=timedelta(hours=24))
DRAWING = Pace(attempt=timedelta(minutes=15), total=timedelta(hours=24))
DELIVERING = Pace(attempt=timedelta(minutes=1), total=timedelta(hours=24))
# A round that takes longer begins again: it goes on with what is left.
SWEEPING = Pace(attempt=timedelta(hours=1), total=timedelta(hours=6))
# A first backup copies all pictures, and a database is dumped in one go. That may take days: the heartbeat says whether
# it goes on.
BACKING_UP = Pace(attempt=timedelta(days=3), total=_DAYS)
COMPOSING = Pace(attempt=timedelta(minutes=30), total=_DAYS)
