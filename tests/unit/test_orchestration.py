"""The single path, played on an in-memory store and edges that behave: what happens once, and what waits."""

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

import handlers
from handlers import model_registered
from shared.actions import Deferred, Failed, Outcome, SendMail
from shared.errors import ConfigurationError, StorageError
from shared.events import Envelope
from shared.messages import INLINE_BYTES, Message, decode, wrap
from shared.notices import Diagnosis
from shared.orchestration import Orchestration
from shared.reactions import Reactions
from shared.store import Conflict, Row, Written
from tests.fakes.events import altered, sample
from tests.fakes.gateways import FakeMail, FakeRuns
from tests.fakes.service import REACTIONS, FakeService, rules

TELL_US = "  - { name: tell-us, on: model-registered, mail: { to: ops } }\n"
LATER = Deferred(reason="http 503", after=timedelta(seconds=30))


def die() -> None:
    """Stop as a killed worker does."""
    raise StorageError


class DyingMail(FakeMail):
    """A worker that dies after its POST."""

    dies = True

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See FakeMail."""
        outcome = super().send(action, operation=operation, first_sent=first_sent)
        if self.dies:
            raise StorageError
        return outcome


def breach(signal: str, step: str) -> dict[str, Any]:
    """Return a completed breach of one signal by one step run."""
    tags = {"azureml_modelmonitor_threshold_breached": f"The signal '{signal}' has failed due to"}
    return altered("monitor-breach", event_id=step, runId=step, runTags=tags)


def offline_test_with(line: str) -> Reactions:
    """Return the rules with one more line in `offline-test`."""
    return rules(REACTIONS.replace("    on: model-registered\n", f"    on: model-registered\n    {line}\n"))


def test_a_registered_model_starts_one_job() -> None:
    """The job's name is derived and readable; it carries who started it and why."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    ((name, (action, properties)),) = service.jobs.jobs.items()
    assert name.startswith("offline-test-churn-7-")
    assert action.inputs == {"model": "azureml:churn:7"}
    assert properties["reactor_reaction"] == "offline-test"
    assert properties["reactor_event"] == properties["reactor_root_event"] == sample("model-registered")["id"]
    assert properties["reactor_depth"] == "1"


def test_the_same_fact_told_again_does_nothing() -> None:
    """Another schema, another id, another key case: one PUT in all."""
    service = FakeService()
    for event in (sample("model-registered"), sample("model-registered.cloudevents"), sample("model-registered")):
        service.deliver(event)
    assert len(service.jobs.puts) == 1


@pytest.mark.parametrize(
    ("event", "offline_test", "calls"),
    [
        ("model-registered", "when: { model: another }", ["insert"]),
        ("model-registered", "guards: none", ["insert", "merge"]),
        ("model-registered", "", ["query", "transaction", "merge"]),
        (
            "model-registered",
            "guards: { budget: { runs: 3, per: 7d, for: reaction } }",
            ["query", "query", "insert", "transaction", "merge"],
        ),
        ("pipeline-failed", "", ["query", "transaction", "merge", "query", "transaction"]),
    ],
    ids=["matches nothing", "job without guards", "job", "job with a budget of the reaction", "mail"],
)
def test_requests_to_storage_are_counted(event: str, offline_test: str, calls: list[str]) -> None:
    """What an event costs is part of the design: 1, 2, 3, and 5 for a first mail; the switches are read every 30 s."""
    service = FakeService(reactions=offline_test_with(offline_test))
    service.switches.paused("offline-test")
    assert service.store.calls == ["query"]
    service.store.calls.clear()
    service.deliver(sample(event))
    assert service.store.calls == calls


def test_what_does_not_match_says_which_condition() -> None:
    """The row names the first failing condition and its values."""
    service = FakeService(reactions=offline_test_with("when: { tags: { stage: champion } }"))
    service.deliver(sample("model-registered"))
    (row,) = service.rows().values()
    record = msgspec.json.decode(str(row["r_offline_test"]))
    assert record == {"decision": "unmatched", "reason": "tags.stage: wanted 'champion', is 'candidate'"}
    assert service.jobs.puts == []


def test_a_later_telling_may_match() -> None:
    """What did not match before is decided again when it is told with the tag."""
    service = FakeService(reactions=offline_test_with("when: { tags: { stage: champion } }"))
    service.deliver(sample("model-registered"))
    service.deliver(altered("model-registered", modelTags={"stage": "champion"}))
    assert len(service.jobs.puts) == 1


