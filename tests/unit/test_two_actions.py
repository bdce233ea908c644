"""A reaction with a job and a mail: guards are asked once, for the job; each of the two is carried out by itself."""

import uuid
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions import Deferred, Done, Failed, mail_beside, reaction_of
from shared.messages import wrap
from shared.reactions import Reactions
from shared.records import EventRecord, ReactionRecord, read_event, write_event
from shared.store import Row
from tests.fakes.events import altered, sample
from tests.fakes.service import FakeService, rules

LATER = Deferred(reason="http 503", after=timedelta(seconds=30))
REFUSED = Failed(reason="refused")
JOB, MAIL = "offline-test", "offline-test.mail"


def both(more: str = "") -> Reactions:
    """Return a rule with both actions, and *more* lines in it."""
    return rules(
        "recipients: { ops: $OPS_EMAIL }\nreactions:\n  - name: offline-test\n    on: model-registered\n"
        f"    run: {{ job: pipelines/offline-test.yml }}\n    mail: {{ to: ops }}\n    {more}\n"
    )


def records(service: FakeService, number: int = 7) -> dict[str, ReactionRecord]:
    """Return what the row of a version (the sample's, unless told) says of each action."""
    (row,) = (row for row in service.store.rows if row.values.get("identity") == f"churn:{number}")
    return dict(read_event(row).reactions)


def version(number: int) -> dict[str, Any]:
    """Return the registration of another version."""
    return altered("model-registered", event_id=f"id-{number}", modelVersion=str(number))


def replay(event: dict[str, Any], failure: str) -> Any:
    """Return the message that reopens a failure."""
    return msgspec.structs.replace(wrap(event), reopen=failure)


def test_both_are_done_each_with_its_own_id() -> None:
    """A job and a mail that names it; the mail's Operation-Id is a UUID of its own."""
    service = FakeService(reactions=both())
    service.deliver(sample("model-registered"))
    found = records(service)
    assert found.keys() == {JOB, MAIL}
    assert {type(record.outcome) for record in found.values()} == {Done}
    assert found[JOB].operation != found[MAIL].operation
    (job,) = service.jobs.jobs
    ((operation, mail),) = service.mail.mails.items()
    assert (found[JOB].effect, found[MAIL].effect) == (job, operation)
    assert str(uuid.UUID(operation)) == operation
    assert mail.notice.reaction == "offline-test"
    assert mail.notice.job == job


def test_the_guards_are_asked_once() -> None:
    """A budget of one run is used up by the job, and its mail goes all the same; nothing remembers the mail."""
    service = FakeService(reactions=both("guards: { budget: { runs: 1, per: 1d }, cooldown: 1h }"))
    service.deliver(version(1))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 1)
    assert [key for key in service.rows() if key.startswith("memory|")] == ["memory|offline-test"]
    memory = msgspec.json.decode(str(service.rows()["memory|offline-test"]["memory"]))
    assert [entry["operation"] for entry in memory["entries"]] == [records(service, 1)[JOB].operation]


def test_the_mail_is_skipped_with_its_job() -> None:
    """With the same reason, whatever would be said of a mail alone."""
    service = FakeService(reactions=both("guards: { cooldown: 1h }"))
    service.deliver(version(1))
    service.deliver(version(2))
    found = records(service, 2)
    assert {record.decision for record in found.values()} == {"skipped"}
    assert found[JOB].reason == found[MAIL].reason
    assert found[JOB].reason.startswith("cooldown: ")
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 1)


def test_without_a_match_one_reason_stands_there() -> None:
    """The condition is the reaction's; a later telling that matches does both."""
    service = FakeService(reactions=both("when: { tags: { stage: prod } }"))
    service.deliver(sample("model-registered"))
    assert {name: record.decision for name, record in records(service).items()} == {JOB: "unmatched"}
    service.deliver(altered("model-registered", modelTags={"stage": "prod"}))
    assert {type(record.outcome) for record in records(service).values()} == {Done}
    assert records(service).keys() == {JOB, MAIL}


def test_the_job_waits_and_the_mail_is_sent() -> None:
    """One deferred, the other done; the copy that comes back does what is left, once."""
    service = FakeService(reactions=both())
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    assert {name: record.pending for name, record in records(service).items()} == {JOB: True, MAIL: False}
    service.run_queue()
    assert (len(service.jobs.jobs), len(service.jobs.puts), len(service.mail.posts)) == (1, 2, 1)


def test_the_mail_waits_and_the_job_is_started() -> None:
    """The other way round: the job is not submitted again, and the mail is looked up before it is sent again."""
    service = FakeService(reactions=both())
    service.mail.script, service.mail.delivers_lost_ones = [LATER], False
    service.deliver(sample("model-registered"))
    assert {name: record.pending for name, record in records(service).items()} == {JOB: False, MAIL: True}
    service.run_queue()
    assert (len(service.jobs.puts), len(service.mail.lookups), len(service.mail.delivered)) == (1, 1, 1)


