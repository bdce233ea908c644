"""The run's deadline: one end for all calls of a run, and a watchdog that ends what is still under way then."""

import contextlib
import contextvars
import socket
import threading
import time
from collections.abc import Iterator


class Run:
    """What is done under one deadline. After it nothing is sent, and what is under way is cut off.

    *sent* says whether the call under way got as far as its request: the caller's outcome is unknown then.
    """

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.sent = False
        self._over = False
        self._lock = threading.Lock()
        self._lines: set[Line] = set()
        self._watchdog: threading.Timer | None = None

    @property
    def remaining(self) -> float:
        """Seconds left, negative after the deadline."""
        return self.ends - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the watchdog has cut the lines of this run."""
        return self._over

    def watch(self, line: "Line") -> None:
        """Cut *line* when the deadline passes; the watchdog starts with the first line."""
        with self._lock:
            self._lines.add(line)
            if self._watchdog is None:
                self._watchdog = threading.Timer(max(self.remaining, 0.0), self._cut)
                self._watchdog.daemon = True
                self._watchdog.start()
            late = self._over
        if late:
            line.cut(self)

    def finish(self) -> None:
        """Stop watching: the connections go on to serve other runs."""
        with self._lock:
            watchdog, lines = self._watchdog, tuple(self._lines)
            self._lines.clear()
        if watchdog is not None:
            watchdog.cancel()
        for line in lines:
            line.leave(self)

    def _cut(self) -> None:
        with self._lock:
            self._over = True
            lines = tuple(self._lines)
        for line in lines:
            line.cut(self)


class Line:
    """A second handle on the socket of a connection, by which the watchdog ends a call.

    A shutdown through a duplicate reaches the connection whatever is wrapped around it meanwhile (a tunnel, a TLS
    handshake), and never a file descriptor that was closed and used again. A line serves one run at a time.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._handle = sock.dup()
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._abandoned = False

    def take(self, run: Run | None) -> None:
        """Serve *run* from now on, and no other (None: a call without a deadline)."""
        with self._lock:
            self._run = run
        if run is not None:
            run.watch(self)

    def cut(self, run: Run) -> None:
        """End whatever is read or written, unless the line serves another run by now."""
        with self._lock:
            if self._run is run:
                # The peer may have gone already: there is nothing to end then.
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def leave(self, run: Run) -> None:
        """End the service for *run*."""
        with self._lock:
            if self._run is run:
                self._run = None
                if self._abandoned:
                    self._handle.close()

    def close(self, *, unread: bool = False) -> None:
        """Give the handle back; where an answer is still *unread*, not before the run has finished."""
        with self._lock:
            if unread and self._run is not None:
                self._abandoned = True
            else:
                self._handle.close()


_current: contextvars.ContextVar[Run | None] = contextvars.ContextVar("run", default=None)


def current_run() -> Run | None:
    """Return the run that the caller is part of, or None when there is no deadline."""
    return _current.get()


def remaining() -> float | None:
    """Return the seconds left to the caller's run (negative after its deadline), or None without a deadline."""
    run = _current.get()
    return None if run is None else run.remaining


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Give everything inside *seconds* in all; within another deadline the earlier end counts."""
    ends = time.monotonic() + seconds
    outer = _current.get()
    if outer is not None and outer.ends <= ends:
        yield
        return
    run = Run(ends)
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)
        run.finish()
