"""The floor: recorded requests sent again over kept connections, and nothing else: ``python -m tests.bench.floor``.

Takes a `Replay` as JSON on standard input, and prints a `Replayed`.
"""

import base64
import os
import re
import socket
import ssl
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse  # noqa: TID251 - the floor is what Python itself can do
from time import monotonic, process_time
from urllib.parse import urlsplit

import msgspec

MESSAGE = re.compile(rb"<MessageId>(.+?)</MessageId>.*?<PopReceipt>(.+?)</PopReceipt>", re.DOTALL)
#: As host.json has the real listener take them.
BATCH = 8


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """All bytes of a request as base64, the port on 127.0.0.1, and the host where it goes through a TLS tunnel."""

    raw: str
    port: int
    tunnel: str = ""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Send *calls* once for each of *subjects*, which replace *subject* and have its length.

    *operation*, the id of a mail's, becomes another one for each.
    *threads* share the subjects. With *queue* (its path, with a signature) each takes a message first, BATCH at once,
    and deletes it afterwards.
    """

    calls: list[Call]
    subject: str
    subjects: list[str]
    operation: str = ""
    threads: int = 1
    queue: str = ""
    queue_port: int = 0


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How long each subject took (seconds), when it was done (monotonic), CPU seconds in all, refusals' statuses."""

    seconds: list[float]
    done: list[float]
    cpu: float
    refused: list[int]


class Line:
    """One kept connection. *tunnel* goes through the CONNECT proxy on *port*."""

    def __init__(self, port: int, tunnel: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tunnel:
            self._socket.sendall(f"CONNECT {tunnel}:443 HTTP/1.1\r\nHost: {tunnel}:443\r\n\r\n".encode())
            _answer(self._socket)
            context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])  # noqa: TID251 - the stand-in's
            self._socket = context.wrap_socket(self._socket, server_hostname=tunnel)

    def send(self, raw: bytes) -> tuple[int, bytes]:
        """Send a request: the status and body of the answer."""
        self._socket.sendall(raw)
        return _answer(self._socket)


def _answer(sock: socket.socket) -> tuple[int, bytes]:
    response = HTTPResponse(sock)
    response.begin()
    body = response.read() if response.getheader("Content-Length") or response.chunked else b""
    return response.status, body


class Sender:
    """Sends the calls of one thread."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._calls = [(call, base64.b64decode(call.raw)) for call in replay.calls]
        self._lines: dict[tuple[int, str], Line] = {}
        self.seconds: list[float] = []
        self.done: list[float] = []
        self.refused: list[int] = []

    def run(self, subjects: list[str]) -> None:
        """Send everything once for each of *subjects*."""
        waiting: list[tuple[bytes, bytes]] = []
        for subject in subjects:
            if self._replay.queue and not waiting:
                waiting = self._receive()
            began = monotonic()
            for call, raw in self._calls:
                self._send(call.port, call.tunnel, self._about(subject, raw))
            if self._replay.queue:
                self._delete(*waiting.pop())
            self.done.append(monotonic())
            self.seconds.append(self.done[-1] - began)

    def _about(self, subject: str, raw: bytes) -> bytes:
        raw = raw.replace(self._replay.subject.encode(), subject.encode())
        if not self._replay.operation:
            return raw
        other = uuid.uuid5(uuid.NAMESPACE_URL, subject)
        return raw.replace(self._replay.operation.encode(), str(other).encode())

    def _send(self, port: int, tunnel: str, raw: bytes) -> bytes:
        if (port, tunnel) not in self._lines:
            self._lines[port, tunnel] = Line(port, tunnel)
        status, body = self._lines[port, tunnel].send(raw)
        if not 200 <= status < 300:
            self.refused.append(status)
        return body

    def _receive(self) -> list[tuple[bytes, bytes]]:
        """Take up to BATCH messages; there are more than all threads need."""
        url = urlsplit(self._replay.queue)
        path = f"{url.path}?numofmessages={BATCH}&visibilitytimeout=600&{url.query}"
        return MESSAGE.findall(self._send(self._replay.queue_port, "", self._plain("GET", path)))

    def _delete(self, message: bytes, receipt: bytes) -> None:
        url = urlsplit(self._replay.queue)
        quoted = receipt.decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        path = f"{url.path}/{message.decode()}?popreceipt={quoted}&{url.query}"
        self._send(self._replay.queue_port, "", self._plain("DELETE", path))

    def _plain(self, method: str, path: str) -> bytes:
        host = f"127.0.0.1:{self._replay.queue_port}"
        return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nx-ms-version: 2024-08-04\r\n\r\n".encode()


def main() -> None:
    """Send what standard input says."""
    replay = msgspec.json.decode(sys.stdin.buffer.read(), type=Replay)
    senders = [Sender(replay) for _ in range(replay.threads)]
    spent = process_time()
    with ThreadPoolExecutor(replay.threads) as pool:
        list(
            pool.map(lambda number: senders[number].run(replay.subjects[number :: replay.threads]), range(len(senders)))
        )
    replayed = Replayed(
        seconds=[one for sender in senders for one in sender.seconds],
        done=[one for sender in senders for one in sender.done],
        cpu=process_time() - spent,
        refused=[one for sender in senders for one in sender.refused],
    )
    sys.stdout.buffer.write(msgspec.json.encode(replayed))


if __name__ == "__main__":
    main()
