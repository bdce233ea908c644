"""Mails within the allowance, told as stories: what is merged, when it is mailed, nothing lost, nothing told twice."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.replay import Replay
from shared.actions import Deferred, Done, Failed
from shared.allowance import Allowance
from shared.digests import DIGESTS, PARTS, read_digest
from shared.errors import StorageError
from shared.mail import render
from shared.ration import Ration
from shared.reactions import Matched
from tests.fakes.events import altered
from tests.fakes.service import START, FakeService, rules
from tests.unit.test_ops_replay import entries, state

SIX = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
REACTIONS = """
recipients: {{ ops: $OPS_EMAIL, team: team@example.com }}
reactions:
  - {{ name: mail-ops, on: pipeline-failed, mail: {{ to: ops, priority: {}, each: true }} }}
"""


def failure(number: int, pipeline: int = 0) -> dict[str, Any]:
    """Return the failure of a run of a pipeline."""
    return altered(
        "pipeline-failed", event_id=f"e{number}", experimentName=f"pipeline-{pipeline:02}", runId=f"run-{number:03}"
    )


def service(priority: str = "normal", **options: Any) -> FakeService:
    """Return a service whose mails are counted."""
    return FakeService(reactions=rules(REACTIONS.format(priority)), rationed=True, **options)


def runs_told(found: FakeService) -> Counter[str]:
    """Count how often each run stands in the mails that arrived."""
    notices = [found.mail.mails[operation].notice for operation in found.mail.delivered]
    return Counter(run for one in notices for run in (one.run, *(entry.run for entry in one.entries)))


def run_until_quiet(found: FakeService) -> list[datetime]:
    """Deliver what waits, in the order in which it is due; return when each mail went."""
    posts: list[datetime] = []
    waiting = [(found.clock.now + after, text) for text, after in found.queue.sent]
    found.queue.sent.clear()
    for _ in range(3000):
        if not waiting:
            return posts
        waiting.sort()
        due, text = waiting.pop(0)
        found.clock.now = max(due, found.clock.now)
        before = len(found.mail.posts)
        found.deliver_text(text)
        posts += [found.clock.now] * (len(found.mail.posts) - before)
        waiting += [(found.clock.now + after, text) for text, after in found.queue.sent]
        found.queue.sent.clear()
    raise AssertionError("the queue is never empty")


def test_five_hundred_failures_in_a_minute() -> None:
    """Of 40 pipelines: at most the allowance, and each run's pipeline with its number stands in some mail."""
    found = service()
    posts: list[datetime] = []
    for number in range(500):
        found.clock.now = START + timedelta(seconds=number * 60 / 500)
        found.deliver(failure(number, number % 40))
        posts += [found.clock.now] * (len(found.mail.posts) - len(posts))
    posts += run_until_quiet(found)
    assert max(sum(at <= one <= at + timedelta(minutes=1) for one in posts) for at in posts) <= 5
    assert max(sum(at <= one <= at + timedelta(hours=1) for one in posts) for at in posts) <= 10
    counted: Counter[str] = Counter()
    for mail in found.mail.mails.values():
        rendered = render(mail.notice)
        for one in mail.notice.entries:
            counted[one.subject] += one.failures
            assert one.subject in rendered.text
            assert one.subject in rendered.html
        if not mail.notice.entries:
            counted[mail.notice.experiment] += 1
    assert sum(counted.values()) == 500
    assert len(counted) == 40
    assert not found.letters.blobs


def test_five_hundred_failures_of_forty_incidents() -> None:
    """One mail for each incident, in a minute: at most the allowance, and each incident stands in some mail."""
    found = service()
    found.reactions = rules(REACTIONS.replace(", each: true", "").format("normal"))
    for number in range(500):
        found.clock.now = START + timedelta(seconds=number * 60 / 500)
        found.deliver(failure(number, number % 40))
    at_once = len(found.mail.posts)
    assert at_once <= 5
    waiting = [(after, text) for text, after in found.queue.sent if after < timedelta(minutes=30)]
    found.queue.sent.clear()
    for after, text in waiting:  # the summaries; reminders come later
        found.clock.now = max(found.clock.now, START + after)
        found.deliver_text(text)
    texts = "".join(render(mail.notice).text for mail in found.mail.mails.values())
    assert all(f"pipeline-{number:02}" in texts for number in range(40))
    assert len(found.mail.posts) <= 10