@pytest.mark.parametrize(("failed", "puts", "posts"), [(JOB, 2, 1), (MAIL, 1, 2)])
def test_a_replayed_failure_repeats_only_itself(failed: str, puts: int, posts: int) -> None:
    """One letter, of the one that failed; its replay leaves the other alone."""
    service = FakeService(reactions=both())
    (service.jobs if failed == JOB else service.mail).script = [REFUSED]
    service.deliver(sample("model-registered"))
    (letter,) = service.letters.letters()
    assert letter["reactorFailure"] == f"{failed}#1"
    service.deliver(replay(sample("model-registered"), f"{failed}#1"))
    assert {type(record.outcome) for record in records(service).values()} == {Done}
    assert (len(service.jobs.puts), len(service.mail.posts)) == (puts, posts)
    service.deliver(replay(sample("model-registered"), f"{failed}#1"))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (puts, posts)


def test_a_mail_that_failed_takes_nothing_back() -> None:
    """The job's entry in memory stays: it was started."""
    service = FakeService(reactions=both("guards: { budget: { runs: 1, per: 1d } }"))
    service.mail.script = [REFUSED]
    service.deliver(version(1))
    service.deliver(version(2))
    assert records(service, 2)[JOB].reason.startswith("budget: 1 of 1")


def test_a_job_that_failed_gives_its_place_back() -> None:
    """Its mail was sent, and is nothing that counts."""
    service = FakeService(reactions=both("guards: { budget: { runs: 1, per: 1d } }"))
    service.jobs.script = [REFUSED]
    service.deliver(version(1))
    service.deliver(version(2))
    assert [len(service.jobs.jobs), len(service.mail.posts)] == [1, 2]


def test_a_rule_that_gains_a_mail() -> None:
    """An event told again is mailed about, and its job is not started again; its guards are not asked again."""
    guards = "guards: { budget: { runs: 1, per: 1d } }"
    service = FakeService(reactions=without("mail", guards))
    service.deliver(sample("model-registered"))
    service.reactions = both(guards)
    service.deliver(sample("model-registered"))
    service.deliver(sample("model-registered"))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 1)


def test_a_rule_that_gains_a_mail_and_was_skipped() -> None:
    """No mail about a job that was not started."""
    guards = "guards: { cooldown: 1h }"
    service = FakeService(reactions=without("mail", guards))
    service.deliver(version(1))
    service.deliver(version(2))
    service.reactions = both(guards)
    service.deliver(version(2))
    assert records(service, 2)[MAIL].decision == "skipped"
    assert service.mail.posts == []


def without(action: str, more: str = "") -> Reactions:
    """Return the rule without one of its actions."""
    run, mail = "run: { job: pipelines/offline-test.yml }", "mail: { to: ops }"
    return rules(
        "recipients: { ops: $OPS_EMAIL }\nreactions:\n  - name: offline-test\n    on: model-registered\n"
        f"    {run if action == 'mail' else mail}\n    {more}\n"
    )


def test_a_mail_that_gains_a_job_stays_as_it_was_decided() -> None:
    """What was decided stays: the mail is not sent under another id, and no job starts for what is past."""
    service = FakeService(reactions=without("run"))
    service.deliver(version(1))
    service.reactions = both()
    service.deliver(version(1))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (0, 1)
    service.deliver(version(2))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 2)


@pytest.mark.parametrize(("before", "after"), [("run", "mail"), ("mail", "run"), ("run", "")])
def test_an_action_is_not_carried_out_under_the_id_of_another_kind(before: str, after: str) -> None:
    """A mail that waits while its rule becomes a job (or the other way round): the rule it was admitted for is gone."""
    service = FakeService(reactions=without(before))
    service.jobs.script = service.mail.script = [LATER]
    service.mail.delivers_lost_ones = False
    service.deliver(sample("model-registered"))
    service.reactions = without(after) if after else both()
    service.jobs.puts.clear()
    service.mail.posts.clear()
    service.run_queue()
    assert [name for name in service.jobs.puts if not name.startswith("offline-test-")] == []
    assert [operation for operation in service.mail.posts if operation.startswith("offline-test-")] == []
    (letter,) = service.letters.letters()
    assert str(letter["deadLetterReason"]).startswith("rule_gone")


def test_a_dry_run_decides_both() -> None:
    """And does neither."""
    service = FakeService(reactions=both(), dry_run=True)
    service.deliver(sample("model-registered"))
    row = next(row for row in service.store.rows if "event|" in row.key)
    assert {name: type(record.outcome) for name, record in read_event(row).reactions.items()} == {JOB: Done, MAIL: Done}
    assert (service.jobs.puts, service.mail.posts) == ([], [])


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)


@given(st.sets(NAMES, min_size=1, max_size=5))
def test_columns_are_read_back(names: set[str]) -> None:
    """Of every name a reaction can have, the job's and the mail's: one column each, told apart."""
    keys = [key for name in names for key in (name, mail_beside(name))]
    record = EventRecord(reactions={key: ReactionRecord(decision="admitted", reason=key) for key in keys})
    columns = write_event(None, record)
    assert read_event(Row(partition="p", key="k", values={**columns, "model": "x", "reason": "y"})) == record
    assert len(columns) == len(keys)
    assert {name[:2] for name in columns} == {"r_", "m_"}
    assert {reaction_of(key) for key in keys} == names


def test_a_mail_alone_names_no_job() -> None:
    """Nor does it take its own id for one."""
    service = FakeService()
    service.deliver(sample("pipeline-failed"))
    (mail,) = service.mail.mails.values()
    assert mail.notice.job == ""
