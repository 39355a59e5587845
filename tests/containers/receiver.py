"""Stands in for Jaeger: takes traces as OTLP over HTTP on 4318, says how many on 13133, and keeps none.

python receiver.py [PORT PORT]
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

taken = 0


class Receiver(BaseHTTPRequestHandler):
    """Any POST is taken; any GET is told how many there were."""

    def do_POST(self) -> None:
        """Count it, and answer as a collector does."""
        global taken
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        taken += 1
        self._answer(b"")

    def do_GET(self) -> None:
        """The count."""
        self._answer(str(taken).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: there are many."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    traces, told = [int(word) for word in sys.argv[1:]] or (4318, 13133)
    threading.Thread(target=ThreadingHTTPServer(("", traces), Receiver).serve_forever, daemon=True).start()
    ThreadingHTTPServer(("", told), Receiver).serve_forever()
