"""What an event's row becomes: pure functions from the row as read to the row to write."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from shared.actions import Action, Deferred, Done, Failed, Operation, Outcome, SubmitJob
from shared.guards import Memory, Skipped, decide
from shared.reactions import Matched, Plan, Unmatched
from shared.records import EventRecord, ReactionRecord, Wake


def decide_event(
    record: EventRecord,
    plan: Plan,
    *,
    operation_of: Callable[[str], Operation],
    label: str,
    memories: Mapping[str, Memory],
    now: datetime | None,
    reopen: str = "",
) -> tuple[EventRecord, Mapping[str, Memory]]:
    """Decide each reaction that is undecided; return the row, and the memories that change with it.

    What was decided stays: a guard's skip is final, and an admitted reaction is not asked again. *now* is None
    when nothing was read, which is so only when no reaction of the plan has guards.
    """
    decided: dict[str, ReactionRecord] = {}
    remembered: dict[str, Memory] = {}
    for item in plan:
        name = item.reaction.name
        if isinstance(item, Unmatched):
            if _undecided(record, name, reopen):
                decided[name] = ReactionRecord(decision="unmatched", reason=item.reason)
            continue
        for key, action in item.actions.items():
            if not _undecided(record, key, reopen):
                continue
            if key != name and _mailed(record.reactions.get(name), operation_of(name)):
                continue  # the rule has gained a job since: what was decided stays
            operation, memory = operation_of(key), memories.get(name, Memory())
            # The guards are asked once for a reaction: its mail goes with its job, whatever was decided about that.
            leader = decided.get(name, record.reactions.get(name)) if key != name else None
            refusal = _refusal(item, memory, operation, now) if leader is None else _like(leader)
            failure = record.reactions[key].failure if key in record.reactions else 0
            decided[key] = _decided(item, action, refusal, operation, label=label, failure=failure)
            horizon = item.reaction.guards.horizon
            if refusal is None and leader is None and horizon and now is not None:
                remembered[name] = memory.admit(operation.digest, now=now, horizon=horizon)
    return changed(record, decided), remembered


def _decided(
    item: Matched, action: Action, refusal: Skipped | None, operation: Operation, *, label: str, failure: int
) -> ReactionRecord:
    if refusal is not None:
        return ReactionRecord(decision="skipped", reason=refusal.reason, failure=failure)
    return ReactionRecord(
        decision="admitted",
        reason=_why(item),
        operation=operation.digest,
        effect=operation.job_name(label) if isinstance(action, SubmitJob) else operation.mail_id(),
        failure=failure,
    )


def _undecided(record: EventRecord, key: str, reopen: str) -> bool:
    standing = record.reactions.get(key)
    return standing is None or standing.undecided(name=key, reopen=reopen)


def _mailed(standing: ReactionRecord | None, operation: Operation) -> bool:
    """Tell whether the reaction was a mail alone when it was decided."""
    return standing is not None and standing.effect == operation.mail_id()


def _like(leader: ReactionRecord) -> Skipped | None:
    return Skipped(leader.reason) if leader.decision == "skipped" else None


def _refusal(item: Matched, memory: Memory, operation: Operation, now: datetime | None) -> Skipped | None:
    if now is None:
        return None
    decision = decide(item.reaction.guards, memory, operation=operation.digest, now=now)
    return decision if isinstance(decision, Skipped) else None


def _why(item: Matched) -> str:
    guards = item.reaction.guards
    asked = (("no cooldown running", guards.cooldown), ("within the budget", guards.budget))
    return ", ".join(["every condition holds", *(told for told, guard in asked if guard is not None)])


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
    united = changed(record, _settled(record, outcomes, now))
    if not united.pending:
        return msgspec.structs.replace(united, wake=None, trouble_since=None)
    deferred = any(isinstance(outcome, Deferred) for outcome in outcomes.values())
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


def without_notices(record: EventRecord) -> EventRecord:
    """Return the row without the content of mails that have an outcome: it was for their next attempt."""
    over = {name: one for name, one in record.reactions.items() if one.outcome is not None and one.notice is not None}
    return changed(record, {name: msgspec.structs.replace(one, notice=None) for name, one in over.items()})


def changed(record: EventRecord, reactions: Mapping[str, ReactionRecord]) -> EventRecord:
    """Return the row with some reactions' records replaced."""
    return msgspec.structs.replace(record, reactions={**record.reactions, **reactions})
