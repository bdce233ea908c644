"""Bar 16: random faults in a random order, and what must hold at every moment of it."""

import os
from collections import Counter
from datetime import timedelta

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.actions import Deferred, Failed
from shared.messages import decode
from tests.fakes.events import altered
from tests.fakes.service import rules
from tests.faults.faulty import Death
from tests.faults.figures import Figures
from tests.faults.simulation import Simulation

LONG = os.environ.get("REACTOR_LONG_TESTS") == "1"  # noqa: TID251 - a switch of the tests
HEAD = "recipients: { ops: $OPS_EMAIL }\nreactions:\n"
TEST = "  - { name: offline-test, on: model-registered, run: { job: pipelines/offline-test.yml } }\n"
MORE = "  - { name: more, on: model-registered, run: { job: pipelines/offline-test.yml }, guards: none }\n"
MAIL = "  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }\n"
RULES = [HEAD + TEST + MAIL, HEAD + TEST + MORE + MAIL, HEAD + MAIL, HEAD + MORE + MAIL]
SEEN: Counter[str] = Counter()


class Promise(RuleBasedStateMachine):
    """The service under everything that may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation(reactions=rules(RULES[0]))
        self.accepted: set[str] = set()
        self.outcomes: dict[str, str] = {}

    @rule(version=st.integers(0, 5), again=st.integers(1, 3))
    def register(self, version: int, again: int) -> None:
        """A model version is registered, and told more than once."""
        for number in range(again):
            event = altered("model-registered", event_id=f"m{version}-{number}", modelVersion=str(version))
            self.simulation.enqueue(event)
            SEEN["deliveries"] += 1
        self.accepted.add(f"churn:{version}")

    @rule(run=st.integers(0, 3))
    def fail(self, run: int) -> None:
        """A pipeline fails."""
        self.simulation.enqueue(altered("pipeline-failed", event_id=f"p{run}", runId=f"run-{run}"))
        self.accepted.add(f"run-{run}")
        SEEN["deliveries"] += 1

    @rule()
    def work(self) -> None:
        """The host delivers what is due next."""
        self.simulation.step()

    @rule(nth=st.integers(1, 12))
    def crash(self, nth: int) -> None:
        """The worker dies at one of the points of its next run, if it gets so far."""
        left = [nth]

        def die(_point: str) -> None:
            left[0] -= 1
            if not left[0]:
                raise Death

        self.simulation.fault = die
        deaths = self.simulation.deaths
        self.simulation.step()
        self.simulation.fault = lambda _point: None
        SEEN["kills"] += self.simulation.deaths - deaths

    @rule(nth=st.integers(1, 12), more=st.integers(1, 2))
    def work_beside(self, nth: int, more: int) -> None:
        """Two workers at once: the second one delivers what is due in the middle of the first one's run."""
        left = [nth]

        def beside(_point: str) -> None:
            left[0] -= 1
            if not left[0]:
                for _ in range(more):
                    SEEN["beside_each_other"] += self.simulation.step()

        self.simulation.fault = beside
        self.simulation.step()
        self.simulation.fault = lambda _point: None

    @rule(seconds=st.sampled_from([1, 30, 600, 90_000]), edge=st.sampled_from(["jobs", "mail"]))
    def throttle(self, seconds: int, edge: str) -> None:
        """The next call is refused for a while; a mail may have been sent all the same."""
        script = self.simulation.jobs.script if edge == "jobs" else self.simulation.mail.script
        script.append(Deferred(reason="later", after=timedelta(seconds=seconds)))
        SEEN["throttled"] += 1

    @rule()
    def refuse(self) -> None:
        """The next job is refused for good."""
        self.simulation.jobs.script.append(Failed(reason="refused"))
        SEEN["refused"] += 1

    @rule(text=st.sampled_from(RULES))
    def deploy(self, text: str) -> None:
        """Other rules are deployed."""
        self.simulation.reactions = rules(text)

    @rule(minutes=st.sampled_from([1, 20, 45, 60 * 25]))
    def wait(self, minutes: int) -> None:
        """Time passes, with nobody at work."""
        self.simulation.clock.forward(minutes=minutes)

    @invariant()
    def one_effect_each(self) -> None:
        """A reaction and event have one job and one mail at the most, whatever they are called."""
        assert max(Counter(self.simulation.mail.delivered).values(), default=0) <= 1
        jobs = [(one["reactor_reaction"], one["reactor_identity"]) for _job, one in self.simulation.jobs.jobs.values()]
        mails = [(mail.notice.reaction, mail.notice.run) for mail in self.simulation.mail.mails.values()]
        assert (len(jobs), len(mails)) == (len(set(jobs)), len(set(mails)))

    @invariant()
    def outcomes_only_grow(self) -> None:
        """Done stays done; failed becomes done at the most."""
        for key, row in self.simulation.rows().items():
            for column, value in row.items():
                if not column.startswith("r_"):
                    continue
                outcome = msgspec.json.decode(str(value)).get("outcome", {}).get("type", "")
                before = self.outcomes.get(f"{key}/{column}", "")
                assert before != "done" or outcome == "done"
                self.outcomes[f"{key}/{column}"] = outcome

    @invariant()
    def every_event_is_reachable(self) -> None:
        """In the queue, in a row, or in a dead letter."""
        waiting = {_identity(message) for _due, _number, message, _count in self.simulation.line.items}
        rows = {str(row["identity"]) for row in self.simulation.rows().values() if "identity" in row}
        poison = {_identity(message) for message in self.simulation.line.poison}
        assert self.accepted <= waiting | rows | poison
        for key, row in self.simulation.rows().items():
            pending = [one for one in self.simulation.unsettled() if one.startswith(key)]
            assert not pending or str(row["identity"]) in waiting | poison, f"{pending} is driven by nobody"

    def teardown(self) -> None:
        """Left alone, everything ends: nothing is pending, nothing waits, nothing is poison."""
        self.simulation.fault = lambda _point: None
        self.simulation.run()
        assert (self.simulation.unsettled(), self.simulation.line.poison) == ([], [])
        SEEN["runs"] += self.simulation.runs
        SEEN["effects"] += len(self.simulation.jobs.jobs) + len(self.simulation.mail.mails)
        SEEN["lives"] += 1


def _identity(message: bytes) -> str:
    (decoded,) = decode(message)
    data = msgspec.json.decode(decoded.inline or b"{}")["data"]
    return f"churn:{data['modelVersion']}" if "modelVersion" in data else str(data["runId"])


def test_the_promise_holds(figures: Figures) -> None:
    """Deliver, duplicate, crash anywhere, throttle, refuse, deploy, wait: every invariant at every step."""
    SEEN.clear()
    Promise.TestCase.settings = settings(
        max_examples=1000 if LONG else 300,
        stateful_step_count=50 if LONG else 30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    Promise.TestCase("runTest").runTest()
    assert SEEN["kills"] > 50
    figures.record("16", **SEEN)
