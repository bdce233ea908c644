"""The end of a job that a reaction started: whose it is, what follows, and how it is told with what came before."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import handlers
from handlers.finished import ReactionFinished
from handlers.reaction_finished import FAMILY, recognise
from ops.connection import State
from shared.actions import Deferred
from shared.events import NotOurs, parse
from shared.limits import in_words
from shared.verdicts import Measured
from tests.fakes.events import altered, ended, sample
from tests.fakes.project import Said, ops
from tests.fakes.service import FakeService, rules
from tests.unit.test_ops_replay import state

CHAIN = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: offline-test
    on: model-registered
    run: { job: pipelines/offline-test.yml, inputs: { model: "${{ event.model }}" } }
  - name: promote
    on: reaction-finished
    when: { reaction: offline-test, outcome: completed, model: churn }
    run: { job: pipelines/needs-a-model.yml, inputs: { model: "${{ event.model }}" } }
  - name: mail-losers
    on: reaction-finished
    when: { outcome: [failed, canceled] }
    mail: { to: ops }
"""
CIRCLE = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - { name: start, on: model-registered, run: { job: pipelines/offline-test.yml } }
  - { name: again, on: reaction-finished, run: { job: pipelines/offline-test.yml } }
"""


def finished(**data: Any) -> ReactionFinished:
    """Return the sample as the family sees it, told differently."""
    event = recognise(parse(altered("reaction-finished", **data)))
    assert isinstance(event, ReactionFinished)
    return event


@pytest.mark.parametrize(
    ("status", "verdict", "kind", "pill"),
    [
        ("Completed", "passed", "verdict-passed", "Passed"),
        ("Completed", "failed", "verdict-failed", "Failed"),
        ("Failed", "inconclusive", "verdict-inconclusive", "Inconclusive"),
        ("Completed", None, "reaction-finished", "Completed"),
        ("Failed", None, "reaction-failed", "Failed"),
        ("Canceled", None, "job-canceled", "Canceled"),
    ],
)
def test_a_mail_looks_as_the_verdict_says(status: str, verdict: str | None, kind: str, pill: str) -> None:
    """A job that completed is no good news where its verdict is none."""
    notice = FAMILY.notice(replace(finished(runStatus=status), verdict=verdict, judged="f1 0.8"))
    assert (notice.kind, notice.status) == (kind, pill)
    assert (f"Verdict: {verdict} (f1 0.8)." in notice.cause) == (verdict is not None)


def test_what_the_end_of_a_job_tells() -> None:
    """The reaction, the outcome, what it was for, and how long after."""
    event = finished()
    assert (event.reaction, event.outcome, event.subject, event.label) == (
        "offline-test",
        "completed",
        "churn",
        "churn:7",
    )
    assert (event.cause, event.identity) == ("model-registered|churn:7", "offline-test-churn-7-c3059505f1b2")
    assert event.elapsed == timedelta(minutes=12, microseconds=368769)
    assert event.installation == "test"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"runStatus": "Running"}, "a run that is not over"),
        ({"runStatus": "CancelRequested"}, "a run that is not over"),
        ({"runProperties": None}, "not started by a reaction"),
        ({"runProperties": {"reactor_reaction": "x", "reactor_operation": "short"}}, "not started by a reaction"),
        ({"runId": "offline-test-churn-7-copied"}, "a copy of a reaction's job"),
        ({"runId": "copy-c3059505f1b2"}, "a copy of a reaction's job"),
        ({"reactor_installation": ""}, "started by a release that did not tell its installation"),
        ({"reactor_reaction": "Not A Name"}, "not started by a reaction"),
    ],
)
def test_what_is_no_end_of_a_reaction(change: dict[str, Any], reason: str) -> None:
    """Not over, somebody's own, a copy with all its properties, or of a release before."""
    properties = {**sample("reaction-finished")["data"]["runProperties"]}
    properties |= {name: value for name, value in change.items() if name.startswith("reactor_")}
    told = {"runProperties": properties, **{name: value for name, value in change.items() if name.startswith("run")}}
    answer = recognise(parse(altered("reaction-finished", **told)))
    assert isinstance(answer, NotOurs)
    assert answer.reason == reason


