"""Bar 13: whatever accepts and never answers, or drips a byte a second, a run ends; and the event is done later."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

import handlers
from local.azure import Fault, StandIn
from local.azurite import ACCOUNT, Azurite
from local.furniture import WORKSPACE, furnish, workspace_id
from local.twin import ROOT, Twin
from shared.bootstrap import Service
from shared.errors import DeadlineError, StorageError
from shared.messages import INLINE_BYTES, wrap
from shared.records import event_key, partition_key
from shared.transport import deadline
from tests.fakes.azure import stand_in
from tests.fakes.events import altered
from tests.fakes.raw_server import Peer, RawServer
from tests.faults.figures import Figures

#: The run's time in the cases in process, and what its end may take beyond it.
SECONDS, GRACE = 1.5, 1.0
#: function_app.RUN_SECONDS is 20; the promise is 25.
PROMISE = 25.0


def drip(peer: Peer) -> None:
    """Answer a byte at a time, for longer than anybody waits."""
    peer.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)


SILENT: dict[str, Callable[[Peer], None]] = {"hangs": Peer.hang, "drips": drip}


@dataclass(frozen=True)
class Bench:
    """One Azure and one storage, and an app in this process whose parts may be made to hang."""

    azure: StandIn
    storage: str

    def service(self, **settings: str) -> Service:
        """Return the app."""
        environ = {
            **os.environ,  # noqa: TID251 - the stand-in's addresses are there
            "WORKSPACES": workspace_id(),
            "OPS_EMAIL": "ops@example.com",
            "MAIL_ENDPOINT": "https://acs.europe.communication.azure.com",
            "MAIL_SENDER": "reactor@example.com",
            "INSTALLATION": "bounded",
            "MAIL_PER_HOUR": "200",  # tests share the table, and with it the count
            "MAIL_PER_MINUTE": "200",
            "StateStorage": self.storage,
            **settings,
        }
        return Service(environ=environ, folder=ROOT, vocabularies=handlers.VOCABULARIES)

    def endpoint_replaced(self, service: str, port: int) -> str:
        """Return the connection string with one service elsewhere."""
        parts = [part for part in self.storage.split(";") if not part.startswith(f"{service}Endpoint=")]
        return ";".join([*parts, f"{service}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}"])


@pytest.fixture
def bench(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Return the bench."""
    with stand_in(monkeypatch) as azure:
        furnish(azure.workspace(**WORKSPACE))
        yield Bench(azure=azure, storage=azurite.connection_string)


def event(kind: str, name: str) -> dict[str, Any]:
    """Return an event of its own."""
    if kind == "mail":
        return altered("pipeline-failed", event_id=name, runId=name, experimentName=name)
    return altered("model-registered", event_id=name, modelName="churn", modelVersion=name)


def run(service: Service, told: object) -> tuple[float, bool]:
    """Let one run handle an event; how long it took, and whether the host would bring the message back."""
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    started = time.monotonic()
    try:
        with deadline(SECONDS):
            handlers.dispatch(text, service)
    except (StorageError, DeadlineError):
        return time.monotonic() - started, True
    return time.monotonic() - started, False


def finish(bench: Bench, told: dict[str, Any], kind: str) -> None:
    """Have the event carried on by its live copy, or by the message that the host brings back."""
    service = bench.service()
    data = told["data"]
    subject, family, identity = data.get("modelName"), "model-registered", f"churn:{data.get('modelVersion')}"
    if kind == "mail":
        subject, family, identity = data["experimentName"], "pipeline-failed", data["runId"]
    partition = partition_key(workspace_id(), subject)
    found = service.store.query(partition, [event_key(family, identity, 0)]).rows
    wake = str(found[0].values.get("wake", "")) if found else ""
    message = wrap(told)
    if wake:
        message = msgspec.structs.replace(message, token=msgspec.json.decode(wake)["token"])
    handlers.dispatch(message.encode(), service)


