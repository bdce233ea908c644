"""Verdicts: given once, with their numbers, closed to whatever is no number; and what rules make of them."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions import Deferred
from shared.errors import ConfigurationError
from shared.ledger import Ledger
from shared.verdicts import Measured, Yardstick, judge
from tests.fakes.events import ended, sample
from tests.fakes.service import FakeService, rules
from tests.unit.test_guarded import pause, resume

RULES = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - name: offline-test
    on: model-registered
    run:
      job: pipelines/offline-test.yml
      verdict: { metric: accuracy, at_least: 0.9, step: judge }
  - name: promote
    on: reaction-finished
    when: { verdict: passed }
    run: { job: pipelines/needs-a-model.yml, inputs: { model: "${{ event.model }}" } }
  - name: mail-data-science
    on: reaction-finished
    when: { verdict: [failed, inconclusive] }
    mail: { to: ops }
  - { name: mail-all, on: reaction-finished, when: { reaction: offline-test }, mail: { to: ops } }
"""
ACCURACY = Yardstick(metric="accuracy", at_least=0.9)


@pytest.mark.parametrize(
    ("yardstick", "measured", "word", "why"),
    [
        (ACCURACY, Measured(metrics={"accuracy": 0.9}), "passed", "accuracy 0.9, wanted at least 0.9"),
        (ACCURACY, Measured(metrics={"accuracy": 1}), "passed", "accuracy 1, wanted at least 0.9"),
        (ACCURACY, Measured(metrics={"accuracy": 0.8999}), "failed", "accuracy 0.8999, wanted at least 0.9"),
        (ACCURACY, Measured(metrics={"Accuracy": 0.99}), "inconclusive", "the metric accuracy is missing"),
        (ACCURACY, Measured(), "inconclusive", "the metric accuracy is missing"),
        (ACCURACY, Measured(metrics={"accuracy": "NaN"}), "inconclusive", "accuracy is 'NaN', which is no number"),
        (ACCURACY, Measured(metrics={"accuracy": "0.95"}), "inconclusive", "accuracy is '0.95', which is no number"),
        (ACCURACY, Measured(metrics={"accuracy": True}), "inconclusive", "accuracy is 'True', which is no number"),
        (ACCURACY, Measured(metrics={"accuracy": None}), "inconclusive", "accuracy is 'None', which is no number"),
        (ACCURACY, Measured(metrics={"accuracy": float("inf")}), "inconclusive", "accuracy is 'inf', which is no"),
        (ACCURACY, Measured(metrics={"accuracy": 10**400}), "inconclusive", "which is no number"),
        (ACCURACY, None, "inconclusive", "the job is gone"),
        (
            Yardstick(metric="a", below=1, step="judge"),
            None,
            "inconclusive",
            "there is no step 'judge', or the job is gone",
        ),
        (Yardstick(metric="rmse", below=2), Measured(metrics={"rmse": 2.0}), "failed", "rmse 2, wanted below 2"),
        (Yardstick(metric="rmse", at_most=2), Measured(metrics={"rmse": 2.0}), "passed", "rmse 2, wanted at most 2"),
        (Yardstick(metric="a", above=1, below=2), Measured(metrics={"a": 1.0}), "failed", "wanted above 1 and below 2"),
        (Yardstick(tag="verdict"), Measured(tags={"verdict": " Passed "}), "passed", "the tag verdict says so"),
        (Yardstick(tag="verdict"), Measured(tags={"verdict": "failed"}), "failed", "the tag verdict says so"),
        (Yardstick(tag="verdict"), Measured(tags={"verdict": "ok"}), "inconclusive", "neither 'passed' nor 'failed'"),
        (Yardstick(tag="verdict"), Measured(), "inconclusive", "the tag verdict is missing"),
    ],
)
def test_a_verdict(yardstick: Yardstick, measured: Measured | None, word: str, why: str) -> None:
    """With its numbers; what is missing or no number is inconclusive."""
    judgement = judge(yardstick, measured)
    assert judgement.word == word
    assert why in judgement.why
    assert ("gone" in why) <= (judgement.why == why)


@given(st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.integers(), st.lists(st.floats())))
def test_nothing_but_a_finite_number_beyond_the_bound_passes(value: Any) -> None:
    """Whatever stands there."""
    word = judge(ACCURACY, Measured(metrics={"accuracy": value})).word
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    assert (word == "passed") <= (number and value >= 0.9)


def after_test(accuracy: object = 0.93, *, outcome: str = "Completed") -> tuple[FakeService, dict[str, Any]]:
    """Return a service whose test has measured that, and the event of its end, which is not told yet."""
    service = FakeService(reactions=rules(RULES))
    service.deliver(sample("model-registered"))
    (job,) = service.jobs.jobs
    service.measurements.known[job, "judge"] = Measured(metrics={"accuracy": accuracy})
    return service, ended(service.jobs, job, outcome)


