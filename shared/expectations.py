"""Jobs that should be over by now: with each start a delayed message goes into the queue, and looks whether they are.

There is no timer and no scan. The message is an event like any other, of a type that nobody subscribes to. It is sent
before the start is on record: killed in between, it is sent again, which is harmless, because one event has one row.
"""

from collections.abc import Mapping

from shared.actions import Done, Outcome, SubmitJob
from shared.events import Event
from shared.gateways import Queue
from shared.ledger import Admission
from shared.messages import wrap
from shared.reactions import Matched

OVERDUE_CHECK = "WorkspaceReactor.OverdueCheck"


def expect_ends(
    queue: Queue, event: Event, planned: Mapping[str, Matched], outcomes: Mapping[str, Outcome], admission: Admission
) -> None:
    """Send a message for each job that was started and has a time to be over in. Raises StorageError."""
    for name, outcome in outcomes.items():
        item = planned.get(name)
        starts = item is not None and isinstance(item.actions.get(name), SubmitJob)
        expect = item.reaction.run.expect if item and starts and item.reaction.run else None
        if expect is None or not isinstance(outcome, Done):
            continue
        due = (admission.now + expect.time).isoformat()
        job = admission.record.reactions[name].effect
        told = overdue_check(event, reaction=name, job=job, within=expect.within, due=due)
        queue.send(wrap(told).encode(), after=expect.time)


def overdue_check(event: Event, *, reaction: str, job: str, within: str, due: str) -> dict[str, object]:
    """Return the event that the time is over which *job* had, started by *reaction* for *event*."""
    return {
        "id": f"{job}-overdue",
        "topic": event.workspace,
        "subject": f"jobs/{job}/overdue",
        "eventType": OVERDUE_CHECK,
        "eventTime": due,
        "data": {
            "job": job,
            "reaction": reaction,
            "subject": event.subject,
            "label": event.label,
            "within": within,
        },
        "dataVersion": "1",
    }
