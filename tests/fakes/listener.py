"""A small HTTP server on loopback: what Event Grid delivers to in tests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Listener:
    """An HTTP server on loopback that answers with *statuses* in turn, then 200; *received* is what came."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.received: list[tuple[dict[str, str], Any]] = []
        self.hang = threading.Event()
        lock = threading.Lock()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    listener.received.append((headers, body))
                    status = listener.statuses.pop(0) if listener.statuses else 200
                if status == 0:
                    listener.hang.wait(10)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/runtime/webhooks/EventGrid?functionName=react"

    def close(self) -> None:
        """Stop listening."""
        self.hang.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


def an_event(name: str) -> dict[str, Any]:
    """An event of our own in Event Grid schema, with *name* as its id."""
    envelope = {"topic": "tests", "subject": name, "id": name, "data": {}, "dataVersion": "1", "metadataVersion": "1"}
    return envelope | {"eventType": "Reactor.Settled", "eventTime": "2026-11-20T00:00:00.0000000Z"}