def test_several_signals_of_one_monitor_run_start_one_job() -> None:
    """The cooldown of drift holds for a monitor, and the second signal says so."""
    service = FakeService()
    service.deliver(breach("churn-monitor_data_drift", "step-1"))
    service.deliver(breach("churn-monitor_prediction_drift", "step-2"))
    assert len(service.jobs.puts) == 1
    decisions = [msgspec.json.decode(str(row["r_retrain"])) for row in service.rows().values() if "r_retrain" in row]
    assert {decision["decision"] for decision in decisions} == {"admitted", "skipped"}
    assert any(decision.get("reason", "").startswith("cooldown: acted at") for decision in decisions)
    service.clock.forward(hours=1)
    service.deliver(breach("churn-monitor_data_drift", "step-3"))
    assert len(service.jobs.puts) == 2


def test_a_guards_skip_is_final() -> None:
    """The same event after the cooldown is still skipped: it was decided."""
    service = FakeService()
    service.deliver(breach("churn-monitor_data_drift", "step-1"))
    service.deliver(breach("churn-monitor_prediction_drift", "step-2"))
    service.clock.forward(hours=5)
    service.deliver(breach("churn-monitor_prediction_drift", "step-2"))
    assert len(service.jobs.puts) == 1


def test_a_quality_signal_does_not_retrain() -> None:
    """`signal` defaults to drift of data and predictions."""
    service = FakeService()
    service.deliver(breach("churn-monitor_data_quality", "step-1"))
    assert service.jobs.puts == []


def test_the_daily_budget_of_a_run() -> None:
    """Ten versions of one model in a day are tested, the eleventh is not; another model is not concerned."""
    service = FakeService()
    for version in range(12):
        service.deliver(altered("model-registered", modelVersion=str(version)))
    service.deliver(altered("model-registered", modelName="another"))
    assert len(service.jobs.puts) == 11


def test_a_failed_pipeline_is_one_mail() -> None:
    """Step, nested pipeline and root: one mail about the root; again: none."""
    service = FakeService()
    for name in ("pipeline-failed.step", "pipeline-failed.nested", "pipeline-failed", "pipeline-failed"):
        service.deliver(sample(name))
    (mail,) = service.mail.mails.values()
    assert (mail.to, mail.notice.run, mail.notice.reaction) == (("ops@example.com",), "train-churn-0421", "mail-ops")
    assert len(service.mail.posts) == 1


def test_what_waits_comes_back_and_acts_once() -> None:
    """A 503 puts one copy back with the delay; it starts the job under the same name, and settles the row."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    ((_message, after),) = service.queue.sent
    assert after == timedelta(seconds=30)
    service.run_queue()
    assert len(service.jobs.jobs) == 1
    assert set(service.jobs.puts) == set(service.jobs.jobs)
    row = next(row for key, row in service.rows().items() if key.startswith("event|"))
    assert (row["wake"], row["trouble_since"]) == ("", "")


def test_duplicates_make_no_second_live_copy() -> None:
    """While a copy waits, other tellings neither act nor put copies back."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    for _ in range(20):
        service.deliver(sample("model-registered"))
    assert (len(service.queue.sent), len(service.jobs.puts)) == (1, 1)


def test_a_lost_wake_up_is_taken_over() -> None:
    """A copy that is overdue by 15 minutes, not a second less, is taken for lost: the next telling carries on."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    service.queue.sent.clear()
    service.clock.forward(minutes=15, seconds=29)
    service.deliver(sample("model-registered"))
    assert len(service.jobs.puts) == 1
    service.clock.forward(seconds=1)
    service.deliver(sample("model-registered"))
    assert len(service.jobs.jobs) == 1


def test_a_day_of_trouble_ends_as_a_dead_letter() -> None:
    """After 24 h without a success the event is kept for a person, with the last reason, and nothing waits."""
    service = FakeService()
    service.jobs.script = [Deferred(reason="http 503", after=timedelta(hours=1))] * 40
    service.deliver(sample("model-registered"))
    service.run_queue()
    (letter,) = service.letters.letters()
    assert letter["deadLetterReason"] == "trouble for 24 h without a success; last: http 503"
    assert letter["reactorFailure"] == "offline-test#1"
    assert letter["data"] == sample("model-registered")["data"]
    assert len(service.jobs.puts) == 25


def test_a_refused_action_is_dead_lettered_and_gives_its_budget_back() -> None:
    """What never happened suppresses nothing: the cooldown is free again."""
    service = FakeService()
    service.jobs.script = [Failed(reason="404 ComponentNotFound: register the component, then replay")]
    service.deliver(breach("churn-monitor_data_drift", "step-1"))
    (letter,) = service.letters.letters()
    assert str(letter["deadLetterReason"]).startswith("404 ComponentNotFound")
    service.deliver(breach("churn-monitor_data_drift", "step-2"))
    assert len(service.jobs.jobs) == 1


def test_a_replay_reopens_just_its_failure() -> None:
    """The number of the failure is named: a late duplicate reopens nothing, a replay does, once."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused")]
    service.deliver(sample("model-registered"))
    service.deliver(sample("model-registered"))
    assert len(service.jobs.puts) == 1
    replay = msgspec.structs.replace(wrap(sample("model-registered")), reopen="offline-test#1")
    service.deliver(replay)
    service.deliver(replay)
    assert (len(service.jobs.jobs), len(service.jobs.puts)) == (1, 2)


