"""What an event's row becomes by outcomes: pure, from the row as read to the row to write."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.actions import Deferred, Done, Failed, Outcome
from shared.incidents import heard
from shared.memory import Memory
from shared.records import EventRecord, ReactionRecord, Wake


def unite(
    record: EventRecord,
    outcomes: Mapping[str, Outcome],
    *,
    seen: Wake | None,
    wake: Wake | None,
    now: datetime,
) -> EventRecord:
    """Unite *outcomes* with the row: done beats failed, and nothing done is ever undone.

    *seen* is the wake this delivery read, *wake* the live copy it sent.
    When another delivery has set a wake meanwhile, its copy is the live one: ours, on arrival, has nothing to do.
    """
    united = record.changed(_settled(record, outcomes, now))
    if not united.open:
        return united
    deferred = any(isinstance(outcome, Deferred) and outcome.trouble for outcome in outcomes.values())
    succeeded = any(isinstance(outcome, Done) for outcome in outcomes.values())
    others = record.wake if record.wake != seen else None
    since = None if succeeded else record.trouble_since
    return msgspec.structs.replace(
        united,
        wake=others or wake or record.wake,
        trouble_since=since or (now if deferred else None),
        attempts=record.attempts + deferred,
    )


def _settled(record: EventRecord, outcomes: Mapping[str, Outcome], now: datetime) -> Mapping[str, ReactionRecord]:
    """Return what *outcomes* change: an outcome is written once, but for a failure that turns out done."""
    settled: dict[str, ReactionRecord] = {}
    for name, outcome in outcomes.items():
        standing = record.reactions[name]
        match outcome:
            case Done() if not isinstance(standing.outcome, Done):
                settled[name] = msgspec.structs.replace(standing, outcome=outcome)
            case Failed() if standing.outcome is None:
                settled[name] = msgspec.structs.replace(standing, outcome=outcome, failure=standing.failure + 1)
            case Deferred() if standing.outcome is None:
                since = (standing.limited_since or now) if outcome.limit else None
                settled[name] = msgspec.structs.replace(standing, due=now + outcome.after, limited_since=since)
            case _:
                pass
    return settled


def memorable(record: ReactionRecord, outcome: Outcome) -> bool:
    """Tell whether a reaction remembers this outcome: a failure, or that a mail about an open incident was sent."""
    told = record.incident is not None and record.incident.stage != "resolved" and isinstance(outcome, Done)
    return record.pending and (told or isinstance(outcome, Failed))


def remembered(memory: Memory, record: ReactionRecord, outcome: Outcome, now: datetime) -> Memory:
    """Return what a reaction remembers once its action has an outcome: what never happened suppresses nothing."""
    kept = memory.forget(record.operation) if isinstance(outcome, Failed) else memory
    return heard(kept, record.operation, outcome, now=now) if record.incident else kept


def without_notices(record: EventRecord) -> EventRecord:
    """Return the row without the content of mails that have an outcome: it was for their next attempt."""
    over = {name: one for name, one in record.reactions.items() if one.outcome is not None and one.notice is not None}
    return record.changed({name: msgspec.structs.replace(one, notice=None) for name, one in over.items()})
