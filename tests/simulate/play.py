"""The service on fakes, and a host with so many instances, each of which works on several messages at once.

A delivery is carried out as a whole at the moment it begins: what happens when two meet is what tests/faults is about.
"""

import heapq
import json
import random  # noqa: TID251 - jitter and polls are drawn from a seed
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import handlers
from local.samples import SAMPLES
from shared.ledger import Ledger
from shared.ration import Ration
from shared.switches import Switches
from tests.budgets import DIAGNOSIS_READS
from tests.fakes.service import FakeService, rules
from tests.simulate.edges import CountedLineages, LimitedJobs, LimitedMail, Windows, stage
from tests.simulate.facts import ACTING, Fact
from tests.simulate.load import OUTAGE_SECONDS, Load
from tests.simulate.state import BEGIN, CountedStore, Line, SecondClock

HOST = json.loads((SAMPLES.parent / "host.json").read_text(encoding="utf-8"))["extensions"]["queues"]
#: What one instance has in hand at once, and how long it leaves an empty queue alone at most, in seconds.
AT_ONCE: int = HOST["batchSize"] + HOST["newBatchThreshold"]
POLL_SECONDS = float(HOST["maxPollingInterval"].rpartition(":")[2])
FIRST_POLL_SECONDS = 0.1
#: Assumed, in seconds: what a request to storage, Azure ML and mail takes, and a delivery without any.
STORAGE_SECONDS, ML_SECONDS, MAIL_SECONDS, OWN_SECONDS = 0.01, 0.5, 0.3, 0.02
#: The shipped rules, but that only models of half the names concern one.
REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: offline-test
    on: model-registered
    when: { model: "prod-*" }
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - name: retrain
    on: data-drift
    run:
      job: pipelines/retrain.yml
      inputs: { drift_monitor: "${{ event.monitor }}", drift_signal: "${{ event.signal }}" }
  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """So many requests to each service, since the beginning."""

    storage: int
    azure_ml: int
    mail: int

    def seconds_since(self, before: "Asked") -> float:
        """Return what the requests since *before* take."""
        return (
            (self.storage - before.storage) * STORAGE_SECONDS
            + (self.azure_ml - before.azure_ml) * ML_SECONDS
            + (self.mail - before.mail) * MAIL_SECONDS
        )


@dataclass
class Played:
    """What was told and done: *facts* by kind, *acting* are those that concern a rule, by workspace and row.

    *seconds* are those from the first telling of an event to its effect, by effect; *most_busy* is how many messages
    were in hand at once, *most_a_second* how many deliveries began in one second.
    """

    facts: Counter[str] = field(default_factory=Counter)
    acting: dict[tuple[str, str], Fact] = field(default_factory=dict)
    deliveries: int = 0
    most_busy: int = 0
    most_a_second: int = 0
    seconds: dict[str, "array[float]"] = field(default_factory=dict)

    def took(self, effect: str, seconds: float) -> None:
        """Note how long an effect took."""
        self.seconds.setdefault(effect, array("d")).append(seconds)


class Play(FakeService):
    """Plays a load on so many instances, all of them there from the beginning."""

    def __init__(self, load: Load, *, instances: int) -> None:
        self.load, self.slots = load, instances * AT_ONCE
        self.time = SecondClock()
        self.line = Line(clock=self.time)
        self.arm = LimitedJobs(clock=self.time, outages=self._outages("jobs away"))
        self.office = LimitedMail(clock=self.time, outages=self._outages("mail away"))
        self.origins = CountedLineages()
        super().__init__(
            reactions=rules(REACTIONS),
            clock=self.time,
            jobs=self.arm,
            mail=self.office,
            lineages=self.origins,
            queue=self.line,
            workspaces=frozenset(name.casefold() for name in load.names),
            rationed=True,
        )
        self.store = self.state = CountedStore(self.time)
        self.ledger = Ledger(self.store, installation="test", dry_run=False)
        names = [rule.name for rule in self.reactions.rules]
        self.switches = Switches(self.store, reactions=names, clock=lambda: self.time.seconds)
        self.post = replace(self.post, store=self.store, ration=Ration(self.store, self.allowance))
        self.played = Played()
        self._chance = random.Random(f"{load.seed} host")  # noqa: S311 - no secret
        self._busy: list[float] = []
        self._over = 0.0
        self._in_second = Counter[int]()

    def _outages(self, storm: str) -> Windows:
        begins = [BEGIN + timedelta(seconds=at) for at, kind, _number in self.load.storms() if kind == storm]
        return [(at, at + timedelta(seconds=OUTAGE_SECONDS)) for at in begins]

    def play(self) -> Played:
        """Have everything told and carried out, until nothing waits any more."""
        waiting = self.line.items
        for told in self.load.told():
            while waiting and waiting[0][0] <= told.at:
                self._wake()
            if told.first:
                self.played.facts[told.fact.kind] += 1
            if told.fact.kind in ACTING:
                self.played.acting[told.fact.workspace.casefold(), told.fact.row] = told.fact
            self._deliver(told.at, told.body, told.at)
        while waiting:
            self._wake()
        return self.played

    def _wake(self) -> None:
        due, _number, body, since = heapq.heappop(self.line.items)
        self._deliver(due, body, since)

    def _deliver(self, due: float, body: bytes, since: float) -> None:
        """Have a message carried out that is *due*, once an instance polls and has room for it."""
        start = self._begin(due)
        self.time.go(start)
        self.line.since, self.jitter = since, self._chance.random()
        before, jobs, mails = self.asked(), len(self.arm.started), len(self.office.delivered)
        handlers.dispatch(body, self)
        ends = start + OWN_SECONDS + self.asked().seconds_since(before)
        heapq.heappush(self._busy, ends)
        self._over = max(self._over, ends)
        self.played.most_busy = max(self.played.most_busy, len(self._busy))
        if len(self.arm.started) > jobs:
            self.played.took("job", ends - since)
        for operation in self.office.delivered[mails:]:
            effect = stage(self.office.mails[operation])
            self.played.took(effect, ends - (due if effect == "reminder" else since))

    def _begin(self, due: float) -> float:
        """Return when a message is taken: a listener that found nothing for a while polls more and more seldom."""
        idle = due - self._over
        if idle > 0:
            due += self._chance.uniform(0, min(POLL_SECONDS, FIRST_POLL_SECONDS + idle))
        start = max(due, self.time.seconds)
        while self._busy and self._busy[0] <= start:
            heapq.heappop(self._busy)
        if len(self._busy) >= self.slots:
            start = max(start, heapq.heappop(self._busy))
        self.played.deliveries += 1
        second = int(start)
        if second not in self._in_second:
            self._in_second.clear()
        self._in_second[second] += 1
        self.played.most_a_second = max(self.played.most_a_second, self._in_second[second])
        return start

    def asked(self) -> Asked:
        """Return how many requests there have been."""
        return Asked(
            storage=self.state.requests,
            azure_ml=self.arm.counts["asked"] + self.origins.count + DIAGNOSIS_READS * len(self.run_history.asked),
            mail=len(self.office.times) + self.office.counts["looked up"],
        )
