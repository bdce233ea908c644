"""Fakes of the edges that behave: Azure ML refuses a name twice, the mail service knows its operations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from shared.actions import Deferred, Done, Failed, Outcome, Publish, SendMail, SubmitJob, WriteTags
from shared.gateways import MailService
from shared.lineage import Origin
from shared.messages import Message, decode
from shared.notices import Diagnosis
from shared.verdicts import Measured

type Script = list[Outcome]


@dataclass
class FakeJobs:
    """Azure ML: the journal of every PUT, and the jobs there are. *script* answers first, one outcome a call."""

    script: Script = field(default_factory=list)
    puts: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    jobs: dict[str, tuple[SubmitJob, Mapping[str, str]]] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None

    def submit(self, action: SubmitJob, *, name: str, properties: Mapping[str, str], repeated: bool) -> Outcome:
        """See shared.gateways.Jobs."""
        self.before()
        self.puts.append(name)
        if self.script:
            return self.script.pop(0)
        if name not in self.jobs:
            self.jobs[name] = (action, properties)
            return Done(receipt=name)
        if repeated:
            return Done(receipt=name, note="exists")
        self.reads.append(name)
        same = self.jobs[name][1]["reactor_operation"] == properties["reactor_operation"]
        return Done(receipt=name, note="found") if same else Failed(reason="name taken")


@dataclass
class FakeLineages:
    """Azure ML again: what a job of ours left on what it made, by *origin*. *script* answers first, one a call."""

    known: dict[Origin, Mapping[str, str]] = field(default_factory=dict)
    script: list[Deferred] = field(default_factory=list)
    asked: list[Origin] = field(default_factory=list)

    def read(self, workspace: str, origin: Origin) -> Mapping[str, str] | Deferred:
        """See shared.gateways.Lineages."""
        assert workspace
        self.asked.append(origin)
        return self.script.pop(0) if self.script else self.known.get(origin, {})


@dataclass
class FakeRuns:
    """Run history: *known* is what it tells of every failed job; *asked* are those it was asked about."""

    known: Diagnosis = field(default_factory=Diagnosis)
    asked: list[str] = field(default_factory=list)

    def diagnose(self, workspace: str, run: str, *, experiment: str) -> Diagnosis:
        """See shared.gateways.Runs."""
        assert workspace
        assert experiment
        self.asked.append(run)
        return self.known


@dataclass
class FakeMeasurements:
    """Azure ML once more: what runs have measured, by job and step. *script* answers first, one a call."""

    known: dict[tuple[str, str], Measured] = field(default_factory=dict)
    script: list[Deferred] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def read(self, workspace: str, job: str, *, step: str = "") -> Measured | Deferred | None:
        """See shared.gateways.Measurements."""
        assert workspace
        self.asked.append((job, step))
        return self.script.pop(0) if self.script else self.known.get((job, step))


@dataclass
class FakeModelTags:
    """Azure ML's models: the tags of each, by name and version. *script* answers first, one a call."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    script: Script = field(default_factory=list)
    writes: list[tuple[WriteTags, bool]] = field(default_factory=list)

    def write(self, action: WriteTags, *, repeated: bool) -> Outcome:
        """See shared.gateways.ModelTags."""
        self.writes.append((action, repeated))
        if self.script:
            return self.script.pop(0)
        name = f"{action.model}:{action.version}"
        self.tags.setdefault(name, {}).update(action.tags)
        wait = timedelta(seconds=30)
        return Done(name, "read back") if repeated else Deferred("tags: written", wait, trouble=False)


@dataclass
class FakeOutcomes:
    """The topic: what was published. *script* answers first, one a call."""

    script: Script = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)

    def publish(self, action: Publish) -> Outcome:
        """See shared.gateways.Outcomes."""
        if self.script:
            return self.script.pop(0)
        self.events.append(action.event.cloud_event())
        return Done(action.event.id)


@dataclass
class FakeMail:
    """Communication Services: mails by Operation-Id, and every POST. A Deferred in *script* loses the answer.

    *delivered* has an operation for each mail that reaches the mailbox: twice where it is sent twice, as the service
    does that forgets an operation after 5 minutes.
    """

    script: Script = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    mails: dict[str, SendMail] = field(default_factory=dict)
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    delivers_lost_ones: bool = True

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See shared.gateways.Mail."""
        assert first_sent.tzinfo is not None
        self.posts.append(operation)
        outcome = self.script.pop(0) if self.script else Done(receipt=operation)
        if isinstance(outcome, Done) or (isinstance(outcome, Deferred) and self.delivers_lost_ones):
            self.delivered.append(operation)
            self.mails.setdefault(operation, action)
        return outcome

    def divert(self, action: SendMail, *, operation: str, at: datetime) -> Outcome | None:
        """See shared.gateways.Mail: there is always room."""
        assert action.to
        self.asked.append((operation, at))
        return None

    def find(self, operation: str) -> bool | Deferred:
        """See shared.gateways.Mail."""
        self.lookups.append(operation)
        return operation in self.mails


@dataclass(frozen=True)
class Unrationed:
    """A mail service with room for any number of mails."""

    service: MailService

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See shared.gateways.Mail."""
        return self.service.send(action, operation=operation, first_sent=first_sent)

    def find(self, operation: str) -> bool | Deferred:
        """See shared.gateways.Mail."""
        return self.service.find(operation)

    def divert(self, action: SendMail, *, operation: str, at: datetime) -> None:
        """See shared.gateways.Mail."""


@dataclass
class FakeQueue:
    """The queue: what was sent, in order, with its delay."""

    sent: list[tuple[bytes, timedelta]] = field(default_factory=list)

    def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
        """See shared.gateways.Queue."""
        self.sent.append((message, after))

    def take(self) -> Message:
        """Take the oldest message out."""
        return decode(self.sent.pop(0)[0])[0]


@dataclass
class FakeBlobs:
    """A container: blobs by name; the first writer of a name stays."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def put(self, name: str, content: bytes, *, metadata: Mapping[str, str] | None = None) -> None:  # noqa: ARG002 - Protocol
        """See shared.gateways.Blobs."""
        self.blobs.setdefault(name, content)

    def get(self, name: str) -> bytes | None:
        """See shared.gateways.Blobs."""
        return self.blobs.get(name)

    def letters(self) -> list[dict[str, object]]:
        """Return the dead letters in it."""
        return [msgspec.json.decode(content)[0] for _name, content in sorted(self.blobs.items())]
