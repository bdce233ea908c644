"""Guards on the whole path: ledger, orchestration and mails between an in-memory store and edges that behave."""

import json
from datetime import timedelta
from typing import NoReturn

import pytest

from handlers import model_registered
from shared.actions import Deferred, Failed, alert_beside
from shared.decisions import decide_event
from shared.errors import StorageError
from shared.events import parse
from shared.guarding import PAUSED, Given
from shared.lineage import Chain, ModelVersion
from shared.memory import Memory
from shared.records import EventRecord, whole_partition
from shared.store import Conflict, Row
from shared.switches import ALL, SWITCHES, Pause, pause_key, write_pause, write_resumed
from tests.fakes.events import altered, sample
from tests.fakes.service import REACTIONS, START, FakeService, rules

NAME = "offline-test"
MINUTE = timedelta(minutes=1)


def guarded(guards: str, **more: object) -> FakeService:
    """Return a service whose test of models has these guards."""
    text = REACTIONS.replace("on: model-registered\n", f"on: model-registered\n    guards: {guards}\n")
    return FakeService(reactions=rules(text), **more)  # type: ignore[arg-type] # its own fields


def registered(version: int, *, model: str = "churn", **properties: str) -> dict[str, object]:
    """Return an event about a model version."""
    return altered(
        "model-registered",
        modelName=model,
        modelVersion=str(version),
        modelProperties=properties,
        id=f"{model}-{version}",
    )


def killed(*_args: object, **_more: object) -> NoReturn:
    """End as a killed process does: nothing behind it is done."""
    raise KeyboardInterrupt


def record(service: FakeService, version: int, key: str = NAME) -> dict[str, object]:
    """Return what is on record about a model version."""
    column = {NAME: "r_offline_test", alert_beside(NAME): "a_offline_test"}[key]
    (row,) = (row for row in service.store.rows if row.values.get("identity") == f"churn:{version}")
    found: dict[str, object] = json.loads(str(row.values[column]))
    return found


def pause(service: FakeService, name: str = NAME, *, drop: bool = False) -> None:
    """Pause a reaction as `ops pause` does, and let the switches be read again."""
    told = write_pause(Pause(reaction=name, by="ann", at=service.clock.now, drop=drop))
    service.store.insert(Row(partition=SWITCHES, key=pause_key(name), values=told))
    service.clock.forward(seconds=31)


def resume(service: FakeService, name: str = NAME) -> None:
    """End a pause."""
    (row,) = service.store.query(SWITCHES, [pause_key(name)]).rows
    service.store.merge(
        Row(partition=SWITCHES, key=row.key, values=write_resumed(by="bob", at=service.clock.now), etag=row.etag)
    )
    service.clock.forward(seconds=31)


@pytest.mark.parametrize("name", [NAME, ALL])
def test_a_paused_event_waits_and_acts_when_work_is_resumed(name: str) -> None:
    """Longer than any trouble may last, and without being tried: pausing is no trouble."""
    service = FakeService()
    pause(service, name)
    service.deliver(registered(7))
    for _ in range(300):
        ((message, after),) = service.queue.sent
        service.queue.sent.clear()
        service.clock.now += after
        service.deliver_text(message)
    assert service.clock.now - START > timedelta(hours=48)
    assert (service.jobs.puts, record(service, 7)["decision"]) == ([], "deferred")
    resume(service, name)
    service.run_queue()
    assert len(service.jobs.puts) == 1
    assert record(service, 7)["decision"] == "admitted"


def test_a_pause_holds_a_mail_too() -> None:
    """It is the reaction that is paused, whatever it does."""
    service = FakeService()
    pause(service, "mail-ops")
    service.deliver(sample("pipeline-failed"))
    assert service.mail.posts == []
    resume(service, "mail-ops")
    service.run_queue()
    assert len(service.mail.posts) == 1


