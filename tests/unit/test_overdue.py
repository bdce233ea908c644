"""A job that should be over by now: looked for when its time is over, reported once where no end is on record."""

import json
from datetime import timedelta

import msgspec
import pytest

from shared.gateways.queue import LONGEST_DELAY
from shared.messages import decode
from tests.fakes.events import altered, ended, sample
from tests.fakes.service import REACTIONS, START, FakeService, rules

RULES = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: offline-test
    on: model-registered
    run: { job: pipelines/offline-test.yml, expect: { within: WITHIN } }
"""
OTHER = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - { name: other, on: pipeline-failed, mail: { to: ops } }
"""


def service(within: str = "4h") -> FakeService:
    """Return a service whose test should be over in that time, after a model was registered."""
    service = FakeService(reactions=rules(RULES.replace("WITHIN", within)))
    service.deliver(sample("model-registered"))
    return service


def test_a_check_goes_out_with_the_start() -> None:
    """For the time that the rule says, from the start."""
    ((text, after),) = service().queue.sent
    assert after == timedelta(hours=4)
    (message,) = decode(text)
    told = json.loads(message.inline or b"")
    assert told["eventTime"] == (START + timedelta(hours=4)).isoformat()


def test_a_job_that_ended_in_time() -> None:
    """Nothing is written and nobody is told, whatever the outcome was."""
    for outcome in ("Completed", "Failed", "Canceled"):
        one = service()
        (job,) = one.jobs.jobs
        one.deliver(ended(one.jobs, job, outcome))
        rows = one.rows()
        one.run_queue()
        assert (one.rows(), one.mail.posts) == (rows, [])


def test_a_job_that_did_not() -> None:
    """One mail to Ops, with the job, how long it had and what to do; the decision says why."""
    one = service()
    (job,) = one.jobs.jobs
    (check,) = one.queue.sent
    one.run_queue()
    one.deliver_text(check[0])  # told again
    (mail,) = one.mail.mails.values()
    assert mail.to == ("ops@example.com",)
    assert (mail.notice.headline, mail.notice.run) == ("Overdue: offline-test for churn:7", job)
    assert "had 4h to be over, and no end was told" in mail.notice.cause
    (row,) = (row for row in one.store.rows if row.values.get("family") == "job-overdue")
    assert msgspec.json.decode(str(row.values["a_offline_test"]))["reason"] == "no end was told within 4h"
    assert {other.partition for other in one.store.rows} == {row.partition}


def test_the_end_after_that_is_told_all_the_same() -> None:
    """The report was no end."""
    one = service()
    (job,) = one.jobs.jobs
    one.run_queue()
    one.deliver(ended(one.jobs, job))
    assert len([row for row in one.store.rows if row.values.get("family") == "reaction-finished"]) == 1


@pytest.mark.parametrize("text", [REACTIONS, OTHER])
def test_the_rule_may_be_another_by_then(text: str) -> None:
    """Without `expect`, or gone: the job is not, so Ops hear of it."""
    one = service()
    one.reactions = rules(text)
    one.run_queue()
    assert [mail.notice.reaction for mail in one.mail.mails.values()] == ["offline-test"]


def test_longer_than_a_message_may_wait() -> None:
    """It comes back too early, and is put back with the rest."""
    one = service("9d")
    (text, _after) = one.queue.sent.pop()
    one.clock.now += LONGEST_DELAY
    one.deliver_text(text)
    ((_text, after),) = one.queue.sent
    assert (after, one.mail.posts) == (timedelta(days=3), [])
    one.run_queue()
    assert len(one.mail.posts) == 1


def test_no_expectation_no_message() -> None:
    """Also where nothing was started: a refusal, a dry run."""
    plain = FakeService()
    plain.deliver(sample("model-registered"))
    dry = FakeService(reactions=rules(RULES.replace("WITHIN", "4h")), dry_run=True)
    dry.deliver(sample("model-registered"))
    assert (plain.queue.sent, dry.queue.sent) == ([], [])


def test_killed_between_the_message_and_the_row() -> None:
    """The start is told again, and so is the check: one report all the same."""
    one = FakeService(reactions=rules(RULES.replace("WITHIN", "4h")))
    calls = one.store.calls

    class Killed(BaseException):
        """The process is gone."""

    send = one.queue.send

    def killed(message: bytes, *, after: timedelta = timedelta()) -> None:
        send(message, after=after)
        one.queue.send = send  # type: ignore[method-assign] # a fake
        raise Killed

    one.queue.send = killed  # type: ignore[method-assign] # as above
    with pytest.raises(Killed):
        one.deliver(sample("model-registered"))
    assert calls
    one.deliver(sample("model-registered"))
    assert len(one.queue.sent) == 2
    one.run_queue()
    assert (len(one.jobs.jobs), len(one.mail.posts)) == (1, 1)


def test_a_check_that_is_none() -> None:
    """Is kept for a person, as anything that cannot be read."""
    one = FakeService()
    one.deliver({**altered("model-registered", job="x"), "eventType": "WorkspaceReactor.OverdueCheck"})
    (letter,) = one.letters.blobs
    assert letter.startswith("reactor/unreadable/")
