"""The promise as a state machine: everything that may happen to the service; what must hold is in invariants.py.

Jobs: one for each reaction and event, whatever happens. Mails: one where the mail service can be asked; where it
cannot, one more at most for each lost answer (or death before it was written down) whose repeat comes after the
service's 5-minute window. An event that is told again after its row was purged may be mailed once more.
"""

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ops.settled import Purge
from shared.actions import Deferred, Failed
from shared.messages import decode
from tests.fakes.events import altered
from tests.fakes.service import rules
from tests.fakes.store import MemoryRows
from tests.faults.faulty import Death
from tests.faults.invariants import Invariants, identity

HEAD = "recipients: { ops: $OPS_EMAIL }\nreactions:\n"
TEST = "  - { name: offline-test, on: model-registered, run: { job: pipelines/offline-test.yml } }\n"
MORE = "  - { name: more, on: model-registered, run: { job: pipelines/offline-test.yml }, guards: none }\n"
MAIL = "  - { name: mail-ops, on: pipeline-failed, mail: { to: ops } }\n"
RULES = [HEAD + TEST + MAIL, HEAD + TEST + MORE + MAIL, HEAD + MAIL, HEAD + MORE + MAIL]
LATER, REFUSED = Deferred(reason="later", after=timedelta(minutes=2)), Failed(reason="refused")
POINTS = st.integers(1, 12)
SEEN: Counter[str] = Counter()


class Promise(Invariants):
    """The service under everything that may happen to it."""

    def __init__(self) -> None:
        super().__init__(RULES[0])
        self.ended: dict[str, datetime] = {}

    @rule(version=st.integers(0, 5), again=st.integers(1, 3))
    def register(self, version: int, again: int) -> None:
        """A model version is registered, and told more than once."""
        for number in range(again):
            event = altered("model-registered", event_id=f"m{version}-{number}", modelVersion=str(version))
            self._tell(event, f"churn:{version}")

    @rule(run=st.integers(0, 7))
    def fail(self, run: int) -> None:
        """A pipeline fails, or is told once more to have failed."""
        self._tell(self._ended(f"run-{run}", "Failed"), f"run-{run}")

    @rule(run=st.integers(0, 3))
    def succeed(self, run: int) -> None:
        """A run of the same experiment succeeds: that ends an incident, or leaves no row."""
        self.simulation.enqueue(self._ended(f"good-{run}", "Completed"))
        SEEN["successes"] += 1

    def _ended(self, run: str, status: str) -> dict[str, Any]:
        """Return the event that a run ended, at the time when it was told first."""
        at = self.ended.setdefault(run, self.simulation.clock.now)
        event = altered("pipeline-failed", event_id=run, runId=run, runStatus=status)
        return {**event, "eventTime": at.isoformat()}

    def _tell(self, event: object, about: str) -> None:
        self.simulation.enqueue(event)
        self.accepted.add(about)
        self.purged.discard(about)
        SEEN["deliveries"] += 1

    @rule()
    def work(self) -> None:
        """The host delivers what is due next."""
        self.simulation.step()

    @rule(nth=POINTS)
    def crash(self, nth: int) -> None:
        """The worker dies at one of the points of its next run, if it gets so far."""

        def die() -> None:
            raise Death

        deaths, posts = self.simulation.deaths, len(self.simulation.mail.posts)
        self._step(nth, die)
        if self.simulation.deaths > deaths:
            SEEN["kills"] += 1
            self.died(posts)

    def died(self, posts: int) -> None:
        """Note that the worker died in a run before which there had been so many requests to send a mail."""

    def _step(self, nth: int, meanwhile: Callable[[], None]) -> None:
        """Have the host deliver what is due next, and something else happen at the *nth* point of it."""
        points = itertools.count(1)

        def fault(_point: str) -> None:
            if next(points) == nth:
                meanwhile()

        self.simulation.fault = fault
        self.simulation.step()
        self.simulation.fault = lambda _point: None

    @rule(
        nth=POINTS,
        text=st.none() | st.sampled_from(RULES),
        answer=st.sampled_from([None, LATER, REFUSED]),
        same=st.booleans(),
    )
    def work_beside(self, nth: int, text: str | None, answer: Deferred | Failed | None, *, same: bool) -> None:
        """In the middle of a run another worker, of other rules maybe, delivers the same event or what is due next."""
        told = next((decode(item[2])[0].inline for item in self.simulation.line.items[:1]), None)

        def beside() -> None:
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

        self._step(nth, beside)

    @rule()
    def lose(self) -> None:
        """The copy that waits is lost: somebody empties the queue by hand."""
        line = self.simulation.line
        live = next((item for item in line.items if decode(item[2])[0].token), None)
        if live is not None:
            line.lose(live)
            self.lost[identity(live[2])] = decode(live[2])[0].inline or b""
            SEEN["lost_copies"] += 1

    @rule(later=st.sampled_from([0, 8, 31]), days=st.sampled_from([7, 30]))
    def purge(self, later: int, days: int) -> None:
        """Days go by, with the host at work; then an operator purges what is so old."""
        self.simulation.work_until(self.simulation.clock.now + timedelta(days=later))
        self._purge(days)

    @rule(later=st.sampled_from([0, 8, 31]), days=st.sampled_from([7, 30]), nth=POINTS, run=st.integers(0, 3))
    def purge_beside(self, later: int, days: int, nth: int, run: int) -> None:
        """The same, in the middle of a run: of an event that is told late, unless something else is due."""
        self.simulation.work_until(self.simulation.clock.now + timedelta(days=later))
        self.fail(run)
        self._step(nth, lambda: self._purge(days))

    def _purge(self, days: int) -> None:
        standing, now = self.simulation.store.rows, self.simulation.clock.now
        before = now - timedelta(days=days)
        for _page in Purge(rows=MemoryRows(self.simulation.store), before=before, now=now).pages():
            pass
        SEEN["purged_rows"] += self.only_settled_rows_went(standing, before)

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

    @rule(minutes=st.sampled_from([1, 20, 45, 60 * 25, 60 * 24 * 8]))
    def wait(self, minutes: int) -> None:
        """Time passes, with nobody at work."""
        self.simulation.clock.forward(minutes=minutes)

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
        self.all_failures_are_told()
        SEEN["runs"] += self.simulation.runs
        SEEN["effects"] += len(self.simulation.jobs.jobs) + len(self.simulation.mail.mails)
        SEEN["lives"] += 1
