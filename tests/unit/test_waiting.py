"""What waits: contention, jitter, the time of a wake-up, and what is told about it."""

import json
import logging
from datetime import datetime, timedelta

import msgspec
import pytest

from handlers import model_registered
from shared.actions import Deferred, Failed
from shared.events import parse
from shared.messages import wrap
from shared.orchestration import Settlement
from shared.store import Conflict, Row, Written
from tests.fakes.events import altered, sample
from tests.fakes.service import REACTIONS, START, FakeService, rules

LATER = Deferred(reason="http 503", after=timedelta(seconds=30))
TELL_US = "  - { name: tell-us, on: model-registered, mail: { to: ops } }\n"


def told(caplog: pytest.LogCaptureFixture, did: str) -> list[dict[str, object]]:
    """Return the facts of the log lines with that verb, and their level."""
    lines = [
        (json.loads(record.getMessage()), record.levelname) for record in caplog.records if record.name == "reactor"
    ]
    return [{**facts, "level": level} for facts, level in lines if facts["did"] == did]


def test_contention_gives_way(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that others change at each of five tries: the same message comes back in 15 s, token and all."""
    caplog.set_level(logging.INFO)
    service = FakeService()
    tries: list[object] = []

    def refuse(rows: object) -> Conflict:
        tries.append(rows)
        return Conflict(at=START)

    monkeypatch.setattr(service.store, "transaction", refuse)
    message = msgspec.structs.replace(wrap(sample("model-registered")), token="t")  # noqa: S106 - a mark, no secret
    service.deliver(message)
    ((_text, after),) = service.queue.sent
    assert (after, len(tries)) == (timedelta(seconds=15), 5)
    assert service.queue.take() == message
    (facts,) = told(caplog, "event.contended")
    assert (facts["event"], facts["subject"]) == (sample("model-registered")["id"], "churn:7")
    assert service.jobs.puts == []
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    assert service.orchestration(message).react(event, model_registered.FAMILY.plan) == Settlement(
        reactions={}, wake=None
    )


def test_each_copy_names_the_one_it_replaces() -> None:
    """It may be quicker than the row that names it: then the token that it replaces shows whose it is."""
    service = FakeService()
    service.jobs.script = [LATER, LATER]
    service.deliver(sample("model-registered"))
    first = service.queue.take()
    service.clock.forward(seconds=30)
    service.deliver(first)
    second = service.queue.take()
    assert (first.replaces, second.replaces) == ("", first.token)
    assert len({"", first.token, second.token}) == 3


def test_who_comes_second_to_mail_says_so(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another delivery has marked the mail between our reading and our writing: it waits, and says why."""
    caplog.set_level(logging.INFO)
    service = FakeService()
    merge = service.store.merge

    def race(row: Row) -> Written | Conflict:
        monkeypatch.setattr(service.store, "merge", merge)
        service.deliver(sample("pipeline-failed"))
        return merge(row)

    monkeypatch.setattr(service.store, "merge", race)
    service.deliver(sample("pipeline-failed"))
    reasons = [(outcome["outcome"], outcome.get("reason", "")) for outcome in told(caplog, "action.settled")]
    assert reasons == [("done", ""), ("deferred", "the mail is being sent by another delivery")]


def test_settlement_says_how_the_event_stands() -> None:
    """Each reaction's record, and what it waits for."""
    service = FakeService()
    event = model_registered.recognise(parse(sample("model-registered")))
    assert isinstance(event, model_registered.ModelRegistered)
    service.jobs.script = [LATER]
    settlement = service.orchestration(wrap(sample("model-registered"))).react(event, model_registered.FAMILY.plan)
    assert settlement.reactions["offline-test"].pending
    assert settlement.wake is not None
    assert settlement.wake.due == START + timedelta(seconds=30)


def test_jitter_only_adds() -> None:
    """Up to a tenth, so that what waits for one cause does not come back at one moment, and never too early."""
    service = FakeService()
    service.jitter = 1.0
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    ((_message, after),) = service.queue.sent
    assert after == timedelta(seconds=33)


def test_a_copy_wakes_the_earliest_and_no_one_else() -> None:
    """As many copies as there are times to wait for, no more."""
    service = FakeService(reactions=rules(REACTIONS + TELL_US))
    service.jobs.script = [Deferred(reason="http 429", after=timedelta(minutes=10))]
    service.mail.delivers_lost_ones = False
    service.mail.script = [Deferred(reason="http 503", after=timedelta(minutes=1))]
    service.deliver(sample("model-registered"))
    delays = []
    for _ in range(2):
        message, after = service.queue.sent.pop(0)
        delays.append(after)
        service.clock.now += after
        service.deliver_text(message)
    assert (delays, service.queue.sent) == ([timedelta(minutes=1), timedelta(minutes=9)], [])


def test_a_longer_wait_than_a_message_can_wait_goes_on_once_more() -> None:
    """A copy that comes too early (the queue cuts delays at 6 days) waits for the rest."""
    service = FakeService()
    service.jobs.script = [Deferred(reason="http 429", after=timedelta(days=8))]
    service.deliver(sample("model-registered"))
    message, _after = service.queue.sent.pop(0)
    service.clock.forward(days=6)
    service.deliver_text(message)
    assert len(service.jobs.puts) == 1
    ((_message, rest),) = service.queue.sent
    assert rest == timedelta(days=2)
    service.run_queue()
    assert len(service.jobs.jobs) == 1


def test_trouble_begins_with_the_first_deferral_only() -> None:
    """A success without trouble leaves none on record."""
    service = FakeService(reactions=rules(REACTIONS + TELL_US))
    service.jobs.script = [LATER]
    service.deliver(sample("model-registered"))
    row = next(row for key, row in service.rows().items() if key.startswith("event|"))
    assert datetime.fromisoformat(str(row["trouble_since"])) == START


def test_a_failure_is_told_with_its_letter(caplog: pytest.LogCaptureFixture) -> None:
    """Two warnings: what failed and why, and where it lies."""
    caplog.set_level(logging.INFO)
    service = FakeService()
    service.jobs.script = [Failed(reason="refused")]
    service.deliver(sample("model-registered"))
    (letter,) = told(caplog, "event.dead_lettered")
    (name,) = service.letters.blobs
    assert letter == {
        "did": "event.dead_lettered",
        "reaction": "offline-test",
        "reason": "refused",
        "receipt": name,
        "level": "WARNING",
    }
    (outcome,) = told(caplog, "action.settled")
    assert (outcome["outcome"], outcome["level"]) == ("failed", "WARNING")


def test_what_is_told_of_a_dry_run(caplog: pytest.LogCaptureFixture) -> None:
    """The name the job would have had, and that it was not started."""
    caplog.set_level(logging.INFO)
    service = FakeService(dry_run=True)
    service.deliver(sample("model-registered"))
    (outcome,) = told(caplog, "action.settled")
    assert str(outcome["receipt"]).startswith("offline-test-churn-7-")
    assert (outcome["reason"], outcome["level"]) == ("dry run: decided, not done", "INFO")


def test_what_is_told_of_a_mail_that_waits_and_is_looked_up(caplog: pytest.LogCaptureFixture) -> None:
    """Why it waits, and how it is known to be sent."""
    caplog.set_level(logging.INFO)
    service = FakeService()
    service.mail.script = [Deferred(reason="no answer came", after=timedelta(seconds=10))]
    service.deliver(sample("pipeline-failed"))
    service.run_queue()
    reasons = [(outcome["outcome"], outcome["reason"]) for outcome in told(caplog, "action.settled")]
    assert reasons == [
        ("deferred", "no answer came"),
        ("deferred", "the mail is being sent by another delivery"),
        ("done", "looked up: sent by an earlier attempt"),
    ]
    assert told(caplog, "action.settled")[-1]["receipt"] == service.mail.posts[0]


def test_a_job_carries_all_that_explains_it() -> None:
    """Every property, by its documented name."""
    service = FakeService()
    service.deliver(sample("model-registered"))
    ((_action, properties),) = service.jobs.jobs.values()
    event = sample("model-registered")["id"]
    operation = properties["reactor_operation"]
    assert len(operation) == 64
    assert dict(properties) == {
        "reactor_reaction": "offline-test",
        "reactor_reason": "every condition holds; 1 of 10 runs of the budget",
        "reactor_event": event,
        "reactor_event_time": sample("model-registered")["eventTime"],
        "reactor_identity": "model-registered|churn:7",
        "reactor_subject": "churn",
        "reactor_installation": "test",
        "reactor_model": "churn:7",
        "reactor_operation": operation,
        "reactor_root_event": event,
        "reactor_depth": "1",
        "reactor_chain": "offline-test",
        "reactor_rule": service.reactions.rules[0].digest,
        "reactor_version": "test",
    }


@pytest.mark.parametrize(
    ("depth", "next_depth"),
    [("0", "1"), ("41", "42"), ("999", "1000"), ("1000", "1"), ("-1", "1"), ("x", "1"), ("", "1"), ("9" * 9999, "1")],
)
def test_the_depth_of_a_chain_is_read_with_care(depth: str, next_depth: str) -> None:
    """It stands in a model's properties, where anybody may write."""
    service = FakeService(reactions=rules(REACTIONS.replace("on: model", "guards: { loop: none }\n    on: model")))
    service.deliver(altered("model-registered", modelProperties={"reactor_depth": depth}))
    ((_action, properties),) = service.jobs.jobs.values()
    assert properties["reactor_depth"] == next_depth
