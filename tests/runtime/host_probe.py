"""What the tests of the local host share: the fixture app, its queues, and what it printed."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.host.process import LocalHost

FIXTURE_APP = Path(__file__).parent / "fixture_app"
#: Where waiting is unavoidable, it ends here.
DEADLINE_SECONDS = 25.0


def wait_until(check: Callable[[], object], what: str) -> None:
    """Return when *check* holds; fail, saying *what* was waited for, when it does not within the deadline."""
    pause = Event()
    ends = monotonic() + DEADLINE_SECONDS
    while not check():
        assert monotonic() < ends, f"waited in vain: {what}"
        pause.wait(0.02)


def copy_app(folder: Path, **queues: object) -> Path:
    """Copy the fixture app into *folder* with *queues* changed in its host.json."""
    app = shutil.copytree(FIXTURE_APP, folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    settings = json.loads((app / "host.json").read_text())
    settings["extensions"]["queues"].update(queues)
    (app / "host.json").write_text(json.dumps(settings))
    return app


class Probe:
    """One pair of queues on a storage account, and hosts that serve them."""

    def __init__(self, connection_string: str, name: str) -> None:
        self.work = QueueClient.from_connection_string(connection_string, name)
        self.poison = QueueClient.from_connection_string(connection_string, f"{name}-poison")
        self.parked = QueueClient.from_connection_string(connection_string, f"{name}-parked-poison")
        self.environ = {
            "StateStorage": connection_string,
            "WORK_QUEUE": name,
            "PARKED_QUEUE": f"{name}-parked-poison",
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
        }
        self.work.create_queue()

    def host(self, app: Path = FIXTURE_APP, *, time_scale: float = 10.0, stop_within: float = 10.0) -> LocalHost:
        """Give a host for these queues; by default a release takes one second and a poll at most 0.2 s."""
        return LocalHost(app, self.environ, time_scale=time_scale, stop_within=stop_within)

    def send(self, told: object, **options: Any) -> str:
        """Put *told* (a str as it is, else as JSON) into the work queue: the id of the message."""
        text = told if isinstance(told, str) else json.dumps(told)
        return str(self.work.send_message(text, **options).id)

    def left(self) -> int:
        """Count the messages of the work queue, hidden ones too."""
        return int(self.work.get_queue_properties().approximate_message_count or 0)

    def poisoned(self) -> list[str]:
        """Give the texts in the poison queue; none while it does not exist."""
        try:
            return [str(message.content) for message in self.poison.peek_messages(max_messages=32)]
        except ResourceNotFoundError:
            return []

    def close(self) -> None:
        """Close the connections."""
        for client in (self.work, self.poison, self.parked):
            client.close()


@contextmanager
def probing(connection_string: str, test: str) -> Iterator[Probe]:
    """Have a Probe inside, with queues of the *test*'s own."""
    probe = Probe(connection_string, f"probe-{hashlib.sha256(test.encode()).hexdigest()[:16]}")
    try:
        yield probe
    finally:
        probe.close()


def told(host: LocalHost, **facts: object) -> list[dict[str, Any]]:
    """Give what the app printed so far, those lines that hold all *facts*."""
    lines = [json.loads(line) for line in tuple(host.lines) if line.startswith('{"at"')]
    return [line for line in lines if all(line.get(key) == value for key, value in facts.items())]


def event(number: int = 1, **told: object) -> dict[str, Any]:
    """Give an event in the Event Grid schema that tells the app what to do."""
    return {
        "id": f"event-{number}",
        "topic": "/subscriptions/s",
        "subject": "tests/1",
        "eventType": "Tests.Happened",
        "eventTime": "2026-03-01T08:00:00Z",
        "dataVersion": "1",
        "metadataVersion": "1",
        "data": told,
    }


def cloud_event(**told: object) -> dict[str, Any]:
    """Give the same as a CloudEvent."""
    return {"specversion": "1.0", "id": "cloud-1", "source": "/tests", "type": "Tests.Happened", "data": told}