def test_a_summary_is_one_mail_that_names_everything() -> None:
    """Four go at once, the rest five minutes after the first that had to wait."""
    found = service()
    for number in range(12):
        found.deliver(failure(number, number % 3))
    assert len(found.mail.posts) == 4
    assert run_until_quiet(found) == [START + timedelta(minutes=5)]
    mail = found.mail.mails[found.mail.posts[-1]]
    assert mail.to == ("ops@example.com",)
    assert (mail.notice.kind, mail.notice.headline) == ("digest", "Summary of 8 mails")
    assert [(one.subject, one.failures, one.run) for one in mail.notice.entries] == [
        ("pipeline-01", 3, "run-010"),
        ("pipeline-02", 3, "run-011"),
        ("pipeline-00", 2, "run-009"),
    ]
    assert {one.workspace for one in mail.notice.entries} == {mail.notice.workspace}
    assert "example.com" not in str([dict(row.values) for row in found.store.rows if row.partition == DIGESTS])


def test_the_ledger_says_where_a_mail_went() -> None:
    """Whoever asks `why` reads in which summary it is."""
    found = service(allowance=Allowance(per_minute=1, per_hour=1))
    found.deliver(failure(1))
    found.deliver(failure(2))
    (outcome,) = {
        str(row["r_mail_ops"])
        for key, row in found.rows().items()
        if key.startswith("event|") and row["event_id"] == "e2"
    }
    assert "merged into the summary that is due 2026-11-24 09:05:00Z" in outcome


def test_a_mail_is_four_requests_to_storage() -> None:
    """The event's row, the allowance, the mark before the send, the outcome; the first of a process reads as well."""
    found = service()
    found.deliver(failure(1))
    found.switches.paused("mail-ops")
    found.store.calls.clear()
    found.deliver(failure(2))
    assert found.store.calls == ["insert", "merge", "merge", "merge"]


def test_critical_mails_go_first() -> None:
    """A fifth is kept for them; without any room they are merged as well, and not lost."""
    found = service("critical")
    for number in range(6):
        found.deliver(failure(number))
    assert len(found.mail.posts) == 5
    assert run_until_quiet(found) == [START + timedelta(minutes=5)]
    assert runs_told(found)["run-005"] == 1


def test_a_digest_waits_for_its_hour() -> None:
    """`priority: digest` costs nothing of the allowance, and comes once a day with the others."""
    found = service("digest")
    found.deliver(failure(1))
    ((text, after),) = found.queue.sent
    found.clock.now += timedelta(hours=9)
    found.queue.sent[:] = [(text, after - timedelta(hours=9))]
    found.deliver(failure(2))
    assert not found.mail.posts
    assert run_until_quiet(found) == [SIX]
    (mail,) = found.mail.mails.values()
    assert mail.notice.headline == "Daily summary: 2 mails"
    found.deliver(failure(3))
    assert run_until_quiet(found) == [SIX + timedelta(days=1)]


def test_told_twice_is_merged_once() -> None:
    """A delivery that was killed after merging meets itself, in the next hour too; so does one of the mail at once."""
    found = service("digest")
    found.post.divert(mail_action(found), operation="a", at=found.clock.now)
    found.post.divert(mail_action(found), operation="a", at=found.clock.now)
    short = service(allowance=Allowance(per_minute=1, per_hour=1))
    action = mail_action(short)
    assert short.post.divert(action, operation="first", at=START) is None
    for minutes in (0, 10, 55, 61):
        outcome = short.post.divert(action, operation="a", at=START + timedelta(minutes=min(minutes, 59)))
        assert isinstance(outcome, Done)
    short.clock.now = START + timedelta(minutes=59)
    for service_ in (found, short):
        (row,) = [row for row in service_.store.rows if row.partition == DIGESTS]
        assert read_digest(row).mails == 1


