"""What the health checks of containers say: of the API, of workers, and of nothing at all."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from inkloom.healthy import trouble
from inkloom.local.ports import next_free

pytestmark = pytest.mark.unit


@contextmanager
def answering(host: str, answers: dict[str, str]) -> Iterator[int]:
    """A server of one host that knows some paths; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Host"] == host and self.path in answers
            self.send_response(200 if known else 400)
            self.end_headers()
            self.wfile.write(answers.get(self.path, "").encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_api_is_asked_for_a_host_that_it_answers() -> None:
    with answering("comics.example.org", {"/healthz": "{}"}) as port:
        given = {"INKLOOM_API_PORT": str(port)}
        assert trouble("api", {**given, "INKLOOM_ALLOWED_HOSTS": "comics.example.org, localhost"}) is None
        assert trouble("api", {**given, "INKLOOM_ALLOWED_HOSTS": "other.example.org"}) == "/healthz answers 400"


def test_a_worker_works_while_it_polls() -> None:
    polls = 'temporal_num_pollers{poller_type="workflow_task",task_queue="workflows"} 5\n'
    idle = 'temporal_num_pollers{poller_type="workflow_task",task_queue="workflows"} 0\n'
    for told, expected in ((idle + polls, None), (idle, "no queue is polled"), ("", "no queue is polled")):
        with answering("127.0.0.1", {"/metrics": told}) as port:
            assert trouble("flow", {"INKLOOM_WORKER_METRICS_ADDRESS": f"0.0.0.0:{port}"}) == expected
            # It takes the next port.
            assert trouble("draw", {"INKLOOM_WORKER_METRICS_ADDRESS": f"0.0.0.0:{port - 1}"}) == expected


def test_what_does_not_run_does_not_work() -> None:
    free = str(next_free(0))
    assert "no answer" in (trouble("api", {"INKLOOM_API_PORT": free}) or "")
    assert "no answer" in (trouble("flow", {"INKLOOM_WORKER_METRICS_ADDRESS": f"127.0.0.1:{free}"}) or "")
    assert "not set" in (trouble("flow", {}) or "")
