"""A worker that counts: ``python -m tests.runtime.budget_probe APP``. tests/runtime/test_budgets.py starts it.

The app runs under Microsoft's worker runtime in this process. A line of JSON on standard input is an invocation, a line
of JSON on standard output what it took: requests and connections by Python's own audit events, below every SDK.
"""

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import azure_functions_runtime  # noqa: F401 - the worker has it before it meets an app

from local.host.protos import TypedData
from local.host.worker import Worker

#: The app's thread for imports (shared/bootstrap.py), which is waited for so that it is no part of an event.
PREPARATION, PREPARED_SECONDS = "preparation", 30.0
HEAD = re.compile(rb"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1\r\n")
HOST = re.compile(rb"(?i)\r\nhost: *(?P<host>\S+)\r\n")


class Wire:
    """What goes out: *requests* with the bytes of head and body, and *connections*; CONNECT is no request."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections: list[str] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event: https://docs.python.org/3/library/audit_events.html."""
        if event == "http.client.connect":
            _connection, host, port = arguments
            self.connections.append(f"{host}:{port}")
        elif event == "http.client.send":
            self._sent(bytes(arguments[1]))

    def _sent(self, data: bytes) -> None:
        head = HEAD.match(data)
        if head is None:
            if self.requests:  # one at a time: what follows a head is its body
                self.requests[-1]["bytes"] += len(data)
            return
        host = HOST.search(data)
        if head["method"] != b"CONNECT":
            asked = {"method": head["method"].decode(), "path": head["path"].decode(), "bytes": len(data)}
            self.requests.append({**asked, "host": host["host"].decode() if host else ""})


class Prepared:
    """What only the app's preparation imports, while its host gets ready."""

    def __init__(self) -> None:
        self._names: dict[bool, set[str]] = {True: set(), False: set()}

    @property
    def names(self) -> set[str]:
        """The names of the modules."""
        from shared.bootstrap import BEFORE_AN_EVENT  # noqa: PLC0415 - the app has it by now, and not before

        return (self._names[True] | set(BEFORE_AN_EVENT)) - self._names[False]  # `import_module` is no event itself

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event; it comes in the thread that imports."""
        if event == "import":
            self._names[threading.current_thread().name == PREPARATION].add(arguments[0])


class Calls:
    """Counts calls of Python functions, of all threads."""

    count = 0

    def __call__(self, _frame: FrameType, event: str, _argument: object) -> None:
        """See sys.setprofile."""
        self.count += event == "call"


@contextmanager
def counted(*, profile: bool) -> Iterator[Calls]:
    """Count calls inside, if asked to: it takes its time."""
    calls = Calls()
    if profile:
        threading.setprofile_all_threads(calls)
    try:
        yield calls
    finally:
        threading.setprofile_all_threads(None)


def invoked(worker: Worker, asked: dict[str, Any], wire: Wire) -> dict[str, Any]:
    """Run one invocation, and tell what it took."""
    wire.requests, wire.connections = [], []
    known = set(sys.modules)
    function = worker.functions[asked["function"]]
    name, text = str(function.trigger["name"]), json.dumps(asked["event"])
    if asked["function"] == "react":
        inputs, metadata = {name: TypedData(string=text)}, {"Id": TypedData(string="1")}
    else:
        inputs, metadata = {name: TypedData(json=text)}, {"data": TypedData(json=json.dumps(asked["event"]["data"]))}
    with counted(profile=asked["profile"]) as calls:
        result = worker.invoke(function.name, inputs, metadata)
    return {
        "succeeded": result.succeeded,
        "message": result.message,
        "requests": wire.requests,
        "connections": wire.connections,
        "calls": calls.count,
        "modules": sorted(set(sys.modules) - known),
    }


def main(app: Path) -> None:
    """Index the app, tell which modules that took, and serve."""
    wire, prepared = Wire(), Prepared()
    before = set(sys.modules)
    sys.addaudithook(prepared.hear)
    with Worker() as worker:
        worker.start(app)
        tell({"modules": sorted(set(sys.modules) - before - prepared.names)})
        for thread in threading.enumerate():
            if thread.name == PREPARATION:
                thread.join(PREPARED_SECONDS)
        sys.addaudithook(wire.hear)
        for line in sys.stdin:
            tell(invoked(worker, json.loads(line), wire))


def tell(what: object) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
