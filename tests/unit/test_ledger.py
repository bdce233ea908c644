"""The ledger's rows and requests: what is written, what is left alone, who is told to give way."""

import uuid
from datetime import timedelta

import msgspec
import pytest

from handlers import model_registered, pipeline_failure
from handlers.pipeline_failure import PipelineFailed
from shared.actions import Deferred, Done, Failed, Outcome, SubmitJob
from shared.decisions import decide_event
from shared.errors import ContentionError
from shared.events import parse
from shared.guarding import Given
from shared.ledger import Admission, Ledger
from shared.lineage import Chain
from shared.memory import Memory
from shared.messages import INLINE_BYTES, wrap
from shared.notices import Notice
from shared.reactions import Matched, Unmatched
from shared.records import EventRecord, ReactionRecord
from shared.store import Conflict, Page, Row, Written
from tests.fakes.events import altered, sample
from tests.fakes.gateways import FakeJobs, FakeMail
from tests.fakes.service import EACH, REACTIONS, START, WORKSPACE, FakeService, rules

LATER = Deferred(reason="http 503", after=timedelta(seconds=30))
TELL_US = "  - { name: tell-us, on: model-registered, mail: { to: ops } }\n"


class LossyJobs(FakeJobs):
    """Azure ML whose first answer is lost: the job exists, and the caller does not know."""

    def submit(self, action: SubmitJob, *, name: str, properties: object, repeated: bool) -> Outcome:
        """See FakeJobs."""
        outcome = super().submit(action, name=name, properties=properties, repeated=repeated)  # type: ignore[arg-type] # as given
        return LATER if len(self.puts) == 1 else outcome


def event_row(service: FakeService) -> dict[str, str | int]:
    """Return the columns of the one event's row."""
    (row,) = (row for key, row in service.rows().items() if key.startswith("event|"))
    return row


def test_the_row_tells_what_it_is_about() -> None:
    """The event itself, and what a person looks for, stand in the row."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    row = event_row(service)
    assert msgspec.json.decode(str(row["event"])) == sample("model-registered")
    event = sample("model-registered")
    about = {name: value for name, value in row.items() if not name.startswith("r_") and name != "event"}
    assert about == {
        "workspace": WORKSPACE,
        "family": "model-registered",
        "subject": "churn",
        "identity": "churn:7",
        "event_id": event["id"],
        "event_type": event["eventType"],
        "event_time": event["eventTime"],
        "generation": 0,
    }
    decided = msgspec.json.decode(str(row["r_offline_test"]))
    assert decided["reason"] == "every condition holds; 1 of 10 runs of the budget"


def test_the_row_of_a_large_event_names_its_blob() -> None:
    """What does not fit stands elsewhere, and the row says where."""
    service = FakeService()
    service.deliver(altered("model-registered", modelProperties={"notes": "x" * INLINE_BYTES}))
    row = event_row(service)
    assert [row["blob"]] == list(service.large_events.blobs)
    assert "event" not in row


def test_an_admission_names_the_guards_it_passed() -> None:
    """The row says why, also of what was done."""
    service = FakeService()
    service.deliver(sample("monitor-breach"))
    decided = msgspec.json.decode(str(event_row(service)["r_retrain"]))
    assert decided["reason"] == "every condition holds; no cooldown running; 1 of 10 runs of the budget"


def test_a_known_event_costs_one_request() -> None:
    """A duplicate is read and acknowledged: nothing is written."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    before = service.rows()
    service.store.calls.clear()
    service.deliver(sample("model-registered"))
    assert (service.store.calls, service.rows()) == (["query"], before)


def test_a_redelivery_that_finishes_costs_two() -> None:
    """It knows the version it has read, so that its settling write is not refused."""
    service = FakeService(jobs=LossyJobs())
    service.deliver(sample("model-registered"))
    service.store.calls.clear()
    service.run_queue()
    switches = ["query"]  # read again after 30 s
    assert service.store.calls == [*switches, "query", "merge"]


def test_an_earlier_attempt_is_on_record_beside_a_new_rule() -> None:
    """A rule that is added meanwhile does not make the old reaction's next attempt a first one."""
    service = FakeService(jobs=LossyJobs())
    service.deliver(sample("model-registered"))
    service.reactions = rules(REACTIONS + TELL_US)
    service.run_queue()
    assert (len(service.jobs.puts), service.jobs.reads, len(service.mail.posts)) == (2, [], 1)


