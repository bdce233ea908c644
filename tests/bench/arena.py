"""The common ground: one stand-in for Azure, one Azurite, and the contestants' apps as they would be deployed."""

import compileall
import contextlib
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from py_compile import PycInvalidationMode
from time import monotonic
from types import TracebackType
from typing import Any, Self

from azure.storage.queue import QueueClient

from local.azure import StandIn
from local.azure.clock import now
from local.azure.journal import Entry
from local.azurite import Azurite, create_state
from local.furniture import WORKSPACE, app_settings, furnish
from shared.gateways.queue import QUEUE
from tests.bench.player import ROOT, Contestant
from tests.fakes.events import altered

PEER = Path(__file__).parent / "peer"
DEPLOYED = ("function_app.py", "host.json", "reactions.yaml", "handlers", "shared", "pipelines")
#: Every subject has a name of this form.
SUBJECT = re.compile(r"(?:model|experiment)-\d{6}")
JOB_FILE = ROOT / "pipelines" / "offline-test.yml"


class Arena:
    """A context manager: everything of the bench runs inside it, on 127.0.0.1 and free ports.

    *contracts*: the stand-in checks bodies against the published contracts, which takes it time.
    """

    def __init__(self, *, contracts: bool = False) -> None:
        self._stack = contextlib.ExitStack()
        self.azure = StandIn(check_contracts=contracts)
        self.workspace = self.azure.workspace(**WORKSPACE)
        self._numbers = itertools.count(1)
        #: What to add to monotonic seconds for seconds since the epoch, in which the journal tells.
        self.offset = now().timestamp() - monotonic()

    def __enter__(self) -> Self:
        with self._stack:
            self.place = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            self.azurite = self._stack.enter_context(Azurite())
            self.storage = self.azurite.connection_string
            create_state(self.storage)
            self.queue = self._stack.enter_context(QueueClient.from_connection_string(self.storage, QUEUE))
            self._stack.enter_context(self.azure)
            furnish(self.workspace)
            self.app, self.plain, self.peer = self._contestants()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _contestants(self) -> tuple[Contestant, Contestant, Contestant]:
        """Return the app with compiled modules of its own, the same without, and the peer with."""
        settings = {
            **app_settings(self.azure, self.workspace, self.storage),
            "MAIL_PER_MINUTE": "200",  # mails are counted one by one here
            "MAIL_PER_HOUR": "200",
        }
        also = {
            "SUBSCRIPTION_ID": WORKSPACE["subscription"],
            "RESOURCE_GROUP": WORKSPACE["group"],
            "WORKSPACE_NAME": WORKSPACE["name"],
            "JOB_FILE": str(JOB_FILE),
        }
        app, plain, peer = (self.place / name for name in ("app", "plain", "peer"))
        for folder in (app, plain):
            folder.mkdir()
            for name in DEPLOYED:
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, folder / name)
            for stale in folder.rglob("__pycache__"):
                shutil.rmtree(stale)
        shutil.copytree(PEER, peer, ignore=shutil.ignore_patterns("__pycache__"))
        for folder in (app, peer):
            compileall.compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        return (
            Contestant("app", app, settings),
            Contestant("app as deployed", plain, settings),
            Contestant("peer", peer, {**settings, **also}),
        )

    def models(self, count: int, *, subject: str = "") -> list[str]:
        """Return events of *count* models that the workspace knows: new ones, or versions of the one named."""
        return [json.dumps(self._registered(next(self._numbers), subject)) for _ in range(count)]

    def _registered(self, number: int, subject: str) -> dict[str, Any]:
        name, version = (subject, str(number)) if subject else (f"model-{number:06}", "1")
        self.workspace.register("models", f"{name}:{version}")
        return altered("model-registered", event_id=f"bench-{number:06}", modelName=name, modelVersion=version)

    def failures(self, count: int) -> list[str]:
        """Return events of *count* pipelines that failed, of an experiment each."""
        events = []
        for number in itertools.islice(self._numbers, count):
            experiment, run = f"experiment-{number:06}", f"run-{number:06}"
            ago = timedelta(minutes=10)
            self.workspace.run_pipeline(experiment, run, steps=2, fails_at=2, error="ValueError: bench", ago=ago)
            event = altered("pipeline-failed", event_id=f"bench-{number:06}", experimentName=experiment, runId=run)
            events.append(json.dumps(event))
        return events

    def subjects(self, about: str, count: int) -> list[str]:
        """Return names of *count* new subjects, as long as *about*; the workspace knows them where they are models."""
        kind, _, digits = about.rpartition("-")
        names = [f"{kind}-{number:0{len(digits)}}" for number in itertools.islice(self._numbers, count)]
        for name in names:
            self.workspace.register("models", f"{name}:1")
        return names

    def messages(self, count: int) -> list[str]:
        """Take *count* messages out of the queue, as the host would."""
        taken: list[str] = []
        ends = monotonic() + 10
        while len(taken) < count and monotonic() < ends:
            for message in self.queue.receive_messages(
                messages_per_page=min(32, count - len(taken)), max_messages=count - len(taken)
            ):
                taken.append(str(message.content))
                self.queue.delete_message(message)
        assert len(taken) == count, f"{len(taken)} of {count} messages came"
        return taken

    def mark(self) -> int:
        """Return how many requests the stand-in has had."""
        return len(self.azure.journal.entries)

    def since(self, mark: int) -> tuple[Entry, ...]:
        """Return the requests since a mark."""
        return self.azure.journal.entries[mark:]

    def moment(self, entry: Entry) -> float:
        """Return when a request was answered, in monotonic seconds."""
        return entry.at.timestamp() - self.offset


def subject_of(text: str) -> str:
    """Return the one subject that a text is about."""
    (found,) = set(SUBJECT.findall(text))
    return str(found)


def effects(entries: tuple[Entry, ...], about: str = "") -> Iterator[Entry]:
    """Yield the requests that started a job or sent a mail: all, or those that have *about* in their bodies."""
    for entry in entries:
        job = entry.method == "PUT" and "/jobs/" in entry.path and entry.status in {200, 201}
        mail = entry.method == "POST" and entry.path == "/emails:send" and entry.status == 202
        if (job or mail) and about.encode() in entry.request.body:
            yield entry