def record(service: FakeService, column: str = "v_offline_test") -> dict[str, Any]:
    """Return what is on record of the verdict."""
    (row,) = (row for row in service.store.rows if row.values.get("family") == "reaction-finished")
    told: dict[str, Any] = json.loads(str(row.values[column]))
    return told


def mailed(service: FakeService) -> list[str]:
    """Return which reactions have mailed."""
    return sorted(mail.notice.reaction for mail in service.mail.mails.values())


def test_passed() -> None:
    """On record with its numbers; the rule that waits for it acts, and the others say what they met."""
    service, end = after_test()
    service.deliver(end)
    assert record(service)["outcome"] == {
        "type": "done",
        "receipt": "passed",
        "note": "accuracy 0.93, wanted at least 0.9",
    }
    assert [job.partition("-churn")[0] for job in service.jobs.jobs] == ["offline-test", "promote"]
    assert mailed(service) == ["mail-all"]
    (mail,) = service.mail.mails.values()
    assert mail.notice.headline == "offline-test passed: churn:7"
    assert "Verdict: passed (accuracy 0.93, wanted at least 0.9)." in mail.notice.cause
    assert "wanted 'failed' or 'inconclusive', is 'passed'" in record(service, "r_mail_data_science")["reason"]


@pytest.mark.parametrize(
    ("accuracy", "word"), [(0.89, "failed"), ("NaN", "inconclusive"), ("0.99", "inconclusive"), (None, "inconclusive")]
)
def test_not_passed(accuracy: object, word: str) -> None:
    """Data science is mailed, nothing is promoted."""
    service, end = after_test(accuracy)
    service.deliver(end)
    assert record(service)["outcome"]["receipt"] == word
    assert len(service.jobs.jobs) == 1
    assert mailed(service) == ["mail-all", "mail-data-science"]


@pytest.mark.parametrize(("outcome", "why"), [("Failed", "the job failed"), ("Canceled", "the job was canceled")])
def test_a_job_that_did_not_complete_is_inconclusive(outcome: str, why: str) -> None:
    """Whatever it had measured before; nothing is read."""
    service, end = after_test(0.99, outcome=outcome)
    service.deliver(end)
    assert (record(service)["outcome"]["receipt"], record(service)["outcome"]["note"]) == ("inconclusive", why)
    assert service.measurements.asked == []


def test_a_job_that_is_gone() -> None:
    """Or never had that step."""
    service, end = after_test()
    service.measurements.known.clear()
    service.deliver(end)
    assert record(service)["outcome"]["note"] == "there is no step 'judge', or the job is gone"


def test_told_again_and_again() -> None:
    """Read once, one effect each, in any number of deliveries."""
    service, end = after_test()
    for number in range(3):
        service.deliver({**end, "id": f"again-{number}"})
    assert len(service.measurements.asked) == 1
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])


def test_requests_to_storage_are_counted() -> None:
    """As docs/architecture.md tells: of an end that nothing is made of, and of one that is judged and tagged."""
    plain = FakeService()
    plain.deliver(sample("model-registered"))
    (job,) = plain.jobs.jobs
    plain.store.calls.clear()
    plain.deliver(ended(plain.jobs, job))
    assert plain.store.calls == ["query", "insert"] * 2
    service, end = after_test()
    service.reactions = rules(RULES[: RULES.index("  - name: promote")])
    service.store.calls.clear()
    service.deliver(end)
    assert len(service.store.calls) == 9
    service.run_queue()
    assert len(service.store.calls) == 9 + 6


def test_what_follows_waits_for_the_verdict() -> None:
    """While Azure ML does not answer nobody is told anything; then all of it comes."""
    service, end = after_test()
    service.measurements.script = [Deferred(reason="verdict-unread: later", after=timedelta(seconds=30))] * 2
    service.deliver(end)
    assert (len(service.jobs.jobs), mailed(service), record(service).get("outcome")) == (1, [], None)
    service.run_queue()
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])
    assert service.letters.blobs == {}


def test_what_follows_may_wait_too() -> None:
    """A job that is throttled after the verdict comes later, once."""
    service, end = after_test()
    service.jobs.script = [Deferred(reason="throttled", after=timedelta(seconds=30))]
    service.deliver(end)
    service.run_queue()
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])
    assert len(service.measurements.asked) == 1
    assert service.letters.blobs == {}


def refused() -> tuple[FakeService, dict[str, Any]]:
    """Return a service whose verdict cannot be read for lack of a role, and is a dead letter in the end."""
    service, end = after_test()
    unread = Deferred(reason="verdict-unread: forbidden", after=timedelta(minutes=5), limit=timedelta(minutes=30))
    service.measurements.script = [unread] * 8
    service.deliver(end)
    service.run_queue()
    return service, end


