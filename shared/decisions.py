"""What an event's row becomes by deciding: pure, from the row as read to the row to write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

import msgspec

from shared.actions import Deferred, SubmitJob, alert_beside
from shared.guarding import Given, Verdict, ask
from shared.guards import Admitted, Decision, LineageWanted, Skipped, Waiting
from shared.incidents import Noted
from shared.lineage import Chain
from shared.memory import Memory
from shared.reactions import Matched, Plan, Unmatched
from shared.records import EventRecord, ReactionRecord
from shared.waits import RULE_GONE, RULE_GONE_RETRY


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The row to write, and the memories that change with it. *lineage_wanted*: ask for it, and decide again."""

    record: EventRecord
    memories: Mapping[str, Memory] = field(default_factory=dict)
    wholes: Mapping[str, Memory] = field(default_factory=dict)
    lineage_wanted: bool = False


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
            verdict = ask(item, given, record.reactions.get(name))
            if isinstance(verdict.decision, LineageWanted):
                return Decided(record=record, lineage_wanted=True)
            if not isinstance(verdict.decision, Noted):
                decided |= _led(item, verdict, verdict.decision, record, given)
            if verdict.memory != given.memories.get(name, Memory()):
                memories[name] = verdict.memory
            if verdict.whole != given.wholes.get(name, Memory()):
                wholes[name] = verdict.whole
        if name in decided or name in record.reactions:
            decided |= _following(item, record.changed(decided), given)
    return Decided(record=record.changed(decided), memories=memories, wholes=wholes)


def _led(
    item: Matched, verdict: Verdict, decision: Decision, record: EventRecord, given: Given
) -> Mapping[str, ReactionRecord]:
    """Return the record of the action that the guards were asked about, and of the mail that tells Ops."""
    name = item.reaction.name
    led = {name: _recorded(decision, item, name, record, given)}
    if verdict.incident is not None:
        led[name] = msgspec.structs.replace(led[name], incident=verdict.incident)
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
        key: _recorded(given.hushed(action) or _like(leader), item, key, record, given)
        for key, action in item.actions.items()
        if key != item.reaction.name and _undecided(record, key, given)
    }


def _recorded(decision: Decision, item: Matched, key: str, record: EventRecord, given: Given) -> ReactionRecord:
    standing, operation = record.reactions.get(key), given.operation_of(key)
    failure = standing.failure if standing else 0
    match decision:
        case Admitted():
            starts = isinstance(item.actions[key], SubmitJob)
            return ReactionRecord(
                decision="admitted",
                reason="; ".join(part for part in (item.holds, decision.reason) if part),
                operation=operation.digest,
                effect=operation.effect(item.actions[key], given.label),
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
