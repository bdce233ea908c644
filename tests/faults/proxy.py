"""A TCP proxy between the app and its storage that can be out of order in the ways a network and a service can."""

import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

ENDPOINT = re.compile(r"http://127\.0\.0\.1:(\d+)/")
LINGER_OFF = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye
BUSY = (
    b"HTTP/1.1 503 Server Busy\r\nContent-Length: 0\r\nConnection: close\r\nDate: Wed, 25 Nov 2026 09:00:00 GMT\r\n\r\n"
)
#: How much of an answer comes through before it is cut: part of the status line.
CUT_AFTER = 10
CHUNK = 65536
#: How long the storage may take, in seconds: it is not the proxy that gives up.
PATIENCE = 30.0

type Mode = Literal["pass", "refuse", "stall", "cut", "busy"]


@dataclass(slots=True, kw_only=True)
class Loss:
    """A request that is carried out while its client loses the connection: before its answer, or *late* seconds before.

    It is the one after *passing* others that match. *happened* is True when the storage has answered it.
    """

    request: re.Pattern[bytes]
    passing: int
    late: float
    happened: bool = False


class Proxy:
    """A context manager: what connects to `connection_string` reaches the storage behind it, or meets an outage."""

    def __init__(self, connection_string: str) -> None:
        self._mode: Mode = "pass"
        self._losses: list[Loss] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._doors = {int(behind): _bound(0) for behind in ENDPOINT.findall(connection_string)}
        ports = {str(behind): door.getsockname()[1] for behind, door in self._doors.items()}
        self.connection_string = ENDPOINT.sub(lambda found: f"http://127.0.0.1:{ports[found[1]]}/", connection_string)

    def __enter__(self) -> Self:
        self._let_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._hang_up()
        for door in self._doors.values():
            door.close()

    def fail(self, mode: Mode) -> None:
        """Begin an outage, or end it with "pass"; connections that there are break.

        "refuse": nothing listens; "stall": nothing is answered; "cut": every answer ends after a few bytes, the
        storage has done its work; "busy": 503.
        """
        self._mode = mode
        for behind, door in self._doors.items():
            port = door.getsockname()[1]
            _shut(door)
            self._doors[behind] = _bound(port)
        self._hang_up()
        if mode != "refuse":
            self._let_in()

    def lose(self, request: bytes, *, passing: int = 0, late: float = 0.0) -> Loss:
        """Lose the answer to a request whose beginning matches *request* (a regular expression); see Loss."""
        loss = Loss(request=re.compile(request), passing=passing, late=late)
        with self._lock:
            self._losses.append(loss)
        return loss

    def _let_in(self) -> None:
        for behind, door in self._doors.items():
            door.listen(64)
            threading.Thread(target=self._accept, args=(door, behind), daemon=True).start()

    def _hang_up(self) -> None:
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            _reset(connection)

    def _accept(self, door: socket.socket, behind: int) -> None:
        with contextlib.suppress(OSError):  # the door is shut
            while True:
                client, _ = door.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client, behind), daemon=True).start()

    def _serve(self, client: socket.socket, behind: int) -> None:
        """Carry requests to the storage, and the answers back in a thread of their own."""
        with contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", behind), timeout=PATIENCE)
            server.settimeout(None)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            lost: list[Loss] = []
            threading.Thread(target=self._answer, args=(server, client, lost), daemon=True).start()
            while request := client.recv(CHUNK):
                if self._mode == "busy":
                    client.sendall(BUSY)
                    break
                if self._mode == "stall":
                    continue
                lost += (loss := self._loss(request))
                if loss and loss[0].late:
                    self._deliver_late(loss[0], _whole(request, client), client, behind)
                    break
                server.sendall(request)
            if not lost or lost[0].late:
                _reset(server)
        _reset(client)

    def _deliver_late(self, loss: Loss, request: bytes, client: socket.socket, behind: int) -> None:
        """Deliver *request* when its client is gone, on a connection that the storage has not given up meanwhile."""
        _reset(client)
        self._closing.wait(loss.late)
        with socket.create_connection(("127.0.0.1", behind), timeout=PATIENCE) as server:
            server.sendall(request)
            loss.happened = bool(server.recv(CHUNK))

    def _answer(self, server: socket.socket, client: socket.socket, lost: list[Loss]) -> None:
        with contextlib.suppress(OSError):
            while answer := server.recv(CHUNK):
                for loss in lost:
                    loss.happened = True
                if lost or self._mode == "cut":
                    client.sendall(b"" if lost else answer[:CUT_AFTER])
                    break
                client.sendall(answer)
        _reset(client)
        _reset(server)

    def _loss(self, request: bytes) -> list[Loss]:
        with self._lock:
            for loss in self._losses:
                if loss.request.match(request):
                    loss.passing -= 1
                    if loss.passing < 0:
                        self._losses.remove(loss)
                        return [loss]
            return []


def _bound(port: int) -> socket.socket:
    """Return a socket that keeps *port* for us and lets nobody in yet."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", port))
    return door


def _whole(request: bytes, client: socket.socket) -> bytes:
    """Return all of a request of which the beginning has come."""
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    missing = int(length[1]) - len(body) if length else 0
    while missing > 0 and (more := client.recv(CHUNK)):
        request += more
        missing -= len(more)
    return request


def _shut(door: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was not listening
        door.shutdown(socket.SHUT_RDWR)  # wakes who accepts
    door.close()


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
