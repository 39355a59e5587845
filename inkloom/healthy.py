"""Whether the process of this container works: what the health checks of the compose file run.

    python -m inkloom.healthy api|flow|draw

Imports nothing of Inkloom and nothing large: it runs every few seconds beside the process that it asks. Exits with 0 or
with 1 and the reason.
"""

import http.client
import os
import re
import sys
from collections.abc import Mapping

PATIENCE = 5
POLLERS = re.compile(r"^temporal_num_pollers\{[^}]*\} (\d+)", re.MULTILINE)


def trouble(what: str, environment: Mapping[str, str]) -> str | None:
    """What is wrong with the API or a worker on this machine; None if it works."""
    try:
        if what == "api":
            status, _ = _asked(int(environment.get("INKLOOM_API_PORT") or 8420), "/healthz", _host(environment))
            return None if status == 200 else f"/healthz answers {status}"
        _, _, port = environment.get("INKLOOM_WORKER_METRICS_ADDRESS", "").rpartition(":")
        if not port.isdigit():
            return "INKLOOM_WORKER_METRICS_ADDRESS is not set, so this worker cannot be asked"
        # As the worker does: two may share a machine and one setting.
        _, told = _asked(int(port) + (what == "draw"), "/metrics", "127.0.0.1")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    return None if sum(map(int, POLLERS.findall(told))) else "no queue is polled"


def _host(environment: Mapping[str, str]) -> str:
    """A host that the API answers: it refuses all that are not listed."""
    listed = environment.get("INKLOOM_ALLOWED_HOSTS") or "127.0.0.1"
    return listed.split(",")[0].strip().replace("*", "any")


def _asked(port: int, path: str, host: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


if __name__ == "__main__":
    if (said := trouble(sys.argv[1], os.environ)) is not None:
        sys.exit(said)