def test_what_is_dropped_stays_dropped() -> None:
    """It is skipped, with who dropped it, and nothing waits."""
    service = FakeService()
    pause(service, drop=True)
    service.deliver(registered(7))
    assert service.queue.sent == []
    assert record(service, 7) == {
        "decision": "skipped",
        "reason": "paused by ann since 2026-11-24 09:00:00Z, --drop",
    }
    resume(service)
    service.deliver(registered(7))
    assert service.jobs.puts == []


def test_the_switches_are_asked_before_every_attempt() -> None:
    """Admitted, throttled, then paused: the next attempt waits, and the day that trouble may last does not run."""
    service = FakeService()
    service.jobs.script = [Deferred(reason="http 429", after=10 * MINUTE)]
    service.deliver(registered(7))
    pause(service)
    for _ in range(200):
        ((message, after),) = service.queue.sent
        service.queue.sent.clear()
        service.clock.now += after
        service.deliver_text(message)
    assert service.clock.now - START > timedelta(hours=30)
    assert (len(service.jobs.puts), record(service, 7).get("outcome")) == (1, None)
    resume(service)
    service.run_queue()
    assert len(service.jobs.puts) == 2
    assert record(service, 7)["outcome"]


def test_switches_that_cannot_be_read_stop_everything() -> None:
    """Storage that does not answer is an error: the host brings the message back, and nothing was done."""
    service = FakeService()
    service.store.down = True
    with pytest.raises(StorageError):
        service.deliver(registered(7))
    assert (service.jobs.puts, len(service.store.rows)) == ([], 0)


def test_a_switch_that_cannot_be_read_is_a_pause() -> None:
    """Whatever stands there: nobody acts because a row is broken."""
    service = FakeService()
    service.store.insert(Row(partition=SWITCHES, key=pause_key(NAME), values={"state": "{broken", "at": 7}))
    service.deliver(registered(7))
    assert service.jobs.puts == []
    assert "cannot be read" in str(record(service, 7)["reason"])


def test_hours_let_an_event_wait() -> None:
    """Registered at 09:00, tested at 18:00, with the reason on record meanwhile."""
    service = guarded('{ hours: { not: "08:00-18:00" } }')
    service.deliver(registered(7))
    assert record(service, 7)["reason"] == "hours: not within 08:00-18:00 UTC; waits until 2026-11-24 18:00:00Z"
    assert service.jobs.puts == []
    service.run_queue()
    assert len(service.jobs.puts) == 1
    assert service.clock.now >= START + timedelta(hours=9)


def test_an_event_told_again_while_it_waits_does_nothing() -> None:
    """One live copy; the second telling neither acts nor puts another copy back."""
    service = guarded('{ hours: { not: "08:00-18:00" } }')
    service.deliver(registered(7))
    service.deliver(registered(7))
    assert len(service.queue.sent) == 1
    service.run_queue()
    assert len(service.jobs.puts) == 1


def test_a_copy_lost_between_decision_and_queue_is_sent_by_the_redelivery() -> None:
    """Killed after the row was written: the host brings the message back, which finds the wait, and sends the copy."""
    service = guarded('{ hours: { not: "08:00-18:00" } }')
    sending, service.queue.send = service.queue.send, killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        service.deliver(registered(7))
    service.queue.send = sending  # type: ignore[method-assign]
    assert record(service, 7)["decision"] == "deferred"
    service.deliver(registered(7))
    service.run_queue()
    assert len(service.jobs.puts) == 1


