"""Reminders of an incident: after each of its mails a delayed message that comes back when the interval is over.

There is no timer and no scan. The message is an event like any other, of a type that nobody subscribes to. It is sent
before the mail's outcome is on record: killed in between, it is sent again, which is harmless, because what happened is
the same, that the interval after mail *n* is over, and one event has one row.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.actions import Deferred, Failed, Outcome
from shared.events import Envelope, Event
from shared.incidents import interval
from shared.messages import wrap
from shared.notices import Incident
from shared.reports import Due
from shared.telemetry import Facts, emit

if TYPE_CHECKING:  # who only recognises a reminder needs no ledger
    from shared.gateways import Queue
    from shared.ledger import Admission

REMINDER_DUE = "WorkspaceReactor.ReminderDue"


def send_reminders(queue: "Queue", event: Event, outcomes: Mapping[str, Outcome], admission: "Admission") -> None:
    """Send a reminder for each mail about an open incident that has an outcome. Raises StorageError."""
    for name, outcome in outcomes.items():
        incident = admission.record.reactions[name].incident
        if incident is None or incident.stage == "resolved" or isinstance(outcome, Deferred):
            continue
        if incident.stage == "opened" and isinstance(outcome, Failed):  # then there is none
            continue
        after = interval(incident.number)
        at = (admission.now + after).isoformat()
        told = reminder(event.workspace, event.subject, name, incident, at=at)
        queue.send(wrap(told).encode(), after=after)
        facts: Facts = {"event": event.envelope.id, "family": event.family, "subject": event.label, "reaction": name}
        emit("reminder.sent", {**facts, "seconds": int(after.total_seconds())})


def reminder(workspace: str, experiment: str, reaction: str, incident: Incident, *, at: str) -> dict[str, object]:
    """Return the event that the interval after a mail of *reaction* about *incident* is over."""
    return {
        "id": f"{incident.thread}-{incident.number}",
        "topic": workspace,
        "subject": f"incidents/{incident.thread}/mails/{incident.number}",
        "eventType": REMINDER_DUE,
        "eventTime": at,
        "data": {
            "experimentName": experiment,
            "reaction": reaction,
            "thread": incident.thread,
            "number": incident.number,
        },
        "dataVersion": "1",
    }


def due_of(envelope: Envelope) -> Due:
    """Return what a reminder says. Raises MalformedError."""
    number = envelope.text("number")
    return Due(thread=envelope.text("thread"), number=int(number) if number.isdecimal() else 0)
