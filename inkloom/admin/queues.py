"""`admin queues`: what waits in Temporal's queues, and who serves them."""

from dataclasses import asdict
from typing import Any

from engine.errors import EngineError
from engine.settings import Settings
from inkloom.admin.printing import age, columns, print_answer
from inkloom.admin.reaching import servers
from inkloom.worker import connect
from workflows.live_workers import live_workers
from workflows.queue_lag import Lag, activity_queues, lags_of


async def queues_command(settings: Settings, *, as_json: bool) -> int:
    """`queues`: 1 if tasks wait in a queue that no worker serves."""
    async with servers(settings) as there:
        try:
            client = await connect(there.temporal_address, settings.temporal_namespace)
        except RuntimeError as error:
            raise EngineError(f"No Temporal server answers at {there.temporal_address}.") from error
        lags = await lags_of(client, activity_queues(settings))
        workers = await live_workers(client)
    listed: list[dict[str, Any]] = []
    rows: list[tuple[object, ...]] = []
    for queue, lag in lags.items():
        serving = [worker for worker in workers if queue in worker.queues]
        if not isinstance(lag, Lag):
            listed.append({"queue": queue, "error": type(lag).__name__})
            rows.append((queue, "?", "", "", f"not known: {type(lag).__name__}"))
            continue
        listed.append({"queue": queue, **asdict(lag), "workers": len(serving)})
        waits = f"{lag.seconds:.0f} s" if lag.tasks else ""
        rows.append((queue, lag.tasks, waits, len(serving), "" if lag.served else "no worker asks for its tasks"))
    unserved = [one["queue"] for one in listed if one.get("tasks") and not one.get("served")]
    lines = columns(("queue", "tasks", "oldest", "workers", ""), rows)
    lines += [
        "",
        *columns(
            ("worker", "process", "build", "up for", "in hand", "queues"),
            [
                (one.host, one.process, one.build, age(one.started_at), one.busy, " ".join(one.queues))
                for one in workers
            ],
        ),
    ]
    print_answer({"queues": listed, "workers": [asdict(one) for one in workers], "unserved": unserved}, as_json, lines)
    return 1 if unserved else 0
