"""Incidents under races, on the real table: forty failures at one moment are one mail, and the number forty."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

import handlers
from local.azure.clock import now
from local.azurite import Azurite
from shared.actions import Outcome, SendMail
from shared.errors import ContentionError
from shared.ledger import Ledger
from shared.memory import Memory
from shared.messages import decode, wrap
from shared.records import memory_key, partition_key, read_memory
from shared.reminders import REMINDER_DUE
from tests.fakes.events import altered
from tests.fakes.gateways import FakeMail
from tests.fakes.service import WORKSPACE, rules
from tests.faults.faulty import Death
from tests.faults.test_admission import OnAzurite
from tests.faults.wiring import PacedStore

WORKERS = 40
RULE = "recipients: {{ ops: $OPS_EMAIL }}\nreactions: [{{ name: {name}, on: pipeline-failed, mail: {{ to: ops }} }}]"


@dataclass
class Killing(FakeMail):
    """A mail service whose answer to each first request the worker does not live to hear."""

    killed: set[str] = field(default_factory=set)

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """See shared.gateways.Mail."""
        outcome = super().send(action, operation=operation, first_sent=first_sent)
        if operation not in self.killed:
            self.killed.add(operation)
            raise Death
        return outcome


def ended(experiment: str, number: int, status: str = "Failed") -> dict[str, Any]:
    """Return the event that a run of the experiment ended, a second later than the one before."""
    run = f"{experiment}-{number}"
    event = altered("pipeline-failed", event_id=run, runId=run, experimentName=experiment, runStatus=status)
    return {**event, "eventTime": f"2026-11-24T05:00:{number:02}Z"}


def remembered(racing: OnAzurite, name: str, experiment: str) -> Memory:
    """Return what the reaction remembers of the experiment."""
    (row,) = racing.table.query(partition_key(WORKSPACE, experiment), [memory_key(name)]).rows
    return read_memory(row)


def two_minutes_later(racing: OnAzurite, *, times: int = 1) -> None:
    """Have the table's clock go on, so that nobody is taken to be sending a mail any more."""
    store = PacedStore(racing.table, origin=now() - times * timedelta(minutes=2), scale=2)
    racing.ledger = Ledger(store, installation="test", dry_run=False)


def finish(racing: OnAzurite) -> int:
    """Deliver what gave way and what was killed, and return how many reminders are left in the queue."""
    reminders = 0
    while racing.queue.sent:
        message, _after = racing.queue.sent.pop(0)
        if REMINDER_DUE.encode() in (decode(message)[0].inline or b""):
            reminders += 1
            continue
        try:
            handlers.dispatch(message, racing)
        except Death:
            racing.queue.send(message)
    return reminders


@pytest.mark.parametrize("kills", [False, True], ids=["", "killed after the mail"])
def test_forty_failures_at_one_moment(azurite: Azurite, kills: bool) -> None:  # noqa: FBT001 - a parameter
    """One mail, its reminder, every failure counted; then a success ends it, once, though it is told to many."""
    name, experiment = f"mail-{uuid.uuid4().hex[:16]}", f"race-{uuid.uuid4().hex}"  # noqa: TID251 - tests share the table
    racing = OnAzurite(reactions=rules(RULE.format(name=name)), connection_string=azurite.connection_string)
    racing.mail = Killing() if kills else FakeMail()
    start, gave_way = threading.Barrier(WORKERS), list[object]()

    def deliver(event: dict[str, Any]) -> None:
        start.wait(30)
        for _ in range(2):
            try:
                racing.deliver(event)
            except Death:
                continue  # as the host does; the mail is being sent, so it is put back for a minute
            except ContentionError:  # a busy machine: the outcome found no gap between the others, and the host waits
                racing.queue.send(wrap(event).encode())
                gave_way.append(event)
            return

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(deliver, [ended(experiment, number) for number in range(WORKERS)]))
        two_minutes_later(racing)
        # A reminder goes out before the outcome is written; one that comes twice finds nothing to say the second time.
        assert 1 <= finish(racing) <= 1 + len(gave_way)
        ongoing = remembered(racing, name, experiment).ongoing
        assert ongoing
        assert (ongoing.failures, ongoing.sent, len(racing.mail.delivered)) == (WORKERS, True, 1)
        list(pool.map(deliver, [ended(experiment, WORKERS, "Completed")] * WORKERS))
        two_minutes_later(racing, times=2)
        finish(racing)
    assert remembered(racing, name, experiment).ongoing is None
    stages = [mail.notice.incident.stage for mail in racing.mail.mails.values() if mail.notice.incident]
    assert (stages, len(racing.mail.delivered)) == (["opened", "resolved"], 2)