def test_a_new_generation_does_everything_once_more() -> None:
    """On purpose: another row, another name."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    service.deliver(msgspec.structs.replace(wrap(sample("model-registered")), generation=1))
    assert len(service.jobs.jobs) == 2


def test_killed_between_admission_and_effect() -> None:
    """The redelivery does not meet its own cooldown, and starts the job."""
    service = FakeService()
    service.jobs.before = die
    with pytest.raises(StorageError):
        service.deliver(breach("churn-monitor_data_drift", "step-1"))
    service.jobs.before = lambda: None
    service.deliver(breach("churn-monitor_data_drift", "step-1"))
    assert len(service.jobs.jobs) == 1


def test_killed_between_effect_and_settlement() -> None:
    """The redelivery PUTs the same name, is told that it exists, and counts that as done."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    (partition, key) = next((row.partition, row.key) for row in service.store.rows if row.key.startswith("event|"))
    unsettled = msgspec.json.decode(str(service.rows()[key]["r_offline_test"]))
    del unsettled["outcome"]
    row = service.store.query(partition, [key]).rows[0]
    values = {"r_offline_test": msgspec.json.encode(unsettled).decode()}
    service.store.merge(Row(partition=partition, key=key, values=values, etag=row.etag))
    service.deliver(sample("model-registered"))
    assert (len(service.jobs.puts), len(service.jobs.jobs)) == (2, 1)
    assert '"note":"exists"' in str(service.rows()[key]["r_offline_test"])
    assert service.jobs.reads == []


