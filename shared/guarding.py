"""One reaction put to its guards, and to whoever paused it: the decision, and what is remembered with it. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.actions import Action, Deferred, Operation, SendMail
from shared.guards import Admitted, Decision, Known, LineageWanted, Skipped, Waiting, decide
from shared.incidents import Noted
from shared.incidents import decide as decide_mail
from shared.lineage import Chain
from shared.memory import Memory
from shared.notices import Incident
from shared.reactions import Matched, Plan
from shared.records import ReactionRecord
from shared.reports import Failure, Report, Success
from shared.silences import Silence
from shared.switches import Pause

#: How often an event that waits for a pause to end asks again.
PAUSED = timedelta(minutes=10)
#: How long it may take to read a lineage before the reaction is given up.
LINEAGE = timedelta(hours=24)
#: Ops hear of one chain, and of one spent budget, at most once in that time.
TOLD = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The reactions of a plan that have guards to be *asked*, a memory of the subject, or one of the *whole*.

    A reaction that mails once for each incident is one of both first kinds.
    """

    asked: frozenset[str]
    remembering: frozenset[str]
    whole: frozenset[str]

    @classmethod
    def of(cls, plan: Plan) -> "Guarded":
        """Look at what matched: a reaction that does not act asks nothing."""
        matched = [item for item in plan if isinstance(item, Matched)]
        guards = {item.reaction.name: item.reaction.guards for item in matched}
        folding = frozenset(item.reaction.name for item in matched if item.report)
        return cls(
            asked=frozenset(name for name, one in guards.items() if one.asked) | folding,
            remembering=frozenset(name for name, one in guards.items() if one.horizon) | folding,
            whole=frozenset(name for name, one in guards.items() if one.whole is not None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What decisions rest on, by reaction.

    *memories* are of the subject, *wholes* of the reaction with all its subjects; *silence* is one about the subject.
    *lineage* is the chain behind the event, why it could not be read, or None as long as nobody asked. *now* is None
    when nothing was read, which is so only when no reaction of the plan has guards and none is paused.
    """

    operation_of: Callable[[str], Operation]
    label: str
    memories: Mapping[str, Memory] = field(default_factory=dict)
    wholes: Mapping[str, Memory] = field(default_factory=dict)
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    silence: Silence | None = None
    lineage: Chain | Deferred | None = None
    now: datetime | None = None
    reopen: str = ""

    def hushed(self, action: Action) -> Skipped | None:
        """Skip a mail about what is silenced; a job is started all the same."""
        return Skipped(self.silence.reason) if self.silence and isinstance(action, SendMail) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision on a reaction, and what it remembers with it. *tells*: Ops hear of it.

    *incident* is the one that its mail is about.
    """

    decision: Decision | Noted
    memory: Memory
    whole: Memory
    tells: bool = False
    incident: Incident | None = None


def ask(item: Matched, given: Given, standing: ReactionRecord | None) -> Verdict:
    """Ask whoever silenced or paused it, then its incident or its guards, and remember what follows."""
    name = item.reaction.name
    memory, whole = given.memories.get(name, Memory()), given.wholes.get(name, Memory())
    hushed = given.hushed(item.actions[name])
    if hushed and not isinstance(item.report, Success):
        return Verdict(decision=hushed, memory=memory, whole=whole)
    if given.now is None:
        unasked = Admitted() if item.report is None or isinstance(item.report, Failure) else Noted()
        return Verdict(decision=unasked, memory=memory, whole=whole)
    if item.report is not None:
        verdict = _mailing(item.report, name, given, standing, given.now)
        mails = isinstance(verdict.decision, Admitted)  # silenced: the incident is over, and nobody hears of it
        return replace(verdict, decision=hushed) if hushed and mails else verdict
    if pause := given.pauses.get(name):
        return Verdict(decision=_held(pause, given.now), memory=memory, whole=whole)
    return _guarded(item, given, standing, given.now)


def _guarded(item: Matched, given: Given, standing: ReactionRecord | None, now: datetime) -> Verdict:
    """Ask the guards, and remember what follows from their decision."""
    name, guards = item.reaction.name, item.reaction.guards
    memory, whole = given.memories.get(name, Memory()), given.wholes.get(name, Memory())
    operation, seen = given.operation_of(name).digest, memory
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
            return Verdict(decision=decision, memory=memory, whole=whole)
    return Verdict(decision=decision, memory=seen, whole=whole)


def _mailing(report: Report, name: str, given: Given, standing: ReactionRecord | None, now: datetime) -> Verdict:
    """Mail once for each incident. A pause holds mails; what happens meanwhile is remembered, and folded."""
    memory, whole = given.memories.get(name, Memory()), given.wholes.get(name, Memory())
    before = standing.incident if standing else None
    answer = decide_mail(report, memory, given.operation_of(name), now=now, before=before, known=standing is not None)
    pause = given.pauses.get(name)
    if pause and isinstance(answer.decision, Admitted):
        return Verdict(decision=_held(pause, now), memory=memory, whole=whole)
    return Verdict(decision=answer.decision, memory=answer.memory, whole=whole, incident=answer.incident)


def _held(pause: Pause, now: datetime) -> Decision:
    return Skipped(pause.reason) if pause.drop else Waiting(pause.reason, until=now + PAUSED)


def _telling(decision: Skipped, memory: Memory, whole: Memory, operation: str, now: datetime) -> Verdict:
    """Have Ops told the first time. What all subjects share is told by one: by the operation that put its mark."""
    if decision.of_all:
        first = not whole.told_by_another(operation, now=now, window=TOLD)
        whole = whole.tell(operation, now=now, window=TOLD) if first else whole
    else:
        first = not memory.has_told(decision.chain, now=now, window=TOLD)
        memory = memory.tell(decision.chain, now=now, window=TOLD) if first else memory
    return Verdict(decision=decision, memory=memory, whole=whole, tells=first)


def _unreadable(lineage: Deferred, standing: ReactionRecord | None, now: datetime) -> Decision:
    """Wait for a lineage that cannot be read, and give the reaction up after a day: never act without having looked."""
    since = (standing.limited_since if standing else None) or now
    if now >= since + LINEAGE:
        return Skipped(f"loop: the lineage could not be read for 24 h; last: {lineage.reason}", chain="lineage")
    return Waiting(f"loop: the lineage cannot be read yet: {lineage.reason}", until=now + lineage.after, since=since)
