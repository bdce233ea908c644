"""A server on loopback that answers byte by byte as a script says: what no well-behaved server can be made to do."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

#: An answer in full, for a connection that is kept.
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: Tue, 01 Jul 2025 10:00:00 GMT\r\n\r\nok"

DRIP_SECONDS = 0.05


class Peer:
    """One connection as the script sees it."""

    def __init__(self, sock: socket.socket, stopped: threading.Event) -> None:
        self._sock = sock
        self._stopped = stopped

    def read_request(self) -> bytes:
        """Read up to the end of the headers; b"" when the client has closed the connection."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            byte = self._sock.recv(1)
            if not byte:
                return b""
            data += byte
        return data

    def send(self, data: bytes) -> None:
        """Send at once."""
        self._sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send a byte each DRIP_SECONDS, until the server stops or the client is gone."""
        for byte in data:
            if self._stopped.wait(DRIP_SECONDS):
                return
            self._sock.sendall(bytes([byte]))

    def hang(self) -> None:
        """Say nothing until the client is gone or the server stops."""
        while not self._stopped.is_set() and self._sock.recv(4096):
            pass

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Become a TLS connection (after a CONNECT)."""
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def close(self) -> None:
        """Hang up."""
        # shutdown() wakes a script that is reading in its own thread.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


class RawServer:
    """Runs *script* in a thread of its own for each connection; *connections* counts them."""

    def __init__(self, script: Callable[[Peer], None]) -> None:
        self.connections = 0
        self._script = script
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._threads = [threading.Thread(target=self._accept)]
        self._peers: list[Peer] = []

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Where to send a request."""
        return f"http://127.0.0.1:{self.port}/"

    def _accept(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(TimeoutError):
                sock, _ = self._listener.accept()
                sock.settimeout(None)
                self.connections += 1
                peer = Peer(sock, self._stopped)
                thread = threading.Thread(target=self._serve, args=(peer,))
                self._peers.append(peer)
                self._threads.append(thread)
                thread.start()

    def _serve(self, peer: Peer) -> None:
        # The client may go at any moment: that is what the tests are about.
        with contextlib.suppress(OSError):
            self._script(peer)
        peer.close()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._threads[0].join(5)
        for peer in self._peers:
            peer.close()
        for thread in self._threads[1:]:
            thread.join(5)
        self._listener.close()
