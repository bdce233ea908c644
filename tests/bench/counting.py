"""Counts what a process sends, by Python's own audit events: nobody's client is wrapped or told."""

import base64
import re
import sys
from typing import Any

#: The first line of a request; a body is another piece or follows in the same.
FIRST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/1\.1\r\n")


class Wire:
    """Keeps every HTTP request of this process from now on; an audit hook stays until the process ends.

    A hook is called for imports too: a process that counts is not one that is timed from its start.
    """

    def __init__(self) -> None:
        self._pieces: list[tuple[int, int, bytes]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "http.client.send":
            connection, data = arguments
            if isinstance(data, bytes | bytearray | memoryview | str):
                raw = data.encode() if isinstance(data, str) else bytes(data)
                self._pieces.append((id(connection), connection.port, raw))

    def taken(self) -> list[dict[str, Any]]:
        """Return the requests since the last call: the port they went to, and all their bytes as base64."""
        pieces, self._pieces = self._pieces, []
        requests: list[tuple[int, int, bytearray]] = []
        for connection, port, raw in pieces:
            if FIRST_LINE.match(raw):
                requests.append((connection, port, bytearray(raw)))
                continue
            for known, _port, body in reversed(requests):
                if known == connection:
                    body.extend(raw)
                    break
        return [{"port": port, "bytes": base64.b64encode(raw).decode()} for _connection, port, raw in requests]