def test_a_mail_has_an_operation_id_that_is_a_uuid() -> None:
    """The service takes nothing else."""
    service = FakeService()
    service.deliver(sample("pipeline-failed"))
    assert str(uuid.UUID(service.mail.posts[0])) == service.mail.posts[0]


def test_a_second_failure_has_the_next_number() -> None:
    """A replay that fails again is another letter, and the first one's number reopens nothing any more."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused"), Failed(reason="refused again")]
    service.deliver(sample("model-registered"))
    replay = msgspec.structs.replace(wrap(sample("model-registered")), reopen="offline-test#1")
    service.deliver(replay)
    assert {str(letter["reactorFailure"]) for letter in service.letters.letters()} == {
        "offline-test#1",
        "offline-test#2",
    }
    service.deliver(replay)
    assert len(service.jobs.puts) == 2


def test_failures_of_different_events_are_different_letters() -> None:
    """The number alone does not name a letter."""
    service = FakeService()
    service.jobs.script = [Failed(reason="refused"), Failed(reason="refused")]
    service.deliver(sample("model-registered"))
    service.deliver(altered("model-registered", modelVersion="8"))
    assert len(service.letters.blobs) == 2


def test_attempts_are_counted_in_the_row() -> None:
    """Never taken from the host, whose metadata an event may overwrite."""
    service = FakeService()
    service.jobs.script = [LATER, LATER, LATER]
    service.deliver(sample("model-registered"))
    service.run_queue()
    assert event_row(service)["attempts"] == 3


def test_a_skip_before_and_a_mismatch_between_leave_the_rest_decided() -> None:
    """Each item of a plan is decided, whatever became of those before it."""
    reactions = rules(
        REACTIONS
        + "  - { name: other, on: model-registered, when: { model: x }, mail: { to: ops } }\n"
        + "  - { name: again, on: model-registered, run: { job: pipelines/offline-test.yml } }\n"
        + TELL_US
    )
    service = FakeService(reactions=reactions)
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    plan = model_registered.FAMILY.plan(event, reactions)
    used = Memory()
    for number in range(10):
        used = used.admit(str(number), now=START, horizon=timedelta(days=1), window=timedelta(days=1))
    given = Given(
        operation_of=lambda reaction: service.ledger.operation(event, 0, reaction),
        label=event.label,
        memories={"offline-test": used},
        lineage=Chain(),
        now=START,
    )
    decided = decide_event(EventRecord(), plan, given)
    record = decided.record
    assert {name: one.decision for name, one in record.reactions.items()} == {
        "offline-test": "skipped",
        "offline-test.alert": "admitted",
        "other": "unmatched",
        "again": "admitted",
        "tell-us": "admitted",
    }
    assert [type(item) for item in plan] == [Matched, Unmatched, Matched, Matched]
    assert decided.memories.keys() == {"offline-test", "again"}
    assert decided.memories["offline-test"].entries == used.entries
    assert decide_event(record, plan, given).record == record


def test_an_operation_in_memory_is_admitted_whatever_the_row_says() -> None:
    """Memory was written with a decision that got lost: the operation does not meet its own mark."""
    reactions = rules(REACTIONS)
    service = FakeService(reactions=reactions)
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    own = service.ledger.operation(event, 0, "offline-test").digest
    used = Memory()
    for number in [*map(str, range(9)), own]:
        used = used.admit(number, now=START, horizon=timedelta(days=1), window=timedelta(days=1))
    given = Given(
        operation_of=lambda reaction: service.ledger.operation(event, 0, reaction),
        label=event.label,
        memories={"offline-test": used},
        now=START,
    )
    record = decide_event(EventRecord(), model_registered.FAMILY.plan(event, reactions), given).record
    assert record.reactions["offline-test"].decision == "admitted"


def test_a_replay_that_a_guard_refuses_keeps_the_number_of_its_failure() -> None:
    """Numbers of failures are never used twice, so that an old letter reopens nothing."""
    reactions = rules(REACTIONS)
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    failed = ReactionRecord(decision="admitted", outcome=Failed(reason="refused"), failure=3)
    used = Memory()
    for number in range(10):
        used = used.admit(str(number), now=START, horizon=timedelta(days=1), window=timedelta(days=1))
    given = Given(
        operation_of=lambda reaction: FakeService().ledger.operation(event, 0, reaction),
        label=event.label,
        memories={"offline-test": used},
        lineage=Chain(),
        now=START,
        reopen="offline-test#3",
    )
    row = EventRecord(reactions={"offline-test": failed})
    skipped = decide_event(row, model_registered.FAMILY.plan(event, reactions), given).record.reactions["offline-test"]
    assert (skipped.decision, skipped.failure) == ("skipped", 3)


def admitted(service: FakeService) -> tuple[PipelineFailed, Admission]:
    """Return the failed pipeline of the samples, admitted."""
    event = pipeline_failure.recognise(parse(sample("pipeline-failed")))
    assert isinstance(event, PipelineFailed)
    plan = pipeline_failure.FAMILY.plan(event, service.reactions)
    return event, service.ledger.admit(event, plan, wrap(sample("pipeline-failed")), service.inquiry())


def notice() -> Notice:
    """Return some content."""
    return Notice(
        kind="k", headline="h", workspace="w", experiment="e", run="r", status="s", time="t", reaction="mail-ops"
    )


def test_a_mail_that_is_settled_meanwhile_is_not_marked() -> None:
    """Another delivery has looked it up: there is nothing to send."""
    service = FakeService()
    _event, admission = admitted(service)
    service.ledger.settle(admission, {"mail-ops": Done(receipt="x", note="looked up")})
    assert service.ledger.mark_sent(admission, "mail-ops", notice()) is None


def test_first_sent_is_the_time_of_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repeatability window begins with the answer to the write that marks the mail, not with the admission."""
    times: list[timedelta] = []

    class Watching(FakeMail):
        def send(self, *arguments: object, **named: object) -> Outcome:
            first_sent = named["first_sent"]
            times.append(first_sent - START)  # type: ignore[operator] # a datetime
            return super().send(*arguments, **named)  # type: ignore[arg-type] # as given

    service = FakeService(mail=Watching())
    merge = service.store.merge

    def later(row: Row) -> Written | Conflict:
        service.clock.forward(seconds=7)
        return merge(row)

    monkeypatch.setattr(service.store, "merge", later)
    service.deliver(sample("pipeline-failed"))
    assert times == [timedelta(seconds=7)]


