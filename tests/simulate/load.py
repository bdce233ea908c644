"""What happens in the workspaces: a plain day's events, storms, and how Event Grid tells them.

Everything follows from the seed. Shares and rates are assumptions, told in docs/scale.md; nothing here knows the
service.
"""

import heapq
import random  # noqa: TID251 - what happens is drawn from a seed
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.simulate.facts import SUBJECTS, Fact, Kind

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: So many of 1,000 events outside storms.
SHARES: Mapping[Kind, int] = {
    "step": 690,
    "completed": 240,
    "failed": 10,
    "tested": 20,
    "untested": 20,
    "breach": 10,
    "foreign": 9,
    "broken": 1,
}
#: Seconds until Event Grid tells an event again (its documentation, "Event Grid message delivery and retry").
RETRIES = (10.0, 30.0, 60.0, 300.0, 600.0)
TWICE, THRICE = 0.02, 0.005
#: How late a first telling is, in seconds: usually, and of one in a hundred, which comes after later ones.
LATE, VERY_LATE, OVERTAKEN = 1.0, 300.0, 0.01
#: In the second half of a day there is a third of what there is in the first: 1.5 and 0.5 of the average.
NIGHT = 1 / 3
#: How many experiments, and models of each kind, and how many monitors a workspace has.
EXPERIMENTS, MONITORS = 10, 5
#: A storm: so many events of one workspace within so many seconds; and how long Azure ML or mail is away.
STORM_EVENTS, STORM_SECONDS = 600, 30.0
OUTAGE_SECONDS = 20 * MINUTE
SUBSCRIPTIONS = 4

type Storm = Literal["failures", "registrations", "jobs away", "mail away"]
STORMS: tuple[Storm, ...] = ("failures", "registrations", "jobs away", "mail away")


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """One delivery by Event Grid, *at* so many seconds; *first* is False when it is told again."""

    at: float
    number: int
    body: bytes = field(compare=False)
    fact: Fact = field(compare=False)
    first: bool = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """*events* happen, *a_day* in all *workspaces* on average; storms come as well, *outages* among them or not."""

    events: int
    seed: int = 1
    workspaces: int = 200
    a_day: float = 1_000_000 / 30
    storms_a_day: float = 2.0
    outages: bool = True

    @property
    def seconds(self) -> float:
        """How long it takes, storms apart."""
        return self.events / self.a_day * DAY

    @property
    def names(self) -> tuple[str, ...]:
        """The ARM ids of the workspaces."""
        return tuple(_workspace(number) for number in range(self.workspaces))

    def storms(self) -> list[tuple[float, Storm, int]]:
        """Return when which storm begins, and the number of its workspace."""
        chance = random.Random(f"{self.seed} storms")  # noqa: S311 - no secret
        kinds = STORMS if self.outages else STORMS[:2]
        count = max(len(kinds), round(self.seconds / DAY * self.storms_a_day))
        times = sorted(chance.uniform(0.1, 0.9) * self.seconds for _ in range(count))
        return [(at, kinds[turn % len(kinds)], chance.randrange(self.workspaces)) for turn, at in enumerate(times)]

    def told(self) -> Iterator[Told]:
        """Give every delivery, in the order in which Event Grid makes them."""
        waiting: list[Told] = []
        teller = _Teller(self)
        for fact in teller.facts():
            while waiting and waiting[0].at <= teller.at:
                yield heapq.heappop(waiting)
            for one in teller.tell(fact):
                heapq.heappush(waiting, one)
        while waiting:
            yield heapq.heappop(waiting)


class _Teller:
    """Draws what happens, and how it is told; nothing that it still has to draw happens before *at*."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._chance = random.Random(load.seed)  # noqa: S311 - no secret
        self._names = load.names
        self._count = 0
        self._deliveries = 0
        self.at = 0.0

    def facts(self) -> Iterator[Fact]:
        """Give so many events as there are, a busy day and a quiet night, and the storms between them."""
        chance, storms = self._chance, self._load.storms()
        kinds, weights = list(SHARES), list(SHARES.values())
        while self._count < self._load.events:
            self.at += chance.expovariate(self._load.a_day / DAY * 1.5)
            if self.at % DAY > DAY / 2 and chance.random() > NIGHT:
                continue
            while storms and storms[0][0] <= self.at:
                _at, storm, number = storms.pop(0)
                yield from self._storm(self.at, storm, number)
            number = int(len(self._names) * chance.random() ** 2)  # a few workspaces have most of it
            yield self._fact(chance.choices(kinds, weights)[0], number, self.at)

    def _storm(self, at: float, storm: Storm, number: int) -> Iterator[Fact]:
        match storm:
            case "failures":
                kind: Kind = "failed"
                spread = EXPERIMENTS
            case "registrations":
                kind, spread = "tested", STORM_EVENTS
            case _:
                return
        for later in sorted(self._chance.uniform(0, STORM_SECONDS) for _ in range(STORM_EVENTS)):
            yield self._fact(kind, number, at + later, spread=spread)

    def _fact(self, kind: Kind, workspace: int, at: float, *, spread: int = EXPERIMENTS) -> Fact:
        self._count += 1
        drawn = self._chance.randrange(MONITORS if kind == "breach" else spread)
        subject = f"{SUBJECTS.get(kind, 'experiment')}-{drawn}"
        return Fact(kind, self._names[workspace], at, subject, self._count)

    def tell(self, fact: Fact) -> Iterator[Told]:
        """Give the deliveries of what happened."""
        chance = self._chance
        body = fact.body()
        first = fact.at + chance.expovariate(1 / LATE) + (chance.random() < OVERTAKEN) * chance.uniform(0, VERY_LATE)
        again = (lot := chance.random()) < TWICE + THRICE
        for turn in range(1 + again + (lot < THRICE)):
            self._deliveries += 1
            wait = chance.choice(RETRIES) if turn else 0.0
            yield Told(first + wait, self._deliveries, body, fact, turn == 0)


def _workspace(number: int) -> str:
    subscription = f"11111111-2222-3333-4444-{number % SUBSCRIPTIONS:012}"
    return (
        f"/subscriptions/{subscription}/resourceGroups/rg-{number}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/mlw-{number}"
    )
