"""The local host as a process of its own, started, asked and stopped from Python."""

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from local.host.errors import HostError

#: The folder `local` lies in, from which `python -m local.host` finds itself.
ROOT = Path(__file__).resolve().parents[2]
#: How long a stop waits beyond the time the host itself gives running invocations.
GRACE_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the host has in hand (*running*) and has done (*invoked*, *failed* among them)."""

    state: str
    functions: list[str]
    running: int
    invoked: int
    failed: int


class LocalHost:
    """A context manager: the host runs inside it.

    *environ* is the whole environment of the process, i.e. the app settings; *stop_within* is the time (seconds) a stop
    gives running invocations. *on_line* is called with every line the
    host or the app prints, from another thread; *lines* collects them.
    """

    def __init__(
        self,
        app_dir: Path,
        environ: Mapping[str, str],
        *,
        time_scale: float = 1.0,
        on_line: Callable[[str], None] | None = None,
        ready_within: float = 30.0,
        stop_within: float = 10.0,
    ) -> None:
        self.lines: list[str] = []
        self.functions: tuple[str, ...] = ()
        self._on_line = on_line
        self._ready_within = ready_within
        self._command = [sys.executable, "-m", "local.host", "--app", str(app_dir), "--port", "0", "--with-parent"]
        self._command += ["--time-scale", str(time_scale), "--stop-within", str(stop_within)]
        self._stop_within = stop_within
        self._environ = {"PYTHONUNBUFFERED": "1", **environ}
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[Thread] = []
        self._ready: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until it listens. Raises HostError with what it printed when it does not come up."""
        process = self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._readers = [
            Thread(target=self._read, args=(stream, stream is process.stdout), daemon=True)
            for stream in (process.stdout, process.stderr)
        ]
        for reader in self._readers:
            reader.start()
        try:
            ready = self._ready.get(timeout=self._ready_within)
        except Empty:
            ready = None
        if ready is None:
            self.kill()
            raise HostError("the local host did not start:\n" + "\n".join(self.lines))
        self._port, self.functions = ready["listening"], tuple(ready["functions"])

    def _read(self, stream: IO[str], announces: bool) -> None:  # noqa: FBT001 - a thread's argument
        for raw in stream:
            line = raw.rstrip("\n")
            if announces and self._port == 0 and line.startswith('{"listening"'):
                self._ready.put(json.loads(line))
                continue
            self.lines.append(line)
            if self._on_line is not None:
                self._on_line(line)
        if announces:
            self._ready.put(None)  # it ended; a start that still waits need not wait on

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def status(self) -> HostStatus:
        """Ask what it has in hand. Raises OSError when it does not answer."""
        return msgspec.json.decode(self._request("GET", "/admin/host/status")[1], type=HostStatus)

    def bindings(self) -> dict[str, list[dict[str, Any]]]:
        """Ask for the bindings of every function, as the worker indexed them. Raises OSError without an answer."""
        return msgspec.json.decode(self._request("GET", "/admin/functions")[1], type=dict[str, list[dict[str, Any]]])

    def post_event(self, function: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Deliver *body* (bytes as they are, anything else as JSON) to *function*: the status and text of the answer.

        *headers* replaces ``aeg-event-type: Notification``. Waits for the function; raises OSError without an answer.
        """
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {"aeg-event-type": "Notification"} if headers is None else headers
        path = f"/runtime/webhooks/EventGrid?functionName={function}"
        return self._request("POST", path, content, {"Content-Type": "application/json", **kind})

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait(self, timeout: float) -> int:
        """Wait for its end, at most *timeout* seconds: the exit code. Raises subprocess.TimeoutExpired."""
        if self._process is None:
            return 0
        ends = monotonic() + timeout
        code = self._process.wait(timeout)
        for reader in self._readers:
            reader.join(max(0.0, ends - monotonic()))
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        if self.pid is not None and self._process is not None:
            self._process.terminate()

    def stop(self) -> int:
        """Have it end in order (SIGTERM), by force when it does not: the exit code."""
        self.terminate()
        try:
            return self.wait(self._stop_within + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it at once (SIGKILL), as a crashed machine would: what it had in hand stays hidden."""
        if self.pid is not None and self._process is not None:
            self._process.kill()
        return self.wait(GRACE_SECONDS)