def mail_action(found: FakeService) -> Any:
    """Return the mail that follows from a failure."""
    import handlers  # noqa: PLC0415 - beside its only use
    from shared.events import parse  # noqa: PLC0415

    family = handlers.HANDLERS[2]
    (item,) = family.plan(family.recognise(parse(failure(1))), found.reactions)
    assert isinstance(item, Matched)
    return item.actions["mail-ops"]


@pytest.mark.parametrize("step", range(1, 9))
def test_killed_anywhere(step: int) -> None:
    """Storage that ends a delivery at any request: what is merged is mailed once, and the mail names it."""
    found = service(allowance=Allowance(per_minute=1, per_hour=10))
    found.deliver(failure(0))
    calls = 0
    answer = found.store._answer

    def dying(operation: str) -> datetime:
        nonlocal calls
        calls += 1
        if calls == step:
            raise StorageError(service="memory", operation=operation)
        return answer(operation)

    found.store._answer = dying  # type: ignore[method-assign]
    for _ in range(2):
        try:
            found.deliver(failure(1))
        except StorageError:
            continue
    waiting = [(found.clock.now + after, text) for text, after in found.queue.sent]
    found.queue.sent.clear()
    while waiting:
        waiting.sort()
        due, text = waiting.pop(0)
        found.clock.now = max(due, found.clock.now)
        try:
            found.deliver_text(text)
        except StorageError:
            waiting.append((found.clock.now + timedelta(minutes=10), text))  # the host hides it that long
        waiting += [(found.clock.now + after, sent) for sent, after in found.queue.sent]
        found.queue.sent.clear()
    assert runs_told(found)["run-001"] == 1
    assert len(found.mail.delivered) == len(set(found.mail.delivered)) == 2


@pytest.mark.parametrize("priority", ["normal", "digest"])
def test_a_mail_that_cannot_be_sent_is_told(priority: str, caplog: pytest.LogCaptureFixture) -> None:
    """Through the log, after an hour of trouble and at every attempt from then on, until it goes; then no more."""
    found = service(priority)
    later = Deferred("mail-unavailable: the mail service has trouble; tried again", timedelta(minutes=10))
    found.mail.script, found.mail.delivers_lost_ones = [later] * 9, False
    found.deliver(failure(1))
    run_until_quiet(found)
    lines = [json.loads(one.getMessage()) for one in caplog.records if '"mail.overdue"' in one.getMessage()]
    assert {one.levelname for one in caplog.records if '"mail.overdue"' in one.getMessage()} == {"ERROR"}
    assert 2 <= len(lines) <= 4
    assert all(line["seconds"] >= 3600 and line["reason"] == later.reason for line in lines)
    assert runs_told(found)["run-001"] == 1


def test_throttled_nothing_goes_before_the_service_says() -> None:
    """One 429 with Retry-After; all that comes meanwhile is merged without asking again, and nothing is lost."""
    found = service()
    later = Deferred("mail-throttled", timedelta(minutes=20), quota=True)
    found.mail.script, found.mail.delivers_lost_ones = [later], False
    for number in range(5):
        found.deliver(failure(number, number))
    assert len(found.mail.posts) == 1
    posts = run_until_quiet(found)
    assert min(posts) >= START + timedelta(minutes=20)
    for number in range(5):
        assert runs_told(found)[f"run-{number:03}"] == 1


def test_a_summary_that_is_throttled_or_unanswered_is_sent_on() -> None:
    """Looked up before it is repeated, with the same id; what comes after it was sealed goes into the next."""
    found = service("digest")
    found.deliver(failure(1))
    found.mail.script = [Deferred("mail-unknown", timedelta(minutes=1))]
    found.mail.delivers_lost_ones = False
    run_until_quiet(found)
    assert len(found.mail.posts) == 2
    assert len(set(found.mail.posts)) == 1
    assert found.mail.lookups == [found.mail.posts[0]]
    assert found.mail.delivered == [found.mail.posts[0]]


