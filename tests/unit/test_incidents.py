"""One mail for each incident: on the whole path, between an in-memory store and edges that behave."""

import hashlib
import itertools
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ops.backtest import acting, in_order, play
from ops.told import Told
from shared.actions import Deferred, Done, Failed, SendMail
from shared.errors import ConfigurationError, StorageError
from shared.incidents import INTERVALS, LOST, RUNS, UNSENT, interval
from shared.memory import Memory
from shared.messages import decode, wrap
from shared.notices import Incident
from shared.records import read_memory
from shared.reminders import REMINDER_DUE, reminder
from shared.store import Conflict, Row, Written
from testkit import events
from testkit.reactor import Reactor
from tests.fakes.events import altered
from tests.fakes.service import REACTIONS, START, WORKSPACE, FakeService, rules
from tests.unit.test_guarded import pause, resume

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EXPERIMENT = "churn-training"


def told(
    run: str, at: datetime, status: str = "Failed", experiment: str = EXPERIMENT, **data: object
) -> dict[str, Any]:
    """Return the event that a root run ended."""
    event = altered(
        "pipeline-failed", event_id=f"e-{run}", runId=run, runStatus=status, experimentName=experiment, **data
    )
    return {**event, "eventTime": at.isoformat()}


def failed(run: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    """Return the event that a root run failed."""
    return told(run, at, **data)


def succeeded(run: str, at: datetime, **data: Any) -> dict[str, Any]:
    """Return the event that a root run completed."""
    return told(run, at, "Completed", **data)


class Story:
    """A service, and what it mailed: the stage of each mail, and how many failures it tells of."""

    def __init__(self, text: str = REACTIONS, **more: Any) -> None:
        self.service = FakeService(reactions=rules(text), **more)

    def at(self, hours: float, event: dict[str, Any]) -> None:
        """Tell an event so many hours after the beginning, after what was due by then."""
        self.until(START + timedelta(hours=hours))
        self.service.deliver(event)

    def until(self, moment: datetime) -> None:
        """Let time pass; what is due is delivered on its way."""
        while due := sorted((self._due(n), n) for n in range(len(self.service.queue.sent))):
            when, number = due[0]
            if when > moment:
                break
            message, _after = self.service.queue.sent.pop(number)
            self._times.pop(number)
            self.service.clock.now = max(self.service.clock.now, when)
            self.service.deliver_text(message)
        self.service.clock.now = max(self.service.clock.now, moment)

    @property
    def _times(self) -> list[datetime]:
        times: list[datetime] = self.__dict__.setdefault("times", [])
        times += [self.service.clock.now + after for _message, after in self.service.queue.sent[len(times) :]]
        return times

    def _due(self, number: int) -> datetime:
        return self._times[number]

    @property
    def mails(self) -> list[tuple[str, int]]:
        """Return the mails, in their order."""
        incidents = [self.service.mail.mails[one].notice.incident for one in self.service.mail.delivered]
        return [(one.stage, one.failures) if one else ("", 0) for one in incidents]

    def reason(self, run: str) -> str:
        """Return why it was decided as it was about a run."""
        return str(self.record(run).get("reason"))

    def record(self, identity: str) -> dict[str, Any]:
        """Return what is on record about an event; nothing where it has no row."""
        found = [row for row in self.service.store.rows if row.values.get("identity") == identity]
        record: dict[str, Any] = json.loads(str(found[0].values["r_mail_ops"])) if found else {}
        return record

    @property
    def memory(self) -> Memory:
        """Return what the reaction remembers of the experiment."""
        (row,) = (row for row in self.service.store.rows if row.key == "memory|mail-ops")
        return read_memory(row)


def hours(number: float) -> datetime:
    """Return a time so many hours after the beginning."""
    return START + timedelta(hours=number)


def test_fail_fail_succeed_is_two_mails_in_one_thread() -> None:
    """The first failure, and that it is over; the second one is folded, and says into what."""
    story = Story()
    story.at(0, failed("a"))
    story.at(0.2, failed("b", hours(0.2)))
    story.at(0.5, succeeded("c", hours(0.5)))
    story.until(hours(100))
    assert story.mails == [("opened", 1), ("resolved", 2)]
    first, last = (one.notice for one in story.service.mail.mails.values())
    assert first.incident
    assert last.incident
    assert first.incident.thread == last.incident.thread == story.service.mail.posts[0]
    assert (last.incident.runs, last.incident.since, last.incident.number) == (("b", "a"), START.isoformat(), 2)
    assert (last.run, last.status, last.kind, last.why) == (
        "c",
        "Completed",
        first.kind,
        "every condition holds; resolves the incident of 2026-11-24 09:00:00Z, after 2 failed",
    )
    assert story.reason("b") == "folded into the incident of 2026-11-24 09:00:00Z: 2nd failure"
    assert (story.memory.ongoing, story.service.queue.sent) == (None, [])


def test_what_fails_after_the_end_opens_anew() -> None:
    """Another incident, another thread."""
    story = Story()
    story.at(0, failed("a"))
    story.at(0.1, succeeded("b", hours(0.1)))
    story.at(0.2, failed("c", hours(0.2)))
    threads = {one.notice.incident.thread for one in story.service.mail.mails.values() if one.notice.incident}
    assert (story.mails, len(threads)) == ([("opened", 1), ("resolved", 1), ("opened", 1)], 2)


def test_a_nightly_pipeline_that_fails_every_night() -> None:
    """Each night's failure is told: at once, or when the day since the last mail is over."""
    story = Story()
    for night in range(7):
        story.at(24 * night, failed(f"night-{night}", hours(24 * night)))
    story.until(hours(24 * 7))
    assert story.mails == [("opened", 1), *(("reminder", number) for number in range(2, 8))]


def test_a_day_of_failures_every_ten_minutes() -> None:
    """The first mail at once, then after an hour, four hours, a day: each tells how many there were by then."""
    story = Story()
    for number in range(6 * 30):
        story.at(number / 6, failed(f"run-{number}", hours(number / 6)))
    assert story.mails == [("opened", 1), ("reminder", 6), ("reminder", 30), ("reminder", 174)]
    assert story.memory.ongoing
    assert len(story.memory.ongoing.runs) == RUNS
    story.at(30, succeeded("good", hours(30)))
    story.until(hours(200))
    assert story.mails[4:] == [("resolved", 180)]


def test_a_single_failure_is_not_told_again() -> None:
    """Nothing is said twice: no reminder without a failure since the last mail, and no row for it."""
    story = Story()
    story.at(0, failed("a"))
    story.until(hours(500))
    assert (story.mails, story.service.queue.sent) == ([("opened", 1)], [])
    assert [key for key in story.service.rows() if key.startswith("event|")] == ["event|" + key for key in _keys("a")]


def _keys(run: str) -> list[str]:
    return [hashlib.sha256(f"pipeline-failed\0{run}".encode()).hexdigest()[:32]]


def test_a_reminder_is_about_the_newest_run() -> None:
    """And has the text of the rule's mails; the same mail once, though its message comes twice."""
    story = Story()
    story.at(0, failed("a"))
    ((message, after),) = story.service.queue.sent
    assert (json.loads(bytes(decode(message)[0].inline or b""))["eventType"], after) == (REMINDER_DUE, HOUR)
    story.at(0.5, failed("b", hours(0.5)))
    story.until(hours(2))
    story.service.deliver_text(message)
    assert story.mails == [("opened", 1), ("reminder", 2)]
    mail = story.service.mail.mails[story.service.mail.posts[1]]
    assert (mail.notice.run, mail.notice.kind, mail.to) == ("b", "pipeline-failed", ("ops@example.com",))


def test_a_reminder_that_is_early_waits() -> None:
    """Delivered before its time, it comes back when the interval is over."""
    story = Story()
    story.at(0, failed("a"))
    story.at(0.1, failed("b", hours(0.1)))
    ((message, _after),) = story.service.queue.sent
    story.service.queue.sent.clear()
    story.service.deliver_text(message)
    assert story.mails == [("opened", 1)]
    story.until(hours(0.99))
    assert story.mails == [("opened", 1)]
    story.until(hours(1.2))
    assert story.mails == [("opened", 1), ("reminder", 2)]


def test_a_success_that_overtakes_its_failure() -> None:
    """The failure is over before it is told: nothing to mail, and the row says why."""
    story = Story()
    story.at(1, succeeded("b", hours(0.5)))
    story.at(1, failed("a", hours(0.2)))
    assert story.mails == []
    assert story.reason("a") == (
        "overtaken: failed at 2026-11-24 09:12:00Z, and a later run succeeded at 2026-11-24 09:30:00Z"
    )
    story.at(1, failed("c", hours(0.7)))
    assert story.mails == [("opened", 1)]


def test_a_success_before_the_newest_failure_ends_nothing() -> None:
    """It comes late: a later run failed, so the pipeline fails still."""
    story = Story()
    story.at(1, failed("c", hours(0.8)))
    story.at(1, succeeded("b", hours(0.5)))
    story.at(1, failed("a", hours(0.2)))
    assert (story.mails, story.memory.succeeded) == ([("opened", 1)], hours(0.5))
    story.at(2, succeeded("d", hours(1.5)))
    assert story.mails == [("opened", 1), ("resolved", 1)]


def test_the_same_time_counts_as_a_failure() -> None:
    """In either order: better a mail too many."""
    one, two = Story(), Story()
    for story, both in ((one, (failed("a"), succeeded("b", START))), (two, (succeeded("b", START), failed("a")))):
        for event in both:
            story.at(1, event)
        assert (story.mails, story.memory.ongoing is not None) == ([("opened", 1)], True)


@pytest.mark.parametrize("time", ["", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_an_event_without_a_time_happened_when_it_came(time: str) -> None:
    """A failure counts; a success ends what is open, and is not remembered."""
    story = Story()
    story.at(1, succeeded("z", hours(0.5)))
    story.at(1, {**failed("a"), "eventTime": time})
    assert story.mails == [("opened", 1)]
    story.at(2, {**succeeded("b", START), "eventTime": time})
    assert (story.mails[1:], story.memory.succeeded) == ([("resolved", 1)], hours(0.5))


def test_an_event_of_the_future_does_not_outweigh_what_follows() -> None:
    """One clock far ahead must not silence an experiment, or have it fail for ever."""
    story = Story()
    story.at(1, succeeded("z", hours(9999)))
    story.at(2, failed("a", hours(2)))
    story.at(3, failed("b", hours(9999)))
    story.at(3.5, succeeded("c", hours(3.5)))
    assert story.mails == [("opened", 1), ("reminder", 2), ("resolved", 2)]


def test_a_first_mail_that_was_refused_opens_nothing() -> None:
    """It is a dead letter; the next failure is mailed at once, and a success has nothing to resolve."""
    story = Story()
    story.service.mail.script = [Failed(reason="sender: not verified")]
    story.at(0, failed("a"))
    story.at(0.1, failed("b", hours(0.1)))
    assert story.mails == [("opened", 1)]
    assert len(story.service.letters.letters()) == 1
    story = Story()
    story.service.mail.script = [Failed(reason="sender: not verified")]
    story.at(0, failed("a"))
    story.at(0.1, succeeded("b", hours(0.1)))
    story.until(hours(99))
    assert (story.mails, story.record("b"), story.service.queue.sent) == ([], {}, [])


@pytest.mark.parametrize("outcome", [Done(receipt="x"), Failed(reason="sender: not verified")])
def test_resolved_waits_for_the_first_mail(outcome: Done | Failed) -> None:
    """Not sent yet: it is decided again, and is sent after it, or not at all."""
    story = Story()
    story.service.mail.script = [Deferred(reason="http 429", after=12 * MINUTE), outcome]
    story.service.mail.delivers_lost_ones = False
    story.at(0, failed("a"))
    story.at(0.05, succeeded("b", hours(0.05)))
    assert story.record("b")["decision"] == "deferred"
    assert story.reason("b") == "the mail about the incident of 2026-11-24 09:00:00Z is not sent yet"
    story.until(hours(0.6))
    if isinstance(outcome, Done):
        assert story.mails == [("opened", 1), ("resolved", 1)]
    else:
        assert story.mails == []
        assert story.reason("b") == "nothing to resolve: no incident is open, or the mail that opened it was refused"
        assert story.record("b")["decision"] == "skipped"
        waits = [row.values.get("wake", "") for row in story.service.store.rows if row.values.get("identity") == "b"]
        assert waits == [""], "what is decided waits for nothing: a purge would never take the row"


def test_resolved_is_dropped_when_the_next_run_fails_first() -> None:
    """While the first mail waits, a run succeeds and the next one fails: the incident goes on."""
    story = Story()
    story.service.mail.script = [Deferred(reason="http 429", after=12 * MINUTE)]
    story.service.mail.delivers_lost_ones = False
    story.at(0, failed("a"))
    story.at(0.05, succeeded("b", hours(0.05)))
    story.at(0.1, failed("c", hours(0.1)))
    story.until(hours(0.9))
    assert story.mails == [("opened", 1)]
    assert story.reason("b") == "nothing to resolve: a later run failed at 2026-11-24 09:06:00Z"


def test_a_reminder_that_was_refused_is_tried_again_with_the_next() -> None:
    """It told nobody anything: after the interval there is another one, without a further failure."""
    story = Story()
    story.at(0, failed("a"))
    story.at(0.1, failed("b", hours(0.1)))
    story.service.mail.script = [Failed(reason="sender: not verified")]
    story.until(hours(1.5))
    assert (story.mails, len(story.service.letters.letters())) == ([("opened", 1)], 1)
    story.until(hours(6))
    assert story.mails == [("opened", 1), ("reminder", 2)]


def test_a_resolved_that_was_refused_can_be_put_back() -> None:
    """The incident is closed all the same; a replay mails what the first attempt would have."""
    story = Story()
    story.at(0, failed("a"))
    story.service.mail.script = [Failed(reason="sender: not verified")]
    story.at(0.1, succeeded("b", hours(0.1)))
    assert (story.mails, story.memory.ongoing) == ([("opened", 1)], None)
    message, _after = story.service.queue.sent[0]
    story.service.deliver({**succeeded("b", hours(0.1))})
    assert story.mails == [("opened", 1)]
    story.service.deliver(msgspec.structs.replace(wrap(succeeded("b", hours(0.1))), reopen="mail-ops#1"))
    assert story.mails == [("opened", 1), ("resolved", 1)]
    assert message


def test_a_first_mail_whose_event_was_lost_does_not_silence_the_incident() -> None:
    """Its message was deleted by hand: after a day the next failure is mailed, and says how many there were."""
    story = Story()
    story.service.mail.script = [Deferred(reason="http 503", after=MINUTE)]
    story.service.mail.delivers_lost_ones = False
    story.at(0, failed("a"))
    story.service.queue.sent.clear()
    story.at(24, failed("b", hours(24)))
    assert story.mails == []
    story.at(26, failed("c", hours(26)))
    assert story.mails == [("opened", 3)]


def test_a_success_ends_an_incident_whose_first_mail_was_lost() -> None:
    """It waits no longer than that mail could."""
    story = Story()
    story.service.mail.script = [Deferred(reason="http 503", after=MINUTE)]
    story.service.mail.delivers_lost_ones = False
    story.at(0, failed("a"))
    story.service.queue.sent.clear()
    story.at(1, succeeded("b", hours(1)))
    story.until(START + LOST + 2 * UNSENT)
    assert (story.mails, story.memory.ongoing, story.service.queue.sent) == ([], None, [])
    assert story.reason("b") == "nothing to resolve: the mail that opened the incident was never sent"


def test_experiments_and_workspaces_have_incidents_of_their_own() -> None:
    """500 failures of 40 pipelines in a minute: 40 mails."""
    story = Story()
    for number in range(500):
        story.service.deliver(failed(f"run-{number}", experiment=f"pipeline-{number % 40}"))
    assert story.mails == [("opened", 1)] * 40
    story.until(hours(1.5))
    assert sorted(story.mails[40:]) == [("reminder", 12)] * 20 + [("reminder", 13)] * 20


def test_only_what_a_rule_asks_for_ends_its_incident() -> None:
    """Experiment and kind; not a tag, which the run that succeeds may not have."""
    text = REACTIONS.replace(
        "on: pipeline-failed,", 'on: pipeline-failed, when: { kind: pipeline, tags: { critical: "true" } },'
    )
    story = Story(text)
    story.at(0, failed("a", runTags={"critical": "true"}))
    command = {"runType": "azureml.scriptrun", "runProperties": {}}
    story.at(0.1, succeeded("b", hours(0.1), **command))
    story.at(0.2, succeeded("s", hours(0.2), runType="azureml.StepRun", runProperties={"azureml.pipelinerunid": "p"}))
    assert story.mails == [("opened", 1)]
    story.at(0.3, succeeded("c", hours(0.3), runTags=None))
    assert story.mails == [("opened", 1), ("resolved", 1)]


def test_each_failure_where_the_rule_says_so() -> None:
    """`each: true`: as many mails as failures, none of an incident, nothing remembered."""
    story = Story(REACTIONS.replace("mail: { to: ops }", "mail: { to: ops, each: true }"))
    for number, run in enumerate("abc"):
        story.at(number / 10, failed(run))
    story.at(1, succeeded("d", hours(1)))
    assert (story.mails, story.service.queue.sent) == ([("", 0)] * 3, [])
    assert all(key.startswith("event|") for key in story.service.rows())


def test_a_pause_holds_mails_and_counts_on() -> None:
    """What fails within an interval is folded as ever; who was not mailed yet is, once, when work is resumed."""
    story = Story()
    story.at(0, failed("a"))
    pause(story.service, "mail-ops")
    story.at(0.1, failed("b", hours(0.1)))
    story.at(2, failed("c", hours(2)))
    story.until(hours(3))
    assert story.mails == [("opened", 1)]
    resume(story.service, "mail-ops")
    story.until(hours(4))
    assert story.mails[:2] == [("opened", 1), ("reminder", 2)]
    story.until(hours(12))
    assert story.mails == [("opened", 1), ("reminder", 2), ("reminder", 3)]


def test_a_pause_that_drops_skips_the_mail_and_opens_nothing() -> None:
    """For good, with its reason; the next failure after it opens the incident."""
    story = Story()
    pause(story.service, "mail-ops", drop=True)
    story.at(0, failed("a"))
    assert (story.record("a")["decision"], story.mails) == ("skipped", [])
    assert "paused" in story.reason("a")
    resume(story.service, "mail-ops")
    story.at(1, failed("b", hours(1)))
    assert story.mails == [("opened", 1)]


#: Requests to storage; the switches are read every 30 s besides.
COSTS = {
    "opens": ("query", "transaction", "merge", "query", "transaction"),
    "folds": ("query", "transaction"),
    "reminds of nothing": ("query",),
    "resolves": ("query", "transaction", "merge", "merge"),
    "succeeds": ("query", "insert"),
    "concerns nobody": ("query",),
}
SAID = reminder(WORKSPACE, EXPERIMENT, "mail-ops", Incident(stage="opened", thread="t"), at="")


@pytest.mark.parametrize(
    ("before", "event", "calls"),
    [
        ((), failed("a"), COSTS["opens"]),
        ((failed("a"),), failed("b", hours(0.1)), COSTS["folds"]),
        ((failed("a"),), SAID, COSTS["reminds of nothing"]),
        ((failed("a"),), succeeded("b", hours(0.1)), COSTS["resolves"]),
        ((), succeeded("b", hours(0.1)), COSTS["succeeds"]),
        ((succeeded("a", START),), succeeded("b", hours(0.1)), ("query", "merge")),
        ((succeeded("b", hours(0.1)),), succeeded("b", hours(0.1)), ("query",)),
    ],
    ids=["opens", "folds", "reminder", "resolves", "succeeds first", "succeeds again", "told again"],
)
def test_requests_to_storage_are_counted(
    before: tuple[Any, ...], event: dict[str, Any], calls: tuple[str, ...]
) -> None:
    """What an incident costs."""
    story = Story()
    story.service.switches.paused("mail-ops")
    story.service.clock.forward(minutes=10)
    for one in before:
        story.service.deliver(one)
    story.service.switches.paused("mail-ops")
    story.service.store.calls.clear()
    story.service.deliver(event)
    assert tuple(story.service.store.calls) == calls


def test_a_success_that_no_rule_wants_to_know_costs_one_query() -> None:
    """And leaves nothing behind."""
    story = Story(REACTIONS.replace("on: pipeline-failed", "on: pipeline-failed, when: { experiment: other }"))
    story.service.deliver(succeeded("b", START))
    assert (tuple(story.service.store.calls), story.service.rows()) == (COSTS["concerns nobody"], {})


@pytest.mark.parametrize("number", range(1, 7))
def test_intervals_grow(number: int) -> None:
    """An hour, four, then a day for good."""
    assert interval(number) == INTERVALS[min(number, 3) - 1]


EVENTS = (failed("a", hours(0.1)), failed("b", hours(0.2)), succeeded("c", hours(0.3)), failed("d", hours(0.4)))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_every_order_ends_the_same(order: tuple[int, ...]) -> None:
    """The newest failure is open, whatever was told first, and Ops know of it; whatever was resolved was opened."""
    story = Story()
    for number in order:
        story.at(1, EVENTS[number])
        story.at(1, EVENTS[number])
    assert story.memory.ongoing
    assert (story.memory.ongoing.latest, story.memory.succeeded) == (hours(0.4), hours(0.3))
    stages = [stage for stage, _failures in story.mails]
    assert stages in (["opened"], ["opened", "resolved", "opened"])


def test_storage_that_fails_before_the_reminder_is_on_record() -> None:
    """The mail is sent, its outcome is not written: told again, the mail is not repeated, the reminder comes once."""
    story = Story()
    down = [False]

    class Queue(type(story.service.queue)):  # type: ignore[misc] # the fake's class
        """A queue that cannot be reached at first."""

        def send(self, message: bytes, *, after: timedelta = timedelta()) -> None:
            """See shared.gateways.Queue."""
            if not down[0]:
                down[0] = True
                raise StorageError(service="queue", operation="send")
            super().send(message, after=after)

    story.service.queue = Queue()
    with pytest.raises(StorageError):
        story.service.deliver(failed("a"))
    story.service.clock.forward(minutes=2)
    story.service.deliver(failed("a"))
    story.at(0.5, failed("b", hours(0.5)))
    story.until(hours(3))
    assert story.mails == [("opened", 1), ("reminder", 2)]


def test_a_success_that_meets_another_writer_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no row of its own, only what is remembered of it: that is read and written again."""
    story = Story()
    insert, lost = story.service.store.insert, [False]

    def later(row: Row) -> Written | Conflict:
        if not lost[0]:
            lost[0] = True
            return Conflict(at=START)
        return insert(row)

    monkeypatch.setattr(story.service.store, "insert", later)
    story.at(1, succeeded("a", hours(1)))
    assert (lost, story.memory.succeeded) == ([True], hours(1))


def test_a_backtest_plays_incidents() -> None:
    """First mail, reminder and end, as the ledger would have had them; reminders come by themselves."""
    story = [failed("a"), failed("b", hours(0.5)), succeeded("c", hours(3))]
    told = (Told(content=json.dumps(event).encode(), source="test") for event in story)
    played = play(in_order(told).all, rules(REACTIONS), installation="test")
    mails = [effect.action for one in acting(played) for effect in one.effects]
    incidents = [one.notice.incident for one in mails if isinstance(one, SendMail) and one.notice.incident]
    assert [(one.stage, one.failures) for one in incidents] == [("opened", 1), ("reminder", 2), ("resolved", 2)]


def test_the_test_kit_knows_incidents() -> None:
    """A test of one's own rules tells the end of one, and what is folded."""
    first = Reactor(folder=Path(), reactions=rules(REACTIONS)).when(events.pipeline_failed(run="a"))
    first.mails("mail-ops").then(events.pipeline_succeeded(), after="2h").mails("mail-ops")
    folded = first.then(events.pipeline_failed(run="b"), after="30m")
    assert "2nd failure" in next(one.reason for one in folded.verdicts if one.reaction == "mail-ops")
    first.then(events.pipeline_failed(run="b"), after="2h").mails("mail-ops")


def test_a_canceled_run_is_no_failure_unless_asked_for() -> None:
    """Where no rule asks, it has a reason and no mail, and opens, counts and ends nothing."""
    story = Story()
    story.at(0, told("r-1", START, "Canceled"))
    assert (story.mails, story.reason("r-1")) == ([], "status: wanted 'failed', is 'canceled'")
    story.at(1, failed("r-2", hours(1)))
    story.at(2, told("r-3", hours(2), "Canceled"))
    story.at(3, succeeded("r-4", hours(3)))
    assert story.mails == [("opened", 1), ("resolved", 1)]


def test_a_canceled_run_counts_where_the_rule_asks_for_it() -> None:
    """One incident of both."""
    asking = "on: pipeline-failed, when: { status: [failed, canceled] }"
    story = Story(REACTIONS.replace("on: pipeline-failed", asking))
    story.at(0, told("r-1", START, "Canceled"))
    story.at(0.5, failed("r-2", hours(0.5)))
    story.at(2, succeeded("r-3", hours(2)))
    assert story.mails == [("opened", 1), ("reminder", 2), ("resolved", 2)]


@pytest.mark.parametrize(
    "rule",
    [
        "{ name: a, on: data-drift, mail: { to: ops, each: true } }",
        "{ name: a, on: pipeline-failed, run: { job: pipelines/retrain.yml }, mail: { to: ops, each: true } }",
    ],
    ids=["another family", "with a run"],
)
def test_each_is_said_where_it_means_something(rule: str) -> None:
    """Elsewhere it is a mistake, and told as one."""
    with pytest.raises(ConfigurationError, match="`each` is for a mail without a `run`"):
        rules(f"recipients: {{ ops: $OPS_EMAIL }}\nreactions: [{rule}]")


def test_what_is_decided_together_fits_one_transaction() -> None:
    """99 rules that remember, and no more: found when the file is read, not when the event comes."""

    def many(count: int) -> str:
        rule = "  - {{ name: mail-{}, on: pipeline-failed, mail: {{ to: ops }} }}\n"
        return "recipients: { ops: $OPS_EMAIL }\nreactions:\n" + "".join(rule.format(one) for one in range(count))

    with pytest.raises(ConfigurationError, match="100 rules on pipeline-failed"):
        rules(many(100))
    service = FakeService(reactions=rules(many(99)))
    service.deliver(failed("a"))
    assert (len(service.mail.delivered), service.letters.letters()) == (99, [])