def test_a_verdict_that_cannot_be_read_is_none() -> None:
    """A dead letter; rules about verdicts say that it is absent, the others act."""
    service, _end = refused()
    assert record(service)["outcome"]["type"] == "failed"
    (letter,) = service.letters.blobs.values()
    assert b"verdict-unread: forbidden" in letter
    assert (len(service.jobs.jobs), mailed(service)) == (1, ["mail-all"])
    assert record(service, "r_promote")["reason"] == "verdict: wanted 'passed', is absent"


def test_a_verdict_that_is_replayed() -> None:
    """It is given, and the rules that had none act on it; the others do not act again."""
    service, end = refused()
    service.measurements.script = []
    letter = json.loads(next(iter(service.letters.blobs.values())))[0]
    message = msgspec.json.encode({"event": end, "reopen": letter["reactorFailure"]})
    service.deliver_text(message)
    service.run_queue()
    assert record(service)["outcome"]["receipt"] == "passed"
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])


def test_a_paused_reaction_is_judged_later() -> None:
    """Nobody is told before; after the pause all of it comes."""
    service, end = after_test()
    pause(service, "offline-test")
    service.deliver(end)
    assert (service.measurements.asked, mailed(service)) == ([], [])
    assert "paused by ann" in record(service)["reason"]
    resume(service, "offline-test")
    service.run_queue()
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])


def test_a_verdict_that_is_dropped_holds_up_nothing() -> None:
    """Of a pause that drops: the rules that want none act, the others say that it is absent."""
    service, end = after_test()
    pause(service, "offline-test", drop=True)
    for number in range(2):
        service.deliver({**end, "id": f"told-{number}"})
        service.run_queue()
    assert (record(service)["decision"], service.measurements.asked) == ("skipped", [])
    assert (len(service.jobs.jobs), mailed(service)) == (1, ["mail-all"])
    assert record(service, "r_promote")["reason"] == "verdict: wanted 'passed', is absent"


def test_a_dry_run_has_no_verdict() -> None:
    """Nothing is read, of a job that was started before."""
    begun, end = after_test()
    service = FakeService(reactions=rules(RULES), dry_run=True)
    service.store = begun.store
    service.ledger = Ledger(begun.store, installation="test", dry_run=True)
    service.deliver(end)
    assert (service.measurements.asked, service.mail.posts) == ([], [])
    assert record(service, "r_promote")["reason"] == "verdict: wanted 'passed', is absent"


def test_a_verdict_that_the_job_claims_is_not_believed() -> None:
    """Whoever writes a property of the name cannot let a model through."""
    service, end = after_test(0.1)
    for told in (end, {**end, "id": "again"}):
        told["data"]["runProperties"]["reactor_verdict"] = "passed"
        service.deliver(told)
    assert len(service.jobs.jobs) == 1
    text = RULES.replace("      verdict: { metric: accuracy, at_least: 0.9, step: judge }\n", "")
    plain = FakeService(reactions=rules(text))
    plain.deliver(sample("model-registered"))
    (job,) = plain.jobs.jobs
    end = ended(plain.jobs, job)
    end["data"]["runProperties"]["reactor_verdict"] = "passed"
    plain.deliver(end)
    assert (list(plain.jobs.jobs), mailed(plain)) == ([job], ["mail-all"])


def test_a_rule_that_is_gone_or_asks_for_none_any_more() -> None:
    """The end is told without a verdict."""
    service, end = after_test()
    service.reactions = rules(RULES[: RULES.index("      verdict")] + RULES[RULES.index("  - name: promote") :])
    service.deliver(end)
    assert mailed(service) == ["mail-all"]


@pytest.mark.parametrize(
    ("verdict", "problem"),
    [
        ("{}", "a verdict has either a `metric` or a `tag`"),
        ("{ metric: a, tag: b, above: 1 }", "a verdict has either a `metric` or a `tag`"),
        ("{ metric: a }", "say what is good enough: `above`, `at_least`, `below` or `at_most`"),
        ("{ tag: b, above: 1 }", "a tag has no bounds; it is `passed` or `failed`"),
        ("{ metric: a, above: 2, below: 1 }", "no number is above 2 and below 1"),
        ("{ metrik: a, above: 2 }", "unknown key 'metrik'; did you mean 'metric'?"),
    ],
)
def test_what_nobody_can_mean(verdict: str, problem: str) -> None:
    """Is a mistake of the file, with its line."""
    text = RULES.replace("{ metric: accuracy, at_least: 0.9, step: judge }", verdict)
    with pytest.raises(ConfigurationError) as found:
        rules(text)
    told = problem if problem.startswith("unknown") else f"`verdict`: {problem}"
    assert f"reactions.yaml:8: {told}" in found.value.problems
