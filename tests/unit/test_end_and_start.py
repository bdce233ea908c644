"""The end of a job and the settling of its own start, in every order: at each request of the one comes the other.

A job can end before the answer to its PUT is there, and long before its receipt is on record; a start that was killed
is told again while the end is handled. Whatever the order: one job of each reaction, one verdict, told once.
"""

from collections.abc import Callable
from typing import Any, cast

import pytest

from shared.ledger import Ledger
from shared.verdicts import Measured
from tests.fakes.events import ended, sample
from tests.fakes.gateways import FakeOutcomes
from tests.fakes.service import FakeService, rules
from tests.unit.test_verdicts import RULES, mailed, record

type Hook = Callable[[], None]
START = sample("model-registered")


class Killed(BaseException):
    """The process is gone."""


class Watched:
    """An edge with a hook before and after each of its methods."""

    def __init__(self, inner: object, hook: Hook) -> None:
        self._inner, self._hook = inner, hook

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: object, **named: object) -> object:
            self._hook()
            answer = attribute(*arguments, **named)
            self._hook()
            return answer

        return call


class Story:
    """A service in which *then* happens once, at the point number *at* of the deliveries since `arm`, if it can."""

    def __init__(self) -> None:
        self.topic = FakeOutcomes()
        self.service = service = FakeService(reactions=rules(RULES), outcomes=self.topic)
        self.at, self.seen, self.happened, self.ends = 0, 0, False, 0
        self.then: Callable[[], None] = lambda: None
        for name in ("jobs", "mail", "queue", "measurements", "model_tags", "outcomes"):
            setattr(service, name, cast("Any", Watched(getattr(service, name), self._point)))
        watched = cast("Any", Watched(service.store, self._point))
        service.ledger = Ledger(watched, installation="test", dry_run=False)

    def arm(self, at: int, then: Callable[[], None]) -> None:
        """Have *then* happen at that point."""
        self.at, self.seen, self.happened, self.then = at, 0, False, then

    def _point(self) -> None:
        self.seen += 1
        if self.seen >= self.at > 0 and not self.happened and self.started:
            self.happened = True
            self.then()

    @property
    def started(self) -> bool:
        """Tell whether the test of the model is there: before that nothing ends."""
        return bool(self.service.jobs.jobs)

    def end(self) -> None:
        """Deliver the end of the test, each time as an event of its own."""
        self.ends += 1
        (job, *_) = self.service.jobs.jobs
        self.service.measurements.known[job, "judge"] = Measured(metrics={"accuracy": 0.93})
        self.service.deliver(ended(self.service.jobs, job, event_id=f"end-{self.ends}"))

    def start(self) -> None:
        """Deliver the start, which may be told already."""
        self.service.deliver(START)

    def holds(self) -> None:
        """Check what has to be, whatever came first."""
        service = self.service
        service.run_queue()
        assert [name.partition("-churn")[0] for name in service.jobs.jobs] == ["offline-test", "promote"]
        (test, _promote) = service.jobs.jobs
        rows = {row.values["family"]: row.values for row in service.store.rows if "family" in row.values}
        assert '"outcome":{"type":"done"' in str(rows["model-registered"]["r_offline_test"])
        assert record(service)["outcome"]["receipt"] == "passed"
        assert service.model_tags.tags["churn:7"]["offline_test_job"] == test
        assert [event["id"] for event in self.topic.events] == [f"{test}-finished", f"{test}-verdict"]
        assert mailed(service) == ["mail-all"]
        assert service.letters.blobs == {}


def points(outer: Callable[[Story], None], *, before: Callable[[Story], None] = lambda _story: None) -> range:
    """Count the points of a delivery."""
    story = Story()
    before(story)
    story.arm(0, lambda: None)
    outer(story)
    return range(1, story.seen + 1)


def killed_after_the_put(story: Story) -> None:
    """The job is there, and its start has no receipt."""

    def kill() -> None:
        raise Killed

    story.arm(1, kill)
    with pytest.raises(Killed):
        story.start()
    assert story.started


def test_the_end_comes_while_the_start_is_settled() -> None:
    """At each point after the job is there: before its answer, before its receipt is written, and after."""
    happened = 0
    for at in points(Story.start):
        story = Story()
        story.arm(at, story.end)
        story.start()
        happened += story.happened
        if not story.happened:
            story.end()
        story.holds()
    assert happened > 2


def test_the_start_comes_again_while_the_end_is_handled() -> None:
    """At each point of that; the first one was killed before its receipt was written."""
    every = points(Story.end, before=killed_after_the_put)
    assert len(every) > 20
    for at in every:
        story = Story()
        killed_after_the_put(story)
        story.arm(at, story.start)
        story.end()
        assert story.happened
        story.holds()


def test_the_end_is_handled_twice_at_once() -> None:
    """At each point of the one comes the other, and the start after both; what others are told twice has one id."""
    for at in points(Story.end, before=killed_after_the_put):
        story = Story()
        killed_after_the_put(story)
        story.arm(at, story.end)
        story.end()
        story.start()
        story.topic.events = list({str(event["id"]): event for event in story.topic.events}.values())
        story.holds()


def test_the_end_is_killed_at_every_point() -> None:
    """And told again; what was done is done once, but for what others are told, which has one id."""

    def kill() -> None:
        raise Killed

    for at in points(Story.end, before=killed_after_the_put):
        story = Story()
        killed_after_the_put(story)
        story.arm(at, kill)
        with pytest.raises(Killed):
            story.end()
        story.end()
        story.start()
        story.topic.events = list({str(event["id"]): event for event in story.topic.events}.values())
        story.holds()
