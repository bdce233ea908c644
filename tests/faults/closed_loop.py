"""A workspace in which all that reactions start causes what they react to, on shipped gateways and the stand-in.

Each model version that a job registers is tested by a job that registers the next one, and makes the monitor see drift
again, which retrains and registers one more. Once a day a person registers a version, and it all begins anew.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from local.azure import World
from local.azure.life import Pace
from shared.reactions import Reactions
from tests.fakes.service import rules
from tests.faults.real_edges import RealEdges, real_edges

MODEL, MONITOR = "churn", "churn-monitor"
DAY = timedelta(days=1)
#: How long jobs take: so that the cooldown is still on when the next version drifts, and so that it is over.
FAST, SLOW = timedelta(minutes=5), timedelta(minutes=70)
#: Both jobs register the next version of the model.
RULES = """
recipients: {{ ops: $OPS_EMAIL }}
reactions:
  - name: offline-test
    on: model-registered
    run: {{ job: pipelines/retrain.yml }}
    {guards}
  - name: retrain
    on: data-drift
    run: {{ job: pipelines/retrain.yml }}
    {guards}
"""


def reactions(guards: str = "") -> Reactions:
    """Return the rules of the loop, each with *guards* (a line of YAML; left out: as they are by default)."""
    return rules(RULES.format(guards=guards))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about one event, *at* since the beginning; *depth* is what a job carries of its own."""

    at: timedelta
    reaction: str
    admitted: bool
    reason: str
    depth: int = 0

    @property
    def guard(self) -> str:
        """The guard that its reason names."""
        return self.reason.partition(":")[0]


@dataclass
class ClosedLoop:
    """Plays until so many events were delivered, and remembers what was decided; a job takes *takes*, drift as well."""

    edges: RealEdges
    reactions: Reactions
    takes: timedelta = FAST
    delivered: int = 0
    decisions: list[Decision] = field(default_factory=list)
    _published: int = 0
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin at midnight, with an empty ledger."""
        self.simulation = self.edges.simulation()
        self.simulation.reactions = self.reactions
        self.clock = self.simulation.clock
        self.clock.now = self.clock.now.replace(hour=0, minute=0, second=0) + DAY
        self.began = self.clock.now
        self.edges.workspace.life.pace = Pace(queued=timedelta(), running=timedelta())  # over at the next tick

    @property
    def elapsed(self) -> timedelta:
        """How long it has been going on."""
        return self.clock.now - self.began

    def play(self, *, events: int, within: timedelta) -> None:
        """Go on until *events* were delivered or *within* is over."""
        person = self.elapsed
        while self.delivered < events and self.elapsed < within:
            if self.elapsed >= person:
                self.edges.workspace.register_model(MODEL)
                person += DAY
            if self._hand_over():
                self._react()
                self._note()
            self.clock.now += self.takes

    def _hand_over(self) -> int:
        """Have Event Grid deliver what was published since, and return how much; a version that a job made drifts."""
        published = self.edges.azure.event_grid.published[self._published :]
        for event in published:
            self.simulation.enqueue(event)
            if event["eventType"].endswith("ModelRegistered") and self._of_a_job(event["data"]):
                self.edges.workspace.breach_monitor(MONITOR)
        self._published += len(published)
        self.delivered += len(published)
        return len(published)

    def _react(self) -> None:
        """Let the host work on what is due; each job is over before the next one starts, so that runs are alike."""
        line = self.simulation.line
        while line.items and line.items[0][0] <= self.clock.now:
            self.simulation.step()
            assert self.edges.azure.wait_until_idle(30)

    def _of_a_job(self, data: dict[str, Any]) -> bool:
        model = self.edges.workspace.assets.get("models", data["modelName"], data["modelVersion"])
        return model is not None and "jobName" in model.spec

    def _note(self) -> None:
        for row in self.simulation.store.rows:
            for column in ("r_offline_test", "r_retrain"):
                if column in row.values and row.key not in self._known:
                    self._known.add(row.key)
                    self._decided(column[2:].replace("_", "-"), msgspec.json.decode(str(row.values[column])))

    def _decided(self, reaction: str, record: dict[str, Any]) -> None:
        job = self.edges.workspace.jobs.get(record.get("effect", ""))
        stamp = job.properties["properties"] if job else {}
        self.decisions.append(
            Decision(
                at=self.elapsed,
                reaction=reaction,
                admitted=record["decision"] == "admitted",
                reason=record["reason"],
                depth=int(stamp.get("reactor_depth", 0)),
            )
        )

    @property
    def started(self) -> list[Decision]:
        """What was admitted."""
        return [one for one in self.decisions if one.admitted]

    @property
    def refused(self) -> list[Decision]:
        """What was not."""
        return [one for one in self.decisions if not one.admitted]

    def most(self, reaction: str, within: timedelta = DAY) -> int:
        """Return the most jobs of a reaction in any time of that length."""
        times = [one.at for one in self.started if one.reaction == reaction]
        return max(sum(at <= other < at + within for other in times) for at in times)

    def longest_run(self) -> int:
        """Return how many jobs of one reaction followed from one another by models, as the workspace itself knows."""
        links: dict[str, int] = {}
        for name, job in self.edges.workspace.jobs.items():
            family, _, subject = job.properties.get("properties", {}).get("reactor_identity", "").partition("|")
            version = subject.rpartition(":")[2] if family == "model-registered" else ""
            model = self.edges.workspace.assets.get("models", MODEL, version)
            step = self.edges.workspace.life.runs.get(str(model.spec.get("jobName"))) if model else None
            links[name] = 1 + links.get(step.root.run_id, 0) if step else int(family == "model-registered")
        return max(links.values())


def played(guards: str = "", *, events: int, within: timedelta, takes: timedelta = FAST) -> ClosedLoop:
    """Return a loop that was played on a stand-in of its own."""
    with real_edges(World()) as edges:
        loop = ClosedLoop(edges, reactions(guards), takes=takes)
        loop.play(events=events, within=within)
        assert not edges.azure.failures
        assert not edges.azure.journal.unknown() + edges.azure.journal.violations()
    return loop
