"""Bar 8b: guards under races, on the real table: a decision and the memory it rests on are one write."""

import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

import handlers
from local.azurite import Azurite
from shared.actions import Failed, Outcome, SubmitJob
from shared.ledger import Ledger
from shared.settings import StateStorage
from shared.store import TableStore
from shared.transport import build_transport
from tests.fakes.events import altered
from tests.fakes.gateways import FakeJobs
from tests.fakes.service import FakeService, rules
from tests.faults.faulty import Death
from tests.faults.figures import Figures

WORKERS = 40
RULE = """
reactions:
  - name: {name}
    on: model-registered
    run: {{ job: pipelines/offline-test.yml }}
    guards: {guards}
"""


@dataclass
class OnAzurite(FakeService):
    """The service with its ledger on a real table."""

    connection_string: str = ""

    def __post_init__(self) -> None:
        """Connect."""
        super().__post_init__()
        storage = StateStorage(connection_string=self.connection_string)
        self.table = TableStore.connect(storage, transport=build_transport())
        self.ledger = Ledger(self.table, installation="test", dry_run=False)


def service(azurite: Azurite, guards: str) -> OnAzurite:
    """Return a service with one guarded rule that nobody else has."""
    name = f"guarded-{uuid.uuid4().hex[:16]}"  # noqa: TID251 - tests share the table
    text = RULE.format(name=name, guards=guards)
    return OnAzurite(reactions=rules(text), connection_string=azurite.connection_string)


def versions(count: int, *, models: int = 1) -> list[dict[str, Any]]:
    """Return so many versions of a model that nobody else has, or of several."""
    model = f"model-{uuid.uuid4().hex}"  # noqa: TID251 - tests share the table
    names = [f"{model}-{n % models}" for n in range(count)]
    return [
        altered("model-registered", event_id=f"{model}-{n}", modelName=name, modelVersion=str(n))
        for n, name in enumerate(names)
    ]


@dataclass
class Killing(FakeJobs):
    """Azure ML that the worker does not live to ask: the first attempt at each job is killed before the request."""

    killed: set[str] = field(default_factory=set)

    def submit(self, action: SubmitJob, *, name: str, properties: Mapping[str, str], repeated: bool) -> Outcome:
        """See shared.gateways.Jobs."""
        if name not in self.killed:
            self.killed.add(name)
            raise Death
        return super().submit(action, name=name, properties=properties, repeated=repeated)


@pytest.mark.parametrize("kills", [False, True], ids=["", "killed before each effect"])
@pytest.mark.parametrize(
    ("guards", "models", "limit"),
    [
        ("{ budget: { runs: 3, per: 1d } }", 1, 3),
        ("{ cooldown: 1h }", 1, 1),
        ("{ cooldown: 1h, budget: { runs: 5, per: 1d } }", 1, 1),
        ("{ budget: { runs: 4, per: 1d, for: reaction } }", WORKERS, 4),
        ("{ cooldown: 1h, budget: { runs: 9, per: 1d, for: reaction } }", 5, 5),
        ("{ confirm: { events: 7, within: 1d } }", 1, WORKERS // 7),
    ],
    ids=["budget", "cooldown", "both", "whole budget", "whole budget and cooldown", "confirm"],
)
def test_no_guard_admits_more_than_its_limit(  # noqa: PLR0917 - what is played
    azurite: Azurite,
    guards: str,
    models: int,
    limit: int,
    kills: bool,  # noqa: FBT001 - a parameter of the table
    figures: Figures,
) -> None:
    """Forty workers with forty versions at one moment; those that give way or are killed come back."""
    racing = service(azurite, guards)
    racing.jobs = Killing() if kills else FakeJobs()
    start = threading.Barrier(WORKERS)

    def deliver(event: dict[str, Any]) -> int:
        start.wait(30)
        try:
            racing.deliver(event)
        except Death:
            racing.deliver(event)  # as the host does, once the message is visible again
            return 1
        return 0

    with ThreadPoolExecutor(WORKERS) as pool:
        killed = sum(pool.map(deliver, versions(WORKERS, models=models)))
    contended = len(racing.queue.sent)
    while racing.queue.sent:
        message, _after = racing.queue.sent.pop(0)
        try:
            handlers.dispatch(message, racing)
        except Death:
            killed += 1
            handlers.dispatch(message, racing)
    assert len(racing.jobs.jobs) <= limit
    # There may be fewer: in the clock's one second an admission uses up what else came in it; and an event that loses
    # the race for its subject has held a run of the whole reaction until then.
    assert len(racing.jobs.jobs) == limit or "confirm" in guards or models == 5
    assert racing.jobs.jobs
    assert killed == (len(racing.jobs.jobs) if kills else 0)
    figures.record("8b", racing_workers=WORKERS, gave_way=contended, admitted=len(racing.jobs.jobs), kills=killed)


def test_racing_tellings_of_one_event_are_one_admission(azurite: Azurite, figures: Figures) -> None:
    """Forty deliveries of the same event: one row, one job, however many ask for it."""
    racing = service(azurite, "{ budget: { runs: 3, per: 1d } }")
    (event,) = versions(1)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(racing.deliver, [event] * WORKERS))
    while racing.queue.sent:
        handlers.dispatch(racing.queue.sent.pop(0)[0], racing)
    assert len(racing.jobs.jobs) == 1
    figures.record("8b", racing_workers=WORKERS, admitted=1)


def test_killed_between_admission_and_effect_it_acts(azurite: Azurite, figures: Figures) -> None:
    """The redelivery does not meet its own cooldown; the next event does."""
    jobs = FakeJobs()
    crashing = service(azurite, "{ cooldown: 1h }")
    crashing.jobs = jobs
    first, second = versions(2)

    def die() -> None:
        raise Death

    jobs.before = die
    with pytest.raises(Death):
        crashing.deliver(first)
    jobs.before = lambda: None
    crashing.deliver(first)
    crashing.deliver(second)
    assert len(jobs.jobs) == 1
    figures.record("8b", kills=1, admitted=1)


def test_a_rejected_action_gives_its_budget_back(azurite: Azurite, figures: Figures) -> None:
    """What never happened suppresses nothing."""
    refusing = service(azurite, "{ budget: { runs: 1, per: 1d } }")
    refusing.jobs.script = [Failed(reason="refused")]
    first, second, third = versions(3)
    for event in (first, second, third):
        refusing.deliver(event)
    assert len(refusing.jobs.jobs) == 1
    figures.record("8b", rejected=1, admitted=1)