def test_a_foreign_job_of_our_name_is_a_failure() -> None:
    """On a first attempt a name that exists with another identity is nobody's success."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    other = FakeService()
    (name,) = service.jobs.jobs
    action, properties = service.jobs.jobs[name]
    other.jobs.jobs[name] = (action, {**properties, "reactor_operation": "another"})
    other.deliver(sample("model-registered"))
    assert other.letters.letters()[0]["deadLetterReason"] == "name taken"


def test_a_mail_whose_answer_was_lost_is_looked_up() -> None:
    """It was sent: no second POST, and the row says how we know."""
    service = FakeService()
    service.mail.script = [Deferred(reason="outcome unknown", after=timedelta(seconds=60))]
    service.deliver(sample("pipeline-failed"))
    service.run_queue()
    assert (len(service.mail.posts), len(service.mail.mails), len(service.mail.lookups)) == (1, 1, 1)


def test_a_mail_that_was_not_sent_is_sent_again_as_it_was() -> None:
    """Same Operation-Id, same content, although the rule has changed meanwhile."""
    service = FakeService()
    service.mail.delivers_lost_ones = False
    service.mail.script = [Deferred(reason="http 503", after=timedelta(seconds=60))]
    service.deliver(sample("pipeline-failed"))
    service.reactions = rules(REACTIONS.replace("mail: { to: ops }", "mail: { to: ops, runbook: 'https://runbook' }"))
    service.run_queue()
    assert len(service.mail.posts) == 2
    (mail,) = service.mail.mails.values()
    assert mail.notice.runbook == ""
    assert len(set(service.mail.posts)) == 1


DIAGNOSIS = Diagnosis(step="step-3", step_name="train", error="KeyError: 'tenure'")


def test_what_run_history_tells_is_read_once_and_kept() -> None:
    """Before the first send; a repeat says the same, whatever run history has come to say."""
    service = FakeService()
    service.run_history.known = DIAGNOSIS
    service.mail.delivers_lost_ones = False
    service.mail.script = [Deferred(reason="http 503", after=timedelta(seconds=60))]
    service.deliver(sample("pipeline-failed"))
    service.run_history.known = Diagnosis(step="another")
    service.run_queue()
    service.deliver(sample("pipeline-failed"))
    (mail,) = service.mail.mails.values()
    assert mail.notice.diagnosis == DIAGNOSIS
    assert (service.run_history.asked, len(service.mail.posts)) == (["train-churn-0421"], 2)


@pytest.mark.parametrize(
    ("told", "event"),
    [
        ("{ name: a, on: pipeline-failed, mail: { to: ops, details: none } }", "pipeline-failed"),
        ("{ name: a, on: data-drift, mail: { to: ops } }", "monitor-breach"),
        ("{ name: a, on: model-registered, mail: { to: ops } }", "model-registered"),
    ],
)
def test_nothing_is_read_where_nothing_is_told(told: str, event: str) -> None:
    """With `details: none`, and where nothing failed."""
    service = FakeService(reactions=rules(f"recipients: {{ ops: $OPS_EMAIL }}\nreactions: [{told}]"))
    service.run_history.known = DIAGNOSIS
    service.deliver(sample(event))
    (mail,) = service.mail.mails.values()
    assert (mail.notice.diagnosis, service.run_history.asked) == (None, [])


def test_a_dry_run_reads_nothing() -> None:
    """It sends nothing either."""
    service = FakeService(dry_run=True)
    service.deliver(sample("pipeline-failed"))
    assert service.run_history.asked == []


def test_a_worker_that_dies_while_it_reads_has_sent_nothing() -> None:
    """The next one reads, and sends."""

    class Dying(FakeRuns):
        def diagnose(self, workspace: str, run: str, *, experiment: str) -> Diagnosis:
            super().diagnose(workspace, run, experiment=experiment)
            if len(self.asked) == 1:
                raise StorageError
            return DIAGNOSIS

    service = FakeService(run_history=Dying())
    with pytest.raises(StorageError):
        service.deliver(sample("pipeline-failed"))
    service.deliver(sample("pipeline-failed"))
    (mail,) = service.mail.mails.values()
    assert (mail.notice.diagnosis, service.mail.lookups) == (DIAGNOSIS, [])


def test_a_mail_under_way_elsewhere_waits() -> None:
    """A delivery that finds a `sent_at` younger than a minute neither sends nor looks up; later it looks up."""
    mail = DyingMail()
    service = FakeService(mail=mail)
    with pytest.raises(StorageError):
        service.deliver(sample("pipeline-failed"))
    mail.dies = False
    service.deliver(sample("pipeline-failed"))
    assert (len(mail.posts), len(mail.lookups)) == (1, 0)
    service.run_queue()
    assert (len(mail.posts), len(mail.lookups), len(mail.mails)) == (1, 1, 1)


def test_two_deliveries_that_mail_at_once_send_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one loses the conditional write of `sent_at`, and waits."""
    mail = FakeMail()
    service = FakeService(mail=mail)
    original = service.store.merge

    def race(row: Row) -> Written | Conflict:
        monkeypatch.setattr(service.store, "merge", original)
        service.deliver(sample("pipeline-failed"))
        return original(row)

    monkeypatch.setattr(service.store, "merge", race)
    service.deliver(sample("pipeline-failed"))
    service.run_queue()
    assert len(mail.posts) == 1