def test_the_lineage_is_read_from_the_third_action_and_carried_on() -> None:
    """Two actions cost no read. The third job carries what was read, and the fourth is refused by it."""
    service = guarded("{ loop: { times: 2 } }")
    for version in (1, 2):
        service.deliver(registered(version))
    assert service.lineages.asked == []
    service.lineages.known[ModelVersion(name="churn", version="3")] = Chain(
        root="e-0", depth=1, reactions=(NAME,)
    ).properties()
    service.deliver(registered(3))
    assert service.lineages.asked == [ModelVersion(name="churn", version="3")]
    properties = list(service.jobs.jobs.values())[-1][1]
    assert properties["reactor_chain"] == "offline-test,offline-test"
    assert (properties["reactor_depth"], properties["reactor_root_event"]) == ("2", "e-0")
    assert "no loop: offline-test came before" in properties["reactor_reason"]
    service.lineages.known[ModelVersion(name="churn", version="4")] = properties
    service.deliver(registered(4))
    assert record(service, 4)["reason"] == (
        "loop: offline-test acted 2 times in this chain, 2 are the limit; the chain: offline-test > offline-test"
    )
    assert len(service.jobs.puts) == 3


def test_a_chain_outlives_the_delivery_that_read_it() -> None:
    """The job is throttled, and started by a later delivery that reads none: it carries the chain all the same."""
    service = guarded("{ loop: { times: 9 } }")
    for version in (1, 2):
        service.deliver(registered(version))
    service.lineages.known[ModelVersion(name="churn", version="3")] = Chain(
        root="e-0", depth=4, reactions=("a", "b", "c", "d")
    ).properties()
    service.jobs.script = [Deferred(reason="http 429", after=MINUTE)]
    service.deliver(registered(3))
    service.lineages.known.clear()
    service.run_queue()
    assert len(service.lineages.asked) == 1
    assert list(service.jobs.jobs.values())[-1][1]["reactor_chain"] == "a,b,c,d,offline-test"


def test_an_event_that_tells_its_own_lineage_costs_no_read() -> None:
    """A pipeline may write our properties on what it registers."""
    service = guarded("{ loop: { times: 1 } }")
    service.deliver(registered(1, **Chain(root="e-0", depth=1, reactions=(NAME,)).properties()))
    assert (service.jobs.puts, service.lineages.asked) == ([], [])
    assert str(record(service, 1)["reason"]).startswith("loop: offline-test acted 1 times")


def test_azure_ml_that_does_not_tell_lets_the_event_wait() -> None:
    """It is asked again, with what it said on record; nothing is done without having looked."""
    service = guarded("{ loop: { times: 2 } }")
    for version in (1, 2):
        service.deliver(registered(version))
    service.lineages.script = [Deferred(reason="http 503 from Azure ML", after=MINUTE)] * 3
    service.deliver(registered(3))
    assert record(service, 3)["reason"] == "loop: the lineage cannot be read yet: http 503 from Azure ML"
    assert len(service.jobs.puts) == 2
    service.run_queue()
    assert (len(service.jobs.puts), len(service.lineages.asked)) == (3, 4)


def test_ops_hear_of_the_first_that_is_held_back() -> None:
    """One mail, with the guard's numbers, the event, and how to stop it; the alert is an action like any other."""
    service = guarded("{ budget: { runs: 1, per: 1d } }")
    for version in range(1, 6):
        service.deliver(registered(version))
    (mail,) = service.mail.mails.values()
    assert mail.to == ("ops@example.com",)
    assert mail.notice.headline == "Held back: offline-test. Model registered: churn:2"
    assert mail.notice.cause.startswith("budget: 1 of 1 runs used; again from 2026-11-25 09:00:00Z\n")
    assert "python -m ops pause offline-test" in mail.notice.cause
    assert record(service, 2, alert_beside(NAME))["outcome"]
    assert len(service.jobs.puts) == 1


def test_the_alert_is_sent_once_however_often_it_is_delivered() -> None:
    """And while the reaction is paused meanwhile: that Ops hear is not what they paused."""
    service = guarded("{ budget: { runs: 1, per: 1d } }")
    service.deliver(registered(1))
    service.mail.script = [Deferred(reason="http 503", after=MINUTE)]
    service.deliver(registered(2))
    pause(service)
    service.deliver(registered(2))
    service.run_queue()
    assert len(service.mail.delivered) == 1


