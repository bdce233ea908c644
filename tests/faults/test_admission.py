"""Bar 8b: guards under races, on the real table: a decision and the memory it rests on are one write."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

import handlers
from local.azurite import Azurite
from shared.actions import Failed
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
  - name: guarded
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
    """Return a service with one guarded rule."""
    return OnAzurite(reactions=rules(RULE.format(guards=guards)), connection_string=azurite.connection_string)


def versions(count: int) -> list[dict[str, Any]]:
    """Return so many versions of a model that nobody else has."""
    model = f"model-{uuid.uuid4().hex}"  # noqa: TID251 - tests share the table
    return [
        altered("model-registered", event_id=f"{model}-{n}", modelName=model, modelVersion=str(n)) for n in range(count)
    ]


@pytest.mark.parametrize(
    ("guards", "limit"),
    [
        ("{ budget: { runs: 3, per: 1d } }", 3),
        ("{ cooldown: 1h }", 1),
        ("{ cooldown: 1h, budget: { runs: 5, per: 1d } }", 1),
    ],
    ids=["budget", "cooldown", "both"],
)
def test_no_guard_admits_more_than_its_limit(azurite: Azurite, guards: str, limit: int, figures: Figures) -> None:
    """Forty workers with forty versions of one model at one moment; those that give way come back."""
    racing = service(azurite, guards)
    start = threading.Barrier(WORKERS)

    def deliver(event: dict[str, Any]) -> None:
        start.wait(30)
        racing.deliver(event)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(deliver, versions(WORKERS)))
    contended = len(racing.queue.sent)
    while racing.queue.sent:
        handlers.dispatch(racing.queue.sent.pop(0)[0], racing)
    assert len(racing.jobs.jobs) == limit
    figures.record("8b", racing_workers=WORKERS, gave_way=contended, admitted=limit)


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