def test_a_rule_that_is_gone_waits_for_a_roll_back() -> None:
    """An admitted reaction without its rule is a dead letter after 30 minutes, not at once."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    service.reactions = rules("reactions: []")
    delays: list[timedelta] = []
    while len(delays) < 7:
        message, after = service.queue.sent.pop(0)
        delays.append(after)
        service.clock.now += after
        assert service.letters.letters() == []
        service.deliver_text(message)
    (letter,) = service.letters.letters()
    assert str(letter["deadLetterReason"]).startswith("rule_gone")
    assert delays == [timedelta(seconds=30), *[timedelta(minutes=5)] * 6]
    assert service.queue.sent == []


def test_a_forbidden_action_waits_for_its_role() -> None:
    """A role propagates within half an hour of a deployment; after that the refusal is meant."""
    forbidden = Deferred(reason="forbidden", after=timedelta(minutes=5), limit=timedelta(minutes=30))
    service = FakeService()
    service.jobs.script = [forbidden] * 6
    service.deliver(sample("model-registered"))
    service.run_queue()
    assert (len(service.jobs.jobs), service.letters.letters()) == (1, [])
    service = FakeService()
    service.jobs.script = [forbidden] * 20
    service.deliver(sample("model-registered"))
    service.run_queue()
    (letter,) = service.letters.letters()
    assert letter["deadLetterReason"] == "forbidden; for 30 min: mend it and replay"
    assert len(service.jobs.puts) == 7


def test_a_rule_that_comes_back_acts() -> None:
    """The roll-back within 30 minutes finds the reaction still admitted."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    with_rule, service.reactions = service.reactions, rules("reactions: []")
    message, after = service.queue.sent.pop(0)
    service.clock.now += after
    handlers.dispatch(message, service)
    service.reactions = with_rule
    service.run_queue()
    assert (len(service.jobs.jobs), service.letters.letters()) == (1, [])


def test_a_rule_added_meanwhile_is_decided() -> None:
    """An event that is told again meets the new rule; what was done stays done."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    service.reactions = rules(REACTIONS + TELL_US)
    service.deliver(sample("model-registered"))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 1)


def test_one_reaction_waits_while_the_other_is_done() -> None:
    """Reactions on one event are independent of each other."""
    service = FakeService(reactions=rules(REACTIONS + TELL_US))
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    assert len(service.mail.mails) == 1
    service.run_queue()
    assert (len(service.jobs.jobs), len(service.mail.posts)) == (1, 1)


def test_each_reaction_waits_for_its_own_time() -> None:
    """One copy wakes the earliest; what was told to wait longer is not tried earlier."""
    service = FakeService(reactions=rules(REACTIONS + TELL_US))
    service.jobs.script = [Deferred(reason="http 429", after=timedelta(minutes=10))]
    service.mail.delivers_lost_ones = False
    service.mail.script = [Deferred(reason="http 503", after=timedelta(minutes=1))]
    started = service.clock.now
    times: list[timedelta] = []
    service.jobs.before = lambda: times.append(service.clock.now - started)
    service.deliver(sample("model-registered"))
    service.run_queue()
    assert times == [timedelta(), timedelta(minutes=10)]
    assert len(service.mail.mails) == 1


def test_what_is_admitted_beside_a_live_copy_is_not_left_behind() -> None:
    """A rule added while the copy is at work: its own deferral counts on a copy that is used up; one is put back."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    service.mail.script = [Deferred(reason="http 503", after=timedelta(minutes=2))]
    service.mail.delivers_lost_ones = False

    def meanwhile() -> None:
        service.jobs.before = lambda: None
        service.reactions = rules(REACTIONS + TELL_US)
        service.deliver(sample("model-registered"))

    service.jobs.before = meanwhile
    message, after = service.queue.sent.pop(0)
    service.clock.now += after
    service.deliver_text(message)
    row = next(row for key, row in service.rows().items() if key.startswith("event|"))
    ((copy, _after),) = service.queue.sent
    assert msgspec.json.decode(str(row["wake"]))["token"] == decode(copy)[0].token
    service.run_queue()
    assert (len(service.jobs.jobs), len(service.mail.mails)) == (1, 1)


