"""The whole service on fakes: the real handlers, ledger and orchestration between an in-memory store and edges."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec

import handlers
from shared.allowance import Allowance
from shared.closing import Closer
from shared.gateways.dead_letters import BlobDeadLetters
from shared.inquiry import Inquiry
from shared.job_templates.inputs import JobInput
from shared.ledger import Ledger
from shared.messages import Message
from shared.orchestration import Orchestration
from shared.post import Post
from shared.ration import Ration
from shared.reactions import Reactions
from shared.reactions.file import load
from shared.settings import WORKSPACE_ID, Settings
from shared.switches import Switches
from tests.fakes.gateways import (
    FakeBlobs,
    FakeJobs,
    FakeLineages,
    FakeMail,
    FakeMeasurements,
    FakeModelTags,
    FakeOutcomes,
    FakeQueue,
    FakeRuns,
)
from tests.fakes.store import MemoryStore

WORKSPACE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-churn"
    "/providers/Microsoft.MachineLearningServices/workspaces/mlw-churn"
)
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
#: More than any story needs: what comes back for ever is a failure, not a test that hangs.
DELIVERIES = 1000
JOB_INPUTS = {
    "pipelines/offline-test.yml": (JobInput(name="model", type="mlflow_model", optional=True, entry={}),),
    "pipelines/retrain.yml": (
        JobInput(name="drift_monitor", type="literal", optional=True, entry={}),
        JobInput(name="drift_signal", type="literal", optional=True, entry={}),
        JobInput(name="rate", type="literal", optional=True, entry={}, scalar="number"),
        JobInput(name="data", type="uri_folder", optional=True, entry={}),
    ),
    "pipelines/needs-a-model.yml": (JobInput(name="model", type="mlflow_model", optional=False, entry={}),),
}
REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: offline-test
    on: model-registered
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - { name: retrain, on: data-drift, run: { job: pipelines/retrain.yml } }
  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }
"""
#: The same with a mail for every failure, and so without anything that waits afterwards.
EACH = REACTIONS.replace("mail: { to: ops }", "mail: { to: ops, each: true }")


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def forward(self, **by: float) -> None:
        """Move on, by the arguments of timedelta."""
        self.now += timedelta(**by)


def rules(text: str) -> Reactions:
    """Read reactions as the service does."""
    return load(
        text,
        file="reactions.yaml",
        vocabularies=handlers.VOCABULARIES,
        addresses={"OPS_EMAIL": ("ops@example.com",)},
        job_inputs=lambda job: {declared.name: declared for declared in JOB_INPUTS[job]},
    )


@dataclass
class FakeService:
    """See handlers.service. `deliver` is one delivery of the queue; *rationed*: mails within the *allowance*."""

    reactions: Reactions = field(default_factory=lambda: rules(REACTIONS))
    clock: Clock = field(default_factory=Clock)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    mail: FakeMail = field(default_factory=FakeMail)
    run_history: FakeRuns = field(default_factory=FakeRuns)
    lineages: FakeLineages = field(default_factory=FakeLineages)
    measurements: FakeMeasurements = field(default_factory=FakeMeasurements)
    model_tags: FakeModelTags = field(default_factory=FakeModelTags)
    outcomes: FakeOutcomes | None = None
    read_only: frozenset[str] = frozenset()
    queue: FakeQueue = field(default_factory=FakeQueue)
    large_events: FakeBlobs = field(default_factory=FakeBlobs)
    letters: FakeBlobs = field(default_factory=FakeBlobs)
    workspaces: frozenset[str] = frozenset({WORKSPACE.casefold()})
    dry_run: bool = False
    rationed: bool = False
    allowance: Allowance = field(default_factory=lambda: Allowance(per_minute=5, per_hour=10))
    jitter: float = 0.0
    tokens: Any = field(default_factory=lambda: map("token-{}".format, itertools.count(1)))

    def __post_init__(self) -> None:
        """Build what is one per process."""
        self.store = MemoryStore(self.clock)
        self.dead_letters = BlobDeadLetters(self.letters)
        names = [rule.name for rule in self.reactions.rules]
        self.switches = Switches(self.store, reactions=names, clock=lambda: self.clock().timestamp())
        self.post = Post(
            service=self.mail,
            ration=Ration(self.store, self.allowance),
            store=self.store,
            queue=self.queue,
            daily=time(6),
            new_token=lambda: next(self.tokens),
        )
        self.ledger = Ledger(self.store, installation="test", dry_run=self.dry_run)

    @property
    def settings(self) -> Settings:
        """The settings of this service, as far as anything asks for them."""
        return Settings(
            workspaces=self.workspaces,
            ops_email=("ops@example.com",),
            mail_endpoint="https://acs.europe.communication.azure.com",
            mail_sender="reactor@example.com",
            installation="test",
            reactions_file=Path("reactions.yaml"),
            client_id="",
            dry_run=self.dry_run,
        )

    def accepts(self, workspace: str) -> bool:
        """See handlers.service.Service."""
        return workspace.casefold() in self.workspaces

    def orchestration(self, message: Message) -> Orchestration:
        """See handlers.service.Service."""
        return Orchestration(
            message=message,
            reactions=self.reactions,
            ledger=self.ledger,
            jobs=self.jobs,
            runs=self.run_history,
            mail=self.post if self.rationed else self.mail,
            queue=self.queue,
            dead_letters=self.dead_letters,
            inquiry=self.inquiry(),
            closer=Closer(
                measurements=self.measurements,
                model_tags=self.model_tags,
                outcomes=self.outcomes,
                read_only=self.read_only,
            ),
            new_token=lambda: next(self.tokens),
            jitter=lambda: self.jitter,
            version="test",
            dry_run=self.dry_run,
        )

    def inquiry(self) -> Inquiry:
        """Return what is asked before a decision, of the one process that this is."""
        return Inquiry(switches=self.switches, lineages=self.lineages)

    def deliver(self, event: object) -> None:
        """Have the queue deliver an event (decoded JSON), or a Message."""
        self.deliver_text(event.encode() if isinstance(event, Message) else msgspec.json.encode(event))

    def deliver_text(self, text: bytes) -> None:
        """Have the queue deliver a message as it is."""
        handlers.dispatch(text, self)

    def run_queue(self) -> None:
        """Deliver what waits, letting time pass to when each is due, until the queue is empty."""
        for _ in range(DELIVERIES):
            if not self.queue.sent:
                return
            message, after = self.queue.sent.pop(0)
            self.clock.now += after
            self.deliver_text(message)
        raise AssertionError("the queue is never empty")

    def rows(self) -> dict[str, dict[str, str | int]]:
        """Return all rows by key."""
        return {row.key: dict(row.values) for row in self.store.rows}


assert WORKSPACE_ID.fullmatch(WORKSPACE)
