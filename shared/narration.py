"""What a delivery tells: one log line for each decision and each outcome."""

import logging
from collections.abc import Mapping

from shared.actions import Deferred, Done, Failed, Outcome
from shared.events import Event
from shared.ledger import Admission
from shared.overdue import tell_overdue
from shared.reactions import Matched
from shared.telemetry import Facts, emit


def facts_of(event: Event) -> Facts:
    """Return the facts by which a line can be found again."""
    return {"event": event.envelope.id, "family": event.family, "subject": event.label}


def tell_decisions(event: Event, admission: Admission) -> None:
    """Log what this delivery decided, or that there was nothing to decide."""
    for name in sorted(admission.fresh):
        record = admission.record.reactions[name]
        decided: Facts = {"reaction": name, "decision": record.decision, "reason": record.reason}
        emit("reaction.decided", {**facts_of(event), **decided})
    if not admission.record.reactions and event.passing:
        emit("event.noted", facts_of(event))
    elif not admission.record.reactions:
        emit("event.recorded", facts_of(event))
    elif not admission.fresh:
        emit("event.known", {**facts_of(event), "count": len(admission.record.pending)})


def tell_outcomes(
    event: Event, planned: Mapping[str, Matched], outcomes: Mapping[str, Outcome], admission: Admission
) -> None:
    """Log what became of each action that this delivery tried, and which mails are overdue."""
    for name, outcome in outcomes.items():
        action = type(planned[name].action(name, "")).__name__ if name in planned else ""
        facts: Facts = {**facts_of(event), "reaction": name, "action": action}
        match outcome:
            case Done():
                facts |= {"outcome": "done", "receipt": outcome.receipt, "reason": outcome.note}
            case Failed():
                facts |= {"outcome": "failed", "reason": outcome.reason}
            case Deferred():
                seconds = int(outcome.after.total_seconds())
                facts |= {"outcome": "deferred", "reason": outcome.reason, "seconds": seconds}
        emit("action.settled", facts, level=logging.WARNING if isinstance(outcome, Failed) else logging.INFO)
    tell_overdue(admission, outcomes)
