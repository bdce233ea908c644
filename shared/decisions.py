"""What an event's row becomes by deciding: pure, from the row as read to the row to write."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from shared.actions import Action, Deferred, Operation, SubmitJob, alert_beside
from shared.guards import Admitted, Decision, Known, LineageWanted, Skipped, Waiting, decide
from shared.lineage import Chain
from shared.memory import Memory
from shared.reactions import Matched, Plan, Unmatched
from shared.records import EventRecord, ReactionRecord
from shared.switches import Pause

#: How often an event that waits for a pause to end asks again.
PAUSED = timedelta(minutes=10)
#: How long it may take to read a lineage before the reaction is given up.
LINEAGE = timedelta(hours=24)
#: How long the rule of a reaction may be missing: a rolling update, a roll-back.
RULE_GONE, RULE_GONE_RETRY = timedelta(minutes=30), timedelta(minutes=5)
#: Ops hear of one chain, and of one spent budget, at most once in that time.
TOLD = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What decisions rest on, by reaction.

    *memories* are of the subject, *wholes* of the reaction with all its subjects. *lineage* is the chain behind the
    event, why it could not be read, or None as long as nobody asked. *now* is None when nothing was read, which is so
    only when no reaction of the plan has guards and none is paused.
    """

    operation_of: Callable[[str], Operation]
    label: str
    memories: Mapping[str, Memory] = field(default_factory=dict)
    wholes: Mapping[str, Memory] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    lineage: Chain | Deferred | None = None
    now: datetime | None = None
    reopen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The row to write, and the memories that change with it. *lineage_wanted*: ask for it, and decide again."""

    record: EventRecord
    memories: Mapping[str, Memory] = field(default_factory=dict)
    wholes: Mapping[str, Memory] = field(default_factory=dict)
    lineage_wanted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """A decision on a reaction, and what it remembers with it. *tells*: Ops hear of it."""

    decision: Decision
    memory: Memory
    whole: Memory
    tells: bool = False


def decide_event(record: EventRecord, plan: Plan, given: Given) -> Decided:
    """Decide each reaction that is undecided, or whose wait for a decision is over.

    What was decided stays: a guard's skip is final, and an admitted reaction is not asked again.
    """
    decided = dict(_without_rule(record, plan, given.now))
    memories: dict[str, Memory] = {}
    wholes: dict[str, Memory] = {}
    for item in plan:
        name = item.reaction.name
        if isinstance(item, Unmatched):
            if _undecided(record, name, given):
                decided[name] = ReactionRecord(decision="unmatched", reason=item.reason)
            continue
        if _undecided(record, name, given):
            verdict = _verdict(item, given, record.reactions.get(name))
            if isinstance(verdict.decision, LineageWanted):
                return Decided(record=record, lineage_wanted=True)
            decided |= _led(item, verdict, record, given)
            if verdict.memory != given.memories.get(name, Memory()):
                memories[name] = verdict.memory
            if verdict.whole != given.wholes.get(name, Memory()):
                wholes[name] = verdict.whole
        decided |= _following(item, record.changed(decided), given)
    return Decided(record=record.changed(decided), memories=memories, wholes=wholes)


def _led(item: Matched, verdict: _Verdict, record: EventRecord, given: Given) -> Mapping[str, ReactionRecord]:
    """Return the record of the action that the guards were asked about, and of the mail that tells Ops."""
    name, decision = item.reaction.name, verdict.decision
    led = {name: _recorded(decision, item.actions[name], name, record, given)}
    if verdict.tells and isinstance(decision, Skipped):
        alert = alert_beside(name)
        operation = given.operation_of(alert)
        led[alert] = ReactionRecord(
            decision="admitted", reason=decision.reason, operation=operation.digest, effect=operation.mail_id()
        )
    return led


def _following(item: Matched, record: EventRecord, given: Given) -> Mapping[str, ReactionRecord]:
    """Return the record of a mail that goes with a job: whatever was decided about that, without a guard of its own."""
    leader = record.reactions[item.reaction.name]
    if leader.effect == given.operation_of(item.reaction.name).mail_id():
        return {}  # a mail alone when it was decided; the rule has gained a job since, but what was decided stays
    return {
        key: _recorded(_like(leader), action, key, record, given)
        for key, action in item.actions.items()
        if key != item.reaction.name and _undecided(record, key, given)
    }


def _verdict(item: Matched, given: Given, standing: ReactionRecord | None) -> _Verdict:
    """Ask pause and guards about a reaction, and remember what follows from their decision."""
    name, guards = item.reaction.name, item.reaction.guards
    memory, whole = given.memories.get(name, Memory()), given.wholes.get(name, Memory())
    if given.now is None:
        return _Verdict(decision=Admitted(), memory=memory, whole=whole)
    if pause := given.pauses.get(name):
        waiting = Skipped(pause.reason) if pause.drop else Waiting(pause.reason, until=given.now + PAUSED)
        return _Verdict(decision=waiting, memory=memory, whole=whole)
    operation, now = given.operation_of(name).digest, given.now
    seen = memory
    if guards.confirm:
        seen = memory.see(operation, now=now, window=guards.confirm.within, most=guards.confirm.events)
    chain = given.lineage if isinstance(given.lineage, Chain) else None
    known = Known(reaction=name, operation=operation, now=now, memory=seen, whole=whole, chain=chain)
    decision = decide(guards, known)
    if isinstance(decision, LineageWanted) and isinstance(given.lineage, Deferred):
        decision = _unreadable(given.lineage, standing, now)
    match decision:
        case Admitted():
            seen = guards.admit(seen, operation, now) if guards.horizon else seen
            if guards.whole and not whole.admitted(operation):
                whole = whole.admit(operation, now=now, horizon=guards.whole.per, window=guards.whole.per)
        case Skipped() if decision.chain:
            return _telling(decision, seen, whole.forget(operation), operation, now)
        case Skipped():
            whole = whole.forget(operation)
        case _:
            return _Verdict(decision=decision, memory=memory, whole=whole)
    return _Verdict(decision=decision, memory=seen, whole=whole)


def _telling(decision: Skipped, memory: Memory, whole: Memory, operation: str, now: datetime) -> _Verdict:
    """Have Ops told the first time. What all subjects share is told by one: by the operation that put its mark."""
    if decision.of_all:
        first = not whole.told_by_another(operation, now=now, window=TOLD)
        whole = whole.tell(operation, now=now, window=TOLD) if first else whole
    else:
        first = not memory.has_told(decision.chain, now=now, window=TOLD)
        memory = memory.tell(decision.chain, now=now, window=TOLD) if first else memory
    return _Verdict(decision=decision, memory=memory, whole=whole, tells=first)


def _unreadable(lineage: Deferred, standing: ReactionRecord | None, now: datetime) -> Decision:
    """Wait for a lineage that cannot be read, and give the reaction up after a day: never act without having looked."""
    since = (standing.limited_since if standing else None) or now
    if now >= since + LINEAGE:
        return Skipped(f"loop: the lineage could not be read for 24 h; last: {lineage.reason}", chain="lineage")
    return Waiting(f"loop: the lineage cannot be read yet: {lineage.reason}", until=now + lineage.after, since=since)


def _recorded(decision: Decision, action: Action, key: str, record: EventRecord, given: Given) -> ReactionRecord:
    standing, operation = record.reactions.get(key), given.operation_of(key)
    failure = standing.failure if standing else 0
    match decision:
        case Admitted():
            starts = isinstance(action, SubmitJob)
            return ReactionRecord(
                decision="admitted",
                reason="; ".join(part for part in ("every condition holds", decision.reason) if part),
                operation=operation.digest,
                effect=operation.job_name(given.label) if starts else operation.mail_id(),
                failure=failure,
                chain=_chain(given.lineage) if starts else None,
            )
        case Skipped():
            return ReactionRecord(decision="skipped", reason=decision.reason, failure=failure)
        case Waiting():
            due, since = decision.until, decision.since
            return ReactionRecord(
                decision="deferred", reason=decision.reason, due=due, limited_since=since, failure=failure
            )
        case LineageWanted():
            raise TypeError("ask for the lineage, then decide")
    assert_never(decision)


def _chain(lineage: Chain | Deferred | None) -> Chain | None:
    return lineage if isinstance(lineage, Chain) and lineage.depth else None


def _without_rule(record: EventRecord, plan: Plan, now: datetime | None) -> Iterator[tuple[str, ReactionRecord]]:
    """Have what waits for a decision wait for its rule, if that is gone, and give it up in the end."""
    planned = {key for item in plan for key in (item.actions if isinstance(item, Matched) else (item.reaction.name,))}
    for key, standing in record.reactions.items():
        if key in planned or standing.decision != "deferred" or now is None or not standing.over(now):
            continue
        since = standing.limited_since or now
        gone = "rule_gone: the rule was removed, or does something else now"
        if now >= since + RULE_GONE:
            yield key, ReactionRecord(decision="skipped", reason=gone)
        else:
            due = now + RULE_GONE_RETRY
            yield key, ReactionRecord(decision="deferred", reason=gone, due=due, limited_since=since)


def _undecided(record: EventRecord, key: str, given: Given) -> bool:
    standing = record.reactions.get(key)
    return standing is None or standing.undecided(name=key, reopen=given.reopen, now=given.now)


def _like(leader: ReactionRecord) -> Decision:
    """Decide as was decided about the job that a mail goes with."""
    if leader.decision == "skipped":
        return Skipped(leader.reason)
    if leader.decision == "deferred" and leader.due is not None:
        return Waiting(leader.reason, until=leader.due, since=leader.limited_since)
    return Admitted(leader.reason.partition("; ")[2])