def test_a_job_of_another_installation_is_left_to_it() -> None:
    """Two installations may share a workspace: each hears of its own jobs alone."""
    properties = {**sample("reaction-finished")["data"]["runProperties"], "reactor_installation": "other"}
    service = FakeService(reactions=rules(CHAIN))
    service.deliver(altered("reaction-finished", runProperties=properties))
    assert (service.rows(), service.jobs.puts) == ({}, [])


@pytest.mark.parametrize("time", ["", "soon", "2026-11-24T09:30:00Z"])
def test_times_that_do_not_tell(time: str) -> None:
    """No time, no time at all, or an end before its beginning: then nobody says how long."""
    properties = {**sample("reaction-finished")["data"]["runProperties"], "reactor_event_time": time}
    assert finished(runProperties=properties).elapsed is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (720, "12 min"), (3600, "1 h"), (11_100, "3 h 5 min")]
)
def test_how_long_it_took(seconds: int, words: str) -> None:
    """As people say it."""
    assert in_words(timedelta(seconds=seconds)) == words


def test_what_follows_from_a_job_that_completed() -> None:
    """A further job with the model that it all began with, named after it, in the model's partition."""
    service = FakeService(reactions=rules(CHAIN))
    service.deliver(sample("model-registered"))
    (test,) = service.jobs.jobs
    service.deliver(ended(service.jobs, test))
    _, promote = service.jobs.jobs
    action, properties = service.jobs.jobs[promote]
    assert promote.startswith("promote-churn-7-")
    assert action.inputs == {"model": "azureml:churn:7"}
    assert (properties["reactor_model"], properties["reactor_subject"]) == ("churn:7", "churn")
    assert (properties["reactor_chain"], properties["reactor_depth"]) == ("offline-test,promote", "2")
    assert properties["reactor_root_event"] == sample("model-registered")["id"]
    assert len({row.partition for row in service.store.rows}) == 1
    assert service.mail.posts == []


@pytest.mark.parametrize(("outcome", "words"), [("Failed", "failed"), ("Canceled", "was canceled")])
def test_who_hears_of_a_job_that_did_not(outcome: str, words: str) -> None:
    """By a rule; the mail says which reaction, for what and after how long."""
    service = FakeService(reactions=rules(CHAIN))
    service.deliver(sample("model-registered"))
    (test,) = service.jobs.jobs
    service.deliver(ended(service.jobs, test, outcome))
    (mail,) = service.mail.mails.values()
    assert mail.notice.headline == f"offline-test {words}: churn:7"
    assert mail.notice.cause == f"The job that offline-test started for churn:7 {words}, 12 min after the event."
    assert list(service.jobs.jobs) == [test]


def test_nothing_depends_on_the_order() -> None:
    """Each told again, in any order: one job of each reaction, whatever."""
    first = FakeService(reactions=rules(CHAIN))
    first.deliver(sample("model-registered"))
    (test,) = first.jobs.jobs
    start, end = sample("model-registered"), ended(first.jobs, test)
    for order in sorted(set(itertools.permutations(["start", "start", "end", "end"]))):
        service = FakeService(reactions=rules(CHAIN))
        service.deliver(start)
        for name in order:
            service.deliver(start if name == "start" else end)
        names = sorted(name.rpartition("-")[0] for name in service.jobs.jobs)
        assert names == ["offline-test-churn-7", "promote-churn-7"]