def test_two_families_react_each_with_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that two families recognise is handled by both."""

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class ModelAudited(model_registered.ModelRegistered):
        family = "model-audited"

    def recognise(envelope: Envelope) -> ModelAudited:
        event = model_registered.recognise(envelope)
        assert isinstance(event, model_registered.ModelRegistered)
        return ModelAudited(envelope=envelope, model=event.model, version=event.version, tags={}, properties={})

    second = dataclasses.replace(model_registered.FAMILY, name="model-audited", recognise=recognise)
    monkeypatch.setattr(handlers, "HANDLERS", (model_registered.FAMILY, second))
    monkeypatch.setitem(handlers.VOCABULARIES, "model-audited", model_registered.FAMILY.vocabulary)
    audit = "  - { name: audit, on: model-audited, mail: { to: ops } }\n"
    service = FakeService(reactions=rules(REACTIONS + audit))
    service.deliver(sample("model-registered"))
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 1)
    assert len([key for key in service.rows() if key.startswith("event|")]) == 2


def test_a_foreign_workspace_is_skipped() -> None:
    """No row, no effect; in whatever case our own is told, it is ours."""
    service = FakeService()
    service.deliver(sample("foreign-workspace"))
    assert (service.store.calls, service.jobs.puts) == ([], [])
    event = sample("model-registered")
    service.deliver({**event, "topic": event["topic"].upper()})
    service.deliver(event)
    assert len(service.jobs.puts) == 1


def test_a_broken_event_is_kept_and_acked() -> None:
    """Raw bytes and the reason, named by content: twice is one letter."""
    service = FakeService()
    for _ in range(2):
        handlers.dispatch(b'{"data": ', service)
        service.deliver(altered("model-registered", modelName=None))
    assert sorted(str(letter["deadLetterReason"])[:30] for letter in service.letters.letters()) == [
        "malformed: data.modelName is m",
        "malformed: the message is not ",
    ]


def test_an_array_in_the_queue_is_split() -> None:
    """Each event goes its own way; a broken one does not concern the others."""
    service = FakeService()
    events = [sample("model-registered"), {"broken": True}, altered("model-registered", modelVersion="8")]
    service.deliver(events)
    service.run_queue()
    assert (len(service.jobs.jobs), len(service.letters.letters())) == (2, 1)


def test_a_large_event_reacts_from_its_blob() -> None:
    """An event that fits neither message nor row is told by its blob, deferral included."""
    service = FakeService()
    service.jobs.script = [LATER]
    service.deliver(altered("model-registered", modelProperties={"notes": "x" * INLINE_BYTES}))
    service.run_queue()
    assert (len(service.jobs.jobs), len(service.large_events.blobs)) == (1, 1)


def test_a_dry_run_decides_and_does_nothing() -> None:
    """In rows of its own, so that nothing is "already done" when it is meant."""
    service = FakeService(dry_run=True)
    service.deliver(sample("model-registered"))
    service.deliver(sample("pipeline-failed"))
    assert (service.jobs.puts, service.mail.posts) == ([], [])
    assert all(key.startswith("dry|") for key in service.rows())


def test_the_chain_of_jobs_can_be_seen() -> None:
    """A model that our job registered carries its lineage on: same root, one deeper."""
    service = FakeService()
    lineage = {"reactor_root_event": "root-1", "reactor_depth": "2", "reactor_reaction": "retrain"}
    service.deliver(altered("model-registered", modelProperties=lineage))
    ((_action, properties),) = service.jobs.jobs.values()
    assert (properties["reactor_root_event"], properties["reactor_depth"]) == ("root-1", "3")
    assert properties["reactor_chain"] == "retrain,offline-test"


def test_a_store_that_is_down_acts_on_nothing() -> None:
    """No decision on record, no effect; the host brings the message back."""
    service = FakeService()
    service.store.down = True
    with pytest.raises(StorageError):
        service.deliver(sample("model-registered"))
    assert service.jobs.puts == []


def test_a_bad_deployment_touches_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event goes back for five minutes, whole; mended, it reacts."""
    service = FakeService()

    def refuse(_message: Message) -> Orchestration:
        raise ConfigurationError("app setting WORKSPACES is missing")

    with monkeypatch.context() as patch:
        patch.setattr(service, "orchestration", refuse)
        service.deliver(sample("model-registered"))
    assert service.store.calls == []
    assert [after for _message, after in service.queue.sent] == [timedelta(minutes=5)]
    service.run_queue()
    assert len(service.jobs.jobs) == 1


def test_pushed_events_are_enqueued_only() -> None:
    """Push recognises and enqueues: no storage but the queue, and only what is the family's."""
    service = FakeService()
    for family in handlers.HANDLERS:
        handlers.take_in(family, sample("model-registered"), service)
    assert (len(service.queue.sent), service.store.calls) == (1, [])
    service.run_queue()
    assert len(service.jobs.puts) == 1


def test_a_broken_pushed_event_is_kept() -> None:
    """Acked, since nobody can make it right by sending it again."""
    service = FakeService()
    handlers.take_in(handlers.HANDLERS[0], {"id": "x", "data": None}, service)
    assert len(service.letters.letters()) == 1


def test_what_the_host_gave_up_is_kept() -> None:
    """The poison queue is emptied into the dead letters."""
    service = FakeService()
    handlers.bury(b"whatever \xff it is", service)
    (letter,) = service.letters.letters()
    assert str(letter["deadLetterReason"]).startswith("poison")
    assert letter["bytes"] == len(b"whatever \xff it is")
