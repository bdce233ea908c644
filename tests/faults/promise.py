"""The promise as a state machine: everything that may happen to the service, and what must hold at every moment."""

import heapq
from collections import Counter
from datetime import timedelta

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.actions import Deferred, Failed
from shared.messages import decode
from tests.fakes.events import altered
from tests.fakes.gateways import FakeMail
from tests.fakes.service import rules
from tests.faults.faulty import Death
from tests.faults.simulation import Simulation

HEAD = "recipients: { ops: $OPS_EMAIL }\nreactions:\n"
TEST = "  - { name: offline-test, on: model-registered, run: { job: pipelines/offline-test.yml } }\n"
MORE = "  - { name: more, on: model-registered, run: { job: pipelines/offline-test.yml }, guards: none }\n"
MAIL = "  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }\n"
RULES = [HEAD + TEST + MAIL, HEAD + TEST + MORE + MAIL, HEAD + MAIL, HEAD + MORE + MAIL]
LATER, REFUSED = Deferred(reason="later", after=timedelta(minutes=2)), Failed(reason="refused")
SEEN: Counter[str] = Counter()


class Promise(RuleBasedStateMachine):
    """The service under everything that may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation(reactions=rules(RULES[0]), mail=self.mailbox())
        self.lost: dict[str, bytes] = {}
        self.accepted: set[str] = set()
        self.outcomes: dict[str, str] = {}

    def mailbox(self) -> FakeMail:
        """Return the mail service."""
        return FakeMail()

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

    @rule(
        nth=st.integers(1, 12),
        text=st.none() | st.sampled_from(RULES),
        answer=st.sampled_from([None, LATER, REFUSED]),
        same=st.booleans(),
    )
    def work_beside(self, nth: int, text: str | None, answer: Deferred | Failed | None, *, same: bool) -> None:
        """In the middle of a run another worker, of other rules maybe, delivers the same event or what is due next."""
        left = [nth]
        told = next((decode(item[2])[0].inline for item in self.simulation.line.items[:1]), None)

        def beside(_point: str) -> None:
            left[0] -= 1
            if left[0]:
                return
            SEEN["beside_each_other"] += 1
            if text:
                self.simulation.reactions = rules(text)
            if answer:
                self.simulation.jobs.script.insert(0, answer)
            if same and told:
                self.simulation.deliver_text(told)
            else:
                self.simulation.step()
            self.outcomes_only_grow()

        self.simulation.fault = beside
        self.simulation.step()
        self.simulation.fault = lambda _point: None

    @rule()
    def lose(self) -> None:
        """The copy that waits is lost: somebody empties the queue by hand."""
        items = self.simulation.line.items
        live = next((item for item in items if decode(item[2])[0].token), None)
        if live is not None:
            items.remove(live)
            heapq.heapify(items)
            self.lost[_identity(live[2])] = decode(live[2])[0].inline or b""
            SEEN["lost_copies"] += 1

    @rule(seconds=st.sampled_from([1, 30, 600, 90_000]), edge=st.sampled_from(["jobs", "mail"]))
    def throttle(self, seconds: int, edge: str) -> None:
        """The next call is refused for a while; a mail may have been sent all the same."""
        script = self.simulation.jobs.script if edge == "jobs" else self.simulation.mail.script
        script.append(Deferred(reason="later", after=timedelta(seconds=seconds)))
        SEEN["throttled"] += 1

    @rule()
    def refuse(self) -> None:
        """The next job is refused for good."""
        self.simulation.jobs.script.append(REFUSED)
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
        self.no_mail_too_many()
        jobs = [(one["reactor_reaction"], one["reactor_identity"]) for _job, one in self.simulation.jobs.jobs.values()]
        mails = [(mail.notice.reaction, mail.notice.run) for mail in self.simulation.mail.mails.values()]
        assert (len(jobs), len(mails)) == (len(set(jobs)), len(set(mails)))

    def no_mail_too_many(self) -> None:
        """What can be asked for is sent once."""
        assert max(Counter(self.simulation.mail.delivered).values(), default=0) <= 1

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
        known = waiting | self.lost.keys()
        rows = {str(row["identity"]) for row in self.simulation.rows().values() if "identity" in row}
        poison = {_identity(message) for message in self.simulation.line.poison}
        assert self.accepted <= waiting | rows | poison
        for key, row in self.simulation.rows().items():
            pending = [one for one in self.simulation.unsettled() if one.startswith(key)]
            assert not pending or str(row["identity"]) in known | poison, f"{pending} is driven by nobody"

    def teardown(self) -> None:
        """Left alone, everything ends: nothing is pending, nothing waits, nothing is poison.

        What waited and was lost ends as well, once the event is told again.
        """
        self.simulation.fault = lambda _point: None
        self.simulation.run()
        self.simulation.clock.forward(days=7)
        for told in self.lost.values():
            self.simulation.line.put(told)
        self.simulation.run()
        assert (self.simulation.unsettled(), self.simulation.line.poison) == ([], [])
        SEEN["runs"] += self.simulation.runs
        SEEN["effects"] += len(self.simulation.jobs.jobs) + len(self.simulation.mail.mails)
        SEEN["lives"] += 1


def _identity(message: bytes) -> str:
    (decoded,) = decode(message)
    data = msgspec.json.decode(decoded.inline or b"{}")["data"]
    return f"churn:{data['modelVersion']}" if "modelVersion" in data else str(data["runId"])
