"""The wire: one port on 127.0.0.1 that is an HTTP server, a CONNECT proxy and a TLS server for every host."""

import itertools
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from local.azure.clock import now
from local.azure.messages import Answer, Request

TLS_HANDSHAKE = b"\x16"  # first byte of a TLS record of type handshake (RFC 8446, 5.1)
LINGER_OFF = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye
#: socket.TCP_QUICKACK exists on Linux only, and so does the delay it avoids.
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Dropped(Exception):  # noqa: N818 - it is an order, not an error
    """The connection is to be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way: *drip* real seconds between its bytes."""

    answer: Answer
    drip: float = 0.0


class Server(ThreadingHTTPServer):
    """Reads requests, has *exchange* answer them (or raise Dropped), and writes the answers.

    A connection that begins with a TLS handshake is TLS from the start; one that sends CONNECT becomes TLS after
    the 200; so clients come by proxy or by a redirected name, and the certificate follows the name they ask for.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        exchange: Callable[[Request], Reply],
        tls: ssl.SSLContext,
        failed: Callable[[BaseException], None],
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exchange = exchange
        self.tls = tls
        self.failed = failed
        self.stopping = threading.Event()
        self.connections = itertools.count(1)
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="azure-server", daemon=True)

    def start(self) -> None:
        """Accept connections, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and the port."""
        self.stopping.set()
        self.shutdown()
        self._thread.join(timeout=5)
        self.server_close()
        with self.lock:
            for connection in self.open:
                _shut(connection)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base's signature
        """Hand on what went wrong in a handler; connections that merely break do not come here."""
        error = sys.exception()
        if error is not None and not self.stopping.is_set():
            self.failed(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    connection: socket.socket

    def setup(self) -> None:
        super().setup()
        self.number = next(self.server.connections)
        self.tunnel = ""
        self.raw = self.connection
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.lock:
            self.server.open.add(self.raw)

    def handle(self) -> None:
        try:
            if self.connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
                self._become_tls()
            super().handle()
        except (OSError, Dropped):
            # The client is gone, or the connection is meant to break: nothing is left to say on it.
            return

    def finish(self) -> None:
        with self.server.lock:
            self.server.open.discard(self.raw)
            self.server.open.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass
        finally:
            self.connection.close()

    def handle_one_request(self) -> None:
        self._acknowledge()
        super().handle_one_request()

    def do_CONNECT(self) -> None:
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.tunnel = self.path
        self._become_tls()
        self.close_connection = False

    def answer(self) -> None:
        """Any method but CONNECT."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self._write(Reply(Answer(status=HTTPStatus.LENGTH_REQUIRED)))
            self.close_connection = True
            return
        self._acknowledge()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            method=self.command,
            url=self._url(),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            connection=self.number,
        )
        try:
            self._write(self.server.exchange(request))
        except Dropped:
            self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
            raise

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the base's names

    def log_message(self, *_: object) -> None:
        """Nothing: the journal has it."""

    def _become_tls(self) -> None:
        secured = self.server.tls.wrap_socket(self.connection, server_side=True)
        with self.server.lock:
            self.server.open.discard(self.raw)
            self.server.open.add(secured)
        self.connection = self.raw = secured
        self.rfile = secured.makefile("rb", -1)
        self.wfile = secured.makefile("wb")

    def _acknowledge(self) -> None:
        """Acknowledge at once: urllib3 leaves Nagle's algorithm on behind a proxy, which then waits 40 ms."""
        if QUICKACK is not None:
            self.raw.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)

    def _url(self) -> str:
        if urlsplit(self.path).scheme:
            return self.path  # a proxy is given the whole URL of a plain HTTP request
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        host = self.headers.get("Host") or self.tunnel
        return f"{scheme}://{host.removesuffix(':443')}{self.path}"

    def _write(self, reply: Reply) -> None:
        answer, payload = reply.answer, reply.answer.payload
        headers = {
            "Content-Length": str(len(payload)),
            "Content-Type": "application/json; charset=utf-8",
            "Date": formatdate(now().timestamp(), usegmt=True),
            **answer.headers,
        }
        reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus else "Unknown"
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{k}: {v}" for k, v in headers.items())]
        content = payload if self.command != "HEAD" else b""
        message = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + content
        if not reply.drip:
            self.connection.sendall(message)
            return
        for byte in message:
            if self.server.stopping.wait(reply.drip):
                return
            self.connection.sendall(bytes((byte,)))


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