def test_a_refused_summary_is_a_dead_letter_that_can_be_put_back() -> None:
    """With what it needs to be mailed when the cause is mended."""
    found = service("digest")
    found.deliver(failure(1))
    found.mail.script = [Failed("mail-rejected: check MAIL_SENDER")]
    run_until_quiet(found)
    assert not found.mail.mails
    found.clock.now += timedelta(minutes=10)
    (report,) = Replay(state=state(found)).each(entries(found))
    assert report.status == "sent"
    run_until_quiet(found)
    assert runs_told(found)["run-001"] == 1


def test_full_rows_go_on_in_the_next() -> None:
    """Each is a mail of its own; where all of a period are taken, the mail waits for the next period."""
    found = service("digest", allowance=Allowance(per_minute=60, per_hour=100))
    for number in range(150):
        found.deliver(failure(number, number))
    rows = [row for row in found.store.rows if row.partition == DIGESTS]
    assert 1 < len(rows) <= PARTS
    assert sum(read_digest(row).mails for row in rows) == 150
    assert all(len(str(row.values["digest"])) <= 31_000 for row in rows)
    run_until_quiet(found)
    for number in range(150):
        assert runs_told(found)[f"run-{number:03}"] == 1


def test_a_list_that_is_gone_is_not_lost() -> None:
    """Ops get it, and the mail says so."""
    found = service("digest")
    found.deliver(failure(1))
    found.reactions = rules(REACTIONS.format("digest").replace("to: ops", "to: team"))
    found.reactions = replace(found.reactions, rules=tuple(replace(one, ops=()) for one in found.reactions.rules))
    run_until_quiet(found)
    (mail,) = found.mail.mails.values()
    assert mail.to == ("ops@example.com",)
    assert "no longer in reactions.yaml" in mail.notice.cause


def test_a_lost_wake_up_is_sent_again() -> None:
    """By what is merged next, a quarter of an hour after the summary should have gone."""
    found = service(allowance=Allowance(per_minute=1, per_hour=10))
    found.deliver(failure(0, 0))
    found.deliver(failure(1, 1))
    found.queue.sent.clear()  # somebody emptied the queue
    found.clock.now += timedelta(minutes=25)
    found.deliver(failure(2, 2))
    found.deliver(failure(3, 3))
    run_until_quiet(found)
    for number in range(1, 4):
        assert runs_told(found)[f"run-{number:03}"] == 1


def test_a_wake_up_of_nothing_does_nothing() -> None:
    """A row that is gone, or was never written."""
    found = service("digest")
    found.deliver(failure(1))
    ((text, _),) = found.queue.sent
    other = service("digest")
    other.deliver_text(text)
    assert not other.mail.posts
    assert not other.queue.sent


def test_a_dry_run_counts_nothing() -> None:
    """What is not sent takes nothing of the allowance and is in no summary."""
    found = service("digest", dry_run=True)
    found.deliver(failure(1))
    assert not [row for row in found.store.rows if row.partition == DIGESTS]


def test_many_workers_at_once() -> None:
    """Twenty threads, each with its own count in mind: never more than the allowance, and each mail sent or merged."""
    found = service()
    action = mail_action(found)

    def post(number: int) -> Any:
        own = replace(found.post, ration=Ration(found.store, found.allowance), new_token=lambda: f"t{number}")
        for _ in range(200):
            outcome = own.divert(action, operation=f"mail-{number}", at=START)
            if not isinstance(outcome, Deferred):
                return outcome
        raise AssertionError("never decided")

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(post, range(60)))
    assert outcomes.count(None) == 4
    rows = [read_digest(row) for row in found.store.rows if row.partition == DIGESTS]
    assert sum(row.mails for row in rows) == 56
