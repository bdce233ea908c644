"""Verdicts as tags of the model: which, when, where not, and what becomes of a model or a workspace that refuses."""

import json
from datetime import timedelta

import msgspec
import pytest

from shared.actions import Deferred, Done, Failed, Outcome, WriteTags
from shared.errors import DeadlineError
from shared.verdicts import Measured
from tests.fakes.events import altered, ended, sample
from tests.fakes.gateways import FakeModelTags
from tests.fakes.service import WORKSPACE, FakeService, rules
from tests.unit.test_verdicts import RULES, after_test, mailed, record


def test_the_verdict_is_on_the_model() -> None:
    """The word, the job, when it ended and by which rule; read back, and then it counts."""
    service, end = after_test()
    service.deliver(end)
    (rule, *_) = service.reactions.rules
    (job, _promote) = service.jobs.jobs
    assert service.model_tags.tags == {
        "churn:7": {
            "offline_test": "passed",
            "offline_test_job": job,
            "offline_test_at": "2026-11-24T09:12:00.410000Z",
            "offline_test_rule": rule.digest,
        }
    }
    assert record(service, "t_offline_test").get("outcome") is None
    service.run_queue()
    assert record(service, "t_offline_test")["outcome"] == {"type": "done", "receipt": "churn:7", "note": "read back"}
    assert record(service, "t_offline_test")["reason"] == "the verdict is passed"
    assert [repeated for _action, repeated in service.model_tags.writes] == [False, True]
    assert mailed(service) == ["mail-all"]


@pytest.mark.parametrize(("accuracy", "word"), [(0.1, "failed"), ("NaN", "inconclusive")])
def test_every_verdict_is(accuracy: object, word: str) -> None:
    """Not only the good ones."""
    service, end = after_test(accuracy)
    service.deliver(end)
    assert service.model_tags.tags["churn:7"]["offline_test"] == word


@pytest.mark.parametrize("spared", ["mlw-churn", WORKSPACE.casefold()])
def test_a_read_only_workspace(spared: str) -> None:
    """Nothing is written; the decision says why, and all else follows."""
    service, end = after_test()
    service.read_only = frozenset({spared})
    service.deliver(end)
    assert service.model_tags.writes == []
    told = record(service, "t_offline_test")
    assert (told["decision"], "READ_ONLY_WORKSPACES" in told["reason"]) == ("unmatched", True)
    assert len(service.jobs.jobs) == 2


def test_a_rule_that_wants_none() -> None:
    """Leaves no trace of it."""
    service, end = after_test()
    service.reactions = rules(RULES.replace("step: judge }", "step: judge, write_tags: false }"))
    service.deliver(end)
    assert (service.model_tags.writes, "t_offline_test" in str(service.rows())) == ([], False)


def test_a_job_without_a_model() -> None:
    """Drift has none to write on."""
    service = FakeService(reactions=rules(RULES.replace("on: model-registered", "on: data-drift")))
    service.deliver(sample("monitor-breach"))
    (job,) = service.jobs.jobs
    service.measurements.known[job, "judge"] = Measured(metrics={"accuracy": 0.99})
    service.deliver(ended(service.jobs, job))
    assert record(service)["outcome"]["receipt"] == "passed"
    assert service.model_tags.writes == []


def test_a_refusal_is_a_dead_letter_and_holds_up_nothing() -> None:
    """As that of any action; the verdict stands."""
    service, end = after_test()
    forbidden = Deferred("forbidden: no role", timedelta(minutes=5), timedelta(minutes=30))
    service.model_tags.script = [forbidden] * 8
    service.deliver(end)
    assert len(service.jobs.jobs) == 2
    service.run_queue()
    assert record(service, "t_offline_test")["outcome"]["type"] == "failed"
    assert len(service.letters.blobs) == 1
    assert record(service)["outcome"]["receipt"] == "passed"


def test_a_refusal_that_is_replayed() -> None:
    """The tags are written; nothing else is done again."""
    service, end = after_test()
    service.model_tags.script = [Failed("tags-refused 400")]
    service.deliver(end)
    letter = json.loads(next(iter(service.letters.blobs.values())))[0]
    assert letter["reactorFailure"] == "offline-test.tags#1"
    service.deliver_text(msgspec.json.encode({"event": end, "reopen": letter["reactorFailure"]}))
    service.run_queue()
    assert record(service, "t_offline_test")["outcome"] == {"type": "done", "receipt": "churn:7", "note": "read back"}
    assert (len(service.jobs.jobs), mailed(service), len(service.measurements.asked)) == (2, ["mail-all"], 1)


def test_a_model_that_is_gone_is_no_failure() -> None:
    """It is noted."""
    service, end = after_test()
    service.model_tags.script = [Done("churn:7", "the model version is gone")]
    service.deliver(end)
    service.run_queue()
    assert (service.letters.blobs, record(service, "t_offline_test")["outcome"]["type"]) == ({}, "done")


def test_a_delivery_that_was_killed_has_not_waited() -> None:
    """What it may have written a moment ago counts no sooner than any other."""
    service, end = after_test()
    service.model_tags = killed = KilledOnce()
    with pytest.raises(DeadlineError):
        service.deliver(end)
    service.deliver(end)
    service.run_queue()
    assert [repeated for _action, repeated in killed.writes] == [False, False, True]


class KilledOnce(FakeModelTags):
    """Writes, and the run ends before it knows."""

    def write(self, action: WriteTags, *, repeated: bool) -> Outcome:
        """See shared.gateways.ModelTags."""
        outcome = super().write(action, repeated=repeated)
        if len(self.writes) == 1:
            raise DeadlineError
        return outcome


def test_told_again_while_it_is_read_back() -> None:
    """The copy that waits goes on; nothing is written or started twice."""
    service, end = after_test()
    service.deliver(end)
    service.deliver({**end, "id": "again"})
    service.deliver(altered("reaction-finished", **{**end["data"], "runStatus": "Completed"}))
    service.run_queue()
    assert len(service.model_tags.writes) == 2
    assert (len(service.jobs.jobs), mailed(service)) == (2, ["mail-all"])