def test_a_row_that_is_gone_is_contention(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written blindly."""
    service = FakeService(reactions=rules(EACH))
    _event, admission = admitted(service)
    monkeypatch.setattr(service.store, "merge", lambda _row: Conflict(at=START))
    with pytest.raises(ContentionError) as error:
        service.ledger.settle(admission, {"mail-ops": Done(receipt="x")})
    assert error.value.facts == {"partition": admission.partition, "key": admission.key}
    monkeypatch.setattr(service.store, "query", lambda _partition, _keys: Page(rows=(), at=START))
    with pytest.raises(ContentionError):
        service.ledger.settle(admission, {"mail-ops": Done(receipt="x")})


def test_contention_names_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told can look at it."""
    service = FakeService(reactions=rules(EACH))
    _event, admission = admitted(service)
    others = FakeService(reactions=rules(EACH))
    monkeypatch.setattr(others.store, "insert", lambda _row: Conflict(at=START))
    with pytest.raises(ContentionError) as error:
        admitted(others)
    assert error.value.facts == {"partition": admission.partition, "key": admission.key}


def test_what_another_delivery_has_settled_is_read_not_written_again() -> None:
    """A late delivery with the same outcome gets the row as it stands, good for its next write."""
    service = FakeService()
    _event, admission = admitted(service)
    outcomes = {"mail-ops": Failed(reason="refused")}
    first = service.ledger.settle(admission, outcomes)
    late = service.ledger.settle(admission, outcomes)
    assert (late.record, late.etag) == (first.record, first.etag)
    assert late.record.reactions["mail-ops"].failure == 1


def test_dry_rows_are_rows_of_their_own() -> None:
    """What was only tried counts for nothing when it is meant."""
    service = FakeService()
    store = service.store
    for dry_run in (True, False):
        ledger = Ledger(store, installation="test", dry_run=dry_run)
        event = pipeline_failure.recognise(parse(sample("pipeline-failed")))
        assert isinstance(event, PipelineFailed)
        plan = pipeline_failure.FAMILY.plan(event, rules(EACH))
        ledger.admit(event, plan, wrap(sample("pipeline-failed")), service.inquiry())
    keys = sorted(row.key for row in store.rows)
    assert [key.startswith("dry|") for key in keys] == [True, False]