HANGS = {
    "azure ml": ("job", Fault(method="PUT", url="/jobs/", delay=30)),
    "azure ml drips": ("job", Fault(method="PUT", url="/jobs/", drip=0.2)),
    "mail": ("mail", Fault(method="POST", url="/emails:send", delay=30)),
    "mail drips": ("mail", Fault(method="POST", url="/emails:send", drip=0.2)),
    "identity": ("job", Fault(url="/msi/token", delay=30)),
    "identity drips": ("job", Fault(url="/msi/token", drip=0.2)),
}


@pytest.mark.parametrize("name", HANGS)
def test_an_edge_that_hangs(bench: Bench, name: str, figures: Figures) -> None:
    """The run ends in time, and the event is carried on afterwards: one effect."""
    kind, fault = HANGS[name]
    told = event(kind, f"h-{name.replace(' ', '-')}-{bench.azure.port}")
    if kind == "job":
        bench.azure.workspace(**WORKSPACE).register("models", f"churn:{told['data']['modelVersion']}")
    bench.azure.faults.add(fault)
    took, _raised = run(bench.service(), told)
    assert took < SECONDS + GRACE
    bench.azure.faults.clear()
    if kind == "mail":
        time_passes(bench, told)
    finish(bench, told, kind)
    effects = bench.azure.mailbox.mails if kind == "mail" else bench.azure.workspace(**WORKSPACE).jobs
    assert len(effects) == 1
    figures.record("13", hung=1, effects=1, worst_beyond_deadline_s=round(max(0.0, took - SECONDS), 2))


def time_passes(bench: Bench, told: dict[str, Any]) -> None:
    """Make the mail's `sent_at` older than a minute, as it is when its copy comes back."""
    service = bench.service()
    key = event_key("pipeline-failed", told["data"]["runId"], 0)
    partition = partition_key(workspace_id(), told["data"]["experimentName"])
    (row,) = service.store.query(partition, [key]).rows
    record = msgspec.json.decode(str(row.values["r_mail_ops"]))
    record["sent_at"] = "2026-01-01T00:00:00Z"
    record.pop("due", None)
    values = {"r_mail_ops": msgspec.json.encode(record).decode()}
    service.store.merge(type(row)(partition=partition, key=key, values=values, etag=row.etag))


@pytest.mark.parametrize("how", SILENT)
@pytest.mark.parametrize("part", ["Table", "Queue", "Blob"])
def test_storage_that_hangs(bench: Bench, part: str, how: str, figures: Figures) -> None:
    """The run raises, so that the host brings the message back; nothing was done without its decision on record."""
    number = f"s-{part}-{how}-{bench.azure.port}"
    told = event("job", number)
    if part == "Blob":
        told["data"]["modelProperties"] = {"notes": "x" * INLINE_BYTES}
    if part == "Queue":
        bench.azure.faults.add(Fault(method="PUT", url="/jobs/", status=503))
    bench.azure.workspace(**WORKSPACE).register("models", f"churn:{number}")
    with RawServer(SILENT[how]) as silent:
        took, raised = run(bench.service(StateStorage=bench.endpoint_replaced(part, silent.port)), told)
    assert raised
    assert took < SECONDS + GRACE
    assert len(bench.azure.workspace(**WORKSPACE).jobs) == 0
    handlers.dispatch(json.dumps(told).encode(), bench.service())
    if part == "Queue":
        assert len(bench.azure.journal.jobs_put()) == 2
    assert len(bench.azure.workspace(**WORKSPACE).jobs) == 1
    figures.record("13", hung=1, effects=1, worst_beyond_deadline_s=round(max(0.0, took - SECONDS), 2))


def test_a_real_run_ends_within_25_seconds(figures: Figures) -> None:
    """The shipped app in its host, with Azure ML dripping: the host is told in time, and keeps the message."""
    with Twin() as twin:
        twin.workspace.register("models", "churn:dripping")
        twin.azure.faults.add(Fault(method="PUT", url="/jobs/", drip=1.0))
        started = time.monotonic()
        twin.put(json.dumps(altered("model-registered", modelVersion="dripping")))
        twin.until(lambda: twin.host.status().invoked > 0 and twin.host.status().running == 0, timeout=40)
        took = time.monotonic() - started
        assert 15 < took < PROMISE
        twin.queue_empty()
        assert len(twin.workspace.jobs) == 1
    figures.record("13", hung=1, effects=1, worst_run_s=round(took, 1))