@pytest.mark.parametrize(
    "change",
    [
        {"reactor_identity": "model-registered|churn:8"},
        {"reactor_subject": "fraud"},
        {"reactor_generation": "1"},
        {"reactor_operation": "0" * 64},
    ],
    ids=["another event", "another subject", "another repetition", "another operation"],
)
def test_an_end_without_a_start_on_record(change: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    """Whoever may submit runs can name one as we do, with properties as we write them: nothing follows, and why."""
    service = FakeService(reactions=rules(CHAIN))
    service.deliver(sample("model-registered"))
    (test,) = service.jobs.jobs
    end = ended(service.jobs, test)
    properties = {**end["data"]["runProperties"], **change}
    run = test[:-12] + properties["reactor_operation"][:12]
    rows = service.rows()
    with caplog.at_level("INFO"):
        service.deliver({**end, "data": {**end["data"], "runId": run, "runProperties": properties}})
    assert (list(service.jobs.jobs), service.rows()) == ([test], rows)
    assert "no start of the job by offline-test is on record" in caplog.text


def test_the_end_of_a_job_that_was_repeated_by_hand() -> None:
    """Its start stands in a row of its own, which the job names."""
    service = FakeService(reactions=rules(CHAIN))
    service.deliver(sample("model-registered"))
    service.deliver_text(msgspec.json.encode({"event": sample("model-registered"), "generation": 1}))
    for job in list(service.jobs.jobs):
        service.deliver(ended(service.jobs, job))
    names = [name.rpartition("-")[0] for name in service.jobs.jobs]
    assert names == ["offline-test-churn-7"] * 2 + ["promote-churn-7"] * 2


def test_the_end_is_told_before_the_answer_to_the_start() -> None:
    """The job is there, its answer is lost, and it ends: its own settling comes later, and changes nothing."""
    service = FakeService(reactions=rules(CHAIN))
    service.jobs.script = [Deferred(reason="lost", after=timedelta(seconds=10))]
    service.deliver(sample("model-registered"))
    donor = FakeService(reactions=rules(CHAIN))
    donor.deliver(sample("model-registered"))
    (test,) = donor.jobs.jobs
    service.jobs.jobs |= donor.jobs.jobs
    service.deliver(ended(donor.jobs, test))
    service.run_queue()
    assert sorted(service.jobs.jobs) == sorted({test, *(job for job in service.jobs.jobs if "promote" in job)})
    assert len(service.jobs.jobs) == 2
    assert service.letters.blobs == {}


def test_a_reaction_to_itself_ends() -> None:
    """The chain is on each job, so the loop guard counts it without a look at Azure ML; Ops are told once."""
    service = FakeService(reactions=rules(CIRCLE))
    service.deliver(sample("model-registered"))
    for job in _followed(service):
        service.deliver(ended(service.jobs, job))
    assert [job.partition("-churn")[0] for job in service.jobs.jobs] == ["start", "again", "again", "again"]
    assert service.lineages.asked == []
    (mail,) = service.mail.mails.values()
    assert "loop: again acted 3 times in this chain" in mail.notice.cause


def test_a_budget_holds_through_the_chain() -> None:
    """What follows is counted for the model that it all began with."""
    budget = "    guards: { budget: { runs: 1, per: 1d } }\n"
    text = CHAIN.replace("    when: { reaction: offline", f"{budget}    when: {{ reaction: offline")
    service = FakeService(reactions=rules(text))
    for version in ("7", "8"):
        service.deliver(altered("model-registered", modelVersion=version))
    for job in list(service.jobs.jobs):
        service.deliver(ended(service.jobs, job))
    assert [job.rpartition("-")[0] for job in service.jobs.jobs if job.startswith("promote")] == ["promote-churn-7"]


def test_push_takes_it_in_by_the_function_of_failures() -> None:
    """One message, though two families want a failure of a reaction's job."""
    (pushed,) = (family for family in handlers.PUSHED if family.function == "pipeline_failure")
    for status, messages in (("Completed", 1), ("Failed", 1), ("Running", 0)):
        service = FakeService()
        handlers.take_in(pushed, altered("reaction-finished", runStatus=status), service)
        assert len(service.queue.sent) == messages, status


@pytest.mark.parametrize("family", handlers.HANDLERS, ids=lambda family: family.name)
def test_families_of_one_function_want_the_same_events(family: Any) -> None:
    """The subscription of the function is that of its first family."""
    (pushed,) = (one for one in handlers.PUSHED if one.function == family.function)
    assert pushed.event_types == family.event_types


def shown(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """Have the commands work on the table of this service."""

    @contextmanager
    def connected(_storage: object) -> Iterator[State]:
        yield state(service)

    monkeypatch.setattr("ops.dead_letters.connected", connected)
    return service


@pytest.fixture
def chained(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """A model was tested and promoted; the commands work on the table of that."""
    service = FakeService(reactions=rules(CHAIN))
    service.deliver(sample("model-registered"))
    (test,) = service.jobs.jobs
    service.deliver(ended(service.jobs, test))
    return shown(service, monkeypatch)


def run(*words: str) -> Said:
    """Run a command on it."""
    return ops(*words, StateStorage="UseDevelopmentStorage=true")


def test_why_tells_how_the_job_ended(chained: FakeService) -> None:
    """Under the decision that started it."""
    test, promote = chained.jobs.jobs
    said = run("why", "churn:7")
    assert "ended      completed 12 min after the event, at 2026-11-24 09:12:00 UTC\n" in said.out
    document = run("why", "churn:7", "--json").document
    ((reaction,),) = (event["reactions"] for event in document["events"])
    assert reaction["effect"] == test
    assert (reaction["ended"]["outcome"], reaction["ended"]["seconds"]) == ("completed", 720)
    assert promote not in said.out


def test_why_tells_of_a_job_what_it_was_for_and_what_followed(chained: FakeService) -> None:
    """The end with its reactions, and after it the event that the job was started for."""
    test, promote = chained.jobs.jobs
    said = run("why", test)
    head, *rest = said.out.splitlines()
    assert head == "churn:7 · reaction-finished · mlw-churn · 2026-11-24 09:12:00 UTC"
    assert "  ended      completed 12 min after the event" in rest
    assert "  after      offline-test, for model-registered churn:7" in rest
    assert any("admitted   promote: every condition holds" in line for line in rest)
    assert any(promote in line for line in rest)
    assert [line.strip() for line in rest if "ended  " in line] == [
        "ended      completed 12 min after the event",
        "ended      completed 12 min after the event, at 2026-11-24 09:12:00 UTC",
    ], "the job that followed is not over"
    assert "churn:7 · model-registered · mlw-churn · 2026-11-24 09:00:00 UTC" in rest
    end, cause = run("why", test, "--json").document["events"]
    assert (end["reaction"], end["outcome"], end["cause"]) == ("offline-test", "completed", "model-registered|churn:7")
    assert end["cause_row"] == cause["row"]


def test_history_tells_the_chain(chained: FakeService) -> None:
    """Each job with how it ended, each end with its reaction."""
    test, promote = chained.jobs.jobs
    assert run("history").out.splitlines() == [
        "2026-11-24 09:12  churn:7  reaction-finished  mlw-churn  offline-test completed 12 min after the event",
        "                  mail-losers  unmatched  outcome: wanted 'failed' or 'canceled', is 'completed'",
        f"                  promote  done job  {promote}",
        "2026-11-24 09:00  churn:7  model-registered  mlw-churn",
        f"                  offline-test  done job  {test}: completed 12 min after the event",
    ]
    families = [event["family"] for event in run("history", "--reaction", "offline-test", "--json").document["events"]]
    assert families == ["reaction-finished", "model-registered"]


def test_the_verdict_is_part_of_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the model, of the job, and in the history."""
    judged = CHAIN.replace('model }}" } }', 'model }}" }, verdict: { metric: accuracy, at_least: 0.9 } }', 1)
    service = shown(FakeService(reactions=rules(judged)), monkeypatch)
    service.deliver(sample("model-registered"))
    (test,) = service.jobs.jobs
    service.measurements.known[test, ""] = Measured(metrics={"accuracy": 0.93})
    service.deliver(ended(service.jobs, test))
    assert "completed 12 min after the event, verdict passed, at 2026-11-24 09:12:00 UTC" in run("why", "churn:7").out
    end, cause = run("why", test, "--json").document["events"]
    assert (end["verdict"], cause["reactions"][0]["ended"]["verdict"]) == ("passed", "passed")
    told = run("history").out.splitlines()
    assert told[0].endswith("offline-test completed 12 min after the event, verdict passed")
    assert told[-1].endswith(f"{test}: completed 12 min after the event, verdict passed")
    assert "                  offline-test.verdict  done verdict  passed" in told


def test_an_end_whose_beginning_was_purged(chained: FakeService) -> None:
    """It still says what it was for, and that this is not on record."""
    test, _promote = chained.jobs.jobs
    (begun,) = (row for row in chained.store.rows if row.values.get("family") == "model-registered")
    assert chained.store.delete(begun)
    said = run("why", test)
    assert "after      offline-test, for model-registered churn:7, which is not on record here" in said.out


def _followed(service: FakeService) -> Iterator[str]:
    """Yield each job, also those that start meanwhile; a story that does not end is cut off."""
    for number in range(20):
        if number >= len(service.jobs.jobs):
            return
        yield list(service.jobs.jobs)[number]
    raise AssertionError("it goes round and round")