def test_a_budget_of_the_reaction_holds_for_all_subjects() -> None:
    """And what was refused for good gives its run back."""
    service = guarded("{ budget: { runs: 2, per: 1d, for: reaction } }")
    for model in ("a", "b", "c"):
        service.deliver(registered(1, model=model))
    assert len(service.jobs.puts) == 2
    refusing = guarded("{ budget: { runs: 2, per: 1d, for: reaction } }")
    refusing.jobs.script = [Failed(reason="no such compute"), Failed(reason="no such compute")]
    for model in ("a", "b", "c", "d", "e"):
        refusing.deliver(registered(1, model=model))
    assert len(refusing.jobs.jobs) == 2
    assert len(refusing.jobs.puts) == 4


def test_a_busy_row_gets_its_run_back_all_the_same() -> None:
    """A refused job gives its run back although others write the row meanwhile; and gives up in the end."""
    service = guarded("{ budget: { runs: 1, per: 1d, for: reaction } }")
    service.jobs.script = [Failed(reason="no such compute")] * 2
    merge, left = service.store.merge, [19]

    def busy(row: Row) -> object:
        if row.partition == whole_partition(NAME) and left[0]:
            left[0] -= 1
            return Conflict(at=service.clock.now)
        return merge(row)

    service.store.merge = busy  # type: ignore[method-assign,assignment]
    service.deliver(registered(1, model="a"))
    assert left == [0]
    left[0] = 20
    service.deliver(registered(1, model="b"))
    service.store.merge = merge  # type: ignore[method-assign]
    service.deliver(registered(1, model="c"))
    assert len(service.jobs.puts) == 2


def test_what_is_done_after_all_keeps_its_run() -> None:
    """Another delivery found the job there: done beats failed, and the run counts."""
    service = guarded("{ budget: { runs: 1, per: 1d, for: reaction } }")
    service.jobs.script = [Failed(reason="refused")]
    service.jobs.before = lambda: finish(service)
    service.deliver(registered(1, model="a"))
    service.deliver(registered(1, model="b"))
    assert len(service.jobs.puts) == 2


def finish(service: FakeService) -> None:
    """Have another delivery of the same event meet the job as done, once."""
    service.jobs.before = lambda: None
    answers, service.jobs.script = service.jobs.script, []
    service.deliver(registered(1, model="a"))
    service.jobs.script = answers


def test_what_all_share_is_told_by_one() -> None:
    """Ten models beyond the budget of the reaction: one mail."""
    service = guarded("{ budget: { runs: 1, per: 1d, for: reaction } }")
    for number in range(10):
        service.deliver(registered(1, model=f"model-{number}"))
    assert len(service.mail.posts) == 1


def test_a_reservation_that_is_killed_counts_once() -> None:
    """Killed between the reservation and the decision: the redelivery has its run, and the next has none."""
    service = guarded("{ budget: { runs: 1, per: 1d, for: reaction } }")
    transaction, service.store.transaction = service.store.transaction, killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        service.deliver(registered(1))
    service.store.transaction = transaction  # type: ignore[method-assign]
    (row,) = service.store.query(whole_partition(NAME), [f"memory|{NAME}"]).rows
    assert "entries" in str(row.values["memory"])
    service.deliver(registered(1, model="other"))
    assert service.jobs.puts == []
    service.deliver(registered(1))
    assert len(service.jobs.puts) == 1


def test_a_busy_reservation_is_tried_again() -> None:
    """Another subject reserves between our read and our write: read again, and count that too."""
    service = guarded("{ budget: { runs: 2, per: 1d, for: reaction } }")
    service.deliver(registered(1, model="first"))
    merge = service.store.merge
    raced: list[Row] = []

    def racing(row: Row) -> object:
        if row.partition == whole_partition(NAME) and not raced:
            raced.append(row)
            service.store.merge = merge  # type: ignore[method-assign]
            service.deliver(registered(1, model="rival"))
        return merge(row)

    service.store.merge = racing  # type: ignore[method-assign,assignment]
    service.deliver(registered(1))
    assert raced
    assert len(service.jobs.puts) == 2
    assert record(service, 1)["reason"] == (
        "budget: 2 of 2 runs of the whole reaction used; again from 2026-11-25 09:00:00Z"
    )


def beside(service: FakeService, version: int) -> dict[str, object]:
    """Return what is on record about the mail that goes with the job."""
    (row,) = (row for row in service.store.rows if row.values.get("identity") == f"churn:{version}")
    found: dict[str, object] = json.loads(str(row.values["m_offline_test"]))
    return found


def test_a_mail_that_a_rule_gains_while_its_job_waits_is_sent() -> None:
    """The job was admitted, and so is the mail; that the job is throttled concerns the job."""
    service = FakeService()
    service.jobs.script = [Deferred(reason="http 429", after=MINUTE)]
    service.deliver(registered(7))
    service.reactions = rules(
        REACTIONS.replace("on: model-registered\n", "on: model-registered\n    mail: { to: ops }\n")
    )
    service.deliver(registered(7))
    assert len(service.mail.posts) == 1
    assert beside(service, 7)["reason"] == "every condition holds; 1 of 10 runs of the budget"
    (mail,) = service.mail.mails.values()
    assert mail.notice.why == "every condition holds; 1 of 10 runs of the budget"


def test_a_mail_beside_a_job_waits_for_the_lineage_with_it() -> None:
    """Until the same time, and since the same time."""
    text = REACTIONS.replace(
        "on: model-registered\n",
        "on: model-registered\n    guards: { loop: { times: 2 } }\n    mail: { to: ops }\n",
    )
    service = FakeService(reactions=rules(text))
    for version in (1, 2):
        service.deliver(registered(version))
    service.lineages.script = [Deferred(reason="http 503", after=MINUTE)]
    service.deliver(registered(3))
    job, mail = record(service, 3), beside(service, 3)
    assert (mail["decision"], mail["reason"]) == ("deferred", job["reason"])
    assert (mail["due"], mail["limited_since"]) == (job["due"], job["limited_since"])
    service.run_queue()
    assert "chain" not in record(service, 3)


def test_a_mail_beside_a_job_waits_with_it() -> None:
    """One decision for both, also when it waits, and also when it is over."""
    text = REACTIONS.replace(
        "on: model-registered\n",
        'on: model-registered\n    guards: { hours: { not: "08:00-18:00" } }\n    mail: { to: ops }\n',
    )
    service = FakeService(reactions=rules(text))
    service.deliver(registered(7))
    assert (service.jobs.puts, service.mail.posts) == ([], [])
    service.run_queue()
    assert (len(service.jobs.puts), len(service.mail.posts)) == (1, 1)


def test_deciding_without_the_lineage_that_is_wanted_writes_nothing() -> None:
    """The caller asks for it, and decides again."""
    service = guarded("{ loop: { times: 2 } }")
    event = model_registered.recognise(parse(registered(3)))
    assert isinstance(event, model_registered.ModelRegistered)
    memory = Memory()
    for number in ("a", "b"):
        memory = memory.admit(number, now=START, horizon=timedelta(days=1), window=timedelta(days=1))
    given = Given(
        operation_of=lambda key: service.ledger.operation(event, 0, key),
        label="churn",
        memories={NAME: memory},
        now=START,
    )
    decided = decide_event(EventRecord(), model_registered.FAMILY.plan(event, service.reactions), given)
    assert decided.lineage_wanted
    assert (decided.record, decided.memories, decided.wholes) == (EventRecord(), {}, {})


def test_how_long_a_pause_is_asked_for() -> None:
    """Every ten minutes: what is resumed goes on soon."""
    assert timedelta(minutes=10) == PAUSED
