"""Reasons not to act: pure functions of what a reaction remembers about a subject. Each is a decision with its reason.

Times are the store's own clock. An operation that is admitted already is admitted again: killed between admission
and effect, a redelivery must not meet its own mark.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from shared.limits import LOOP_WINDOW, Budget, Confirm, Guards, clock, span
from shared.lineage import Chain
from shared.memory import Memory

#: The lineage is looked up from the third action on a subject within LOOP_WINDOW.
LOOP_ACTIONS = 2


class Admitted(msgspec.Struct, frozen=True):
    """Act. *reason* says what the guards met, in numbers."""

    reason: str = ""


class Skipped(msgspec.Struct, frozen=True):
    """Do not act; final. *reason* names the guard and its values; *chain* is set where Ops have to hear of it.

    They hear once of each chain: what a loop goes through is one, all that a budget holds back is another. *of_all*:
    it concerns all subjects of the reaction, and one of them tells.
    """

    reason: str
    chain: str = ""
    of_all: bool = False


class Waiting(msgspec.Struct, frozen=True):
    """Do not act yet; ask again *until* then. *since* is set where waiting has a limit."""

    reason: str
    until: datetime
    since: datetime | None = None


class LineageWanted(msgspec.Struct, frozen=True):
    """It takes the lineage of the subject to decide, which is not part of the event."""


type Decision = Admitted | Skipped | Waiting | LineageWanted


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to go by: memories of the subject and of the whole reaction, and the chain behind the event.

    *memory* holds the event itself among what was seen. *chain* is None as long as it was not looked up.
    """

    reaction: str
    operation: str
    now: datetime
    memory: Memory = Memory()
    whole: Memory = Memory()
    chain: Chain | None = None


def decide(guards: Guards, known: Known) -> Decision:
    """Ask every guard; the first one that refuses decides. Last the one that may cost a look at Azure ML."""
    if known.memory.admitted(known.operation):
        return Admitted(f"admitted before{_told(guards, known)}")
    for guard in (_hours, _confirm, _cooldown, _budget, _whole, _loop):
        if refusal := guard(guards, known):
            return refusal
    return Admitted(_told(guards, known).removeprefix("; "))


def _hours(guards: Guards, known: Known) -> Waiting | None:
    """Not within the given hours: the event waits."""
    until = guards.hours.until(known.now) if guards.hours else None
    if guards.hours is None or until is None:
        return None
    return Waiting(f"hours: not within {guards.hours.told}; waits until {clock(until)}", until=until)


def _confirm(guards: Guards, known: Known) -> Skipped | None:
    """Not before so many different events came since the last admission."""
    if guards.confirm is None or (seen := _seen(guards.confirm, known)) >= guards.confirm.events:
        return None
    days = span(guards.confirm.within)
    return Skipped(f"confirm: {seen} of {guards.confirm.events} events within {days}; acts on the last of them")


def _seen(confirm: Confirm, known: Known) -> int:
    """Count the different events within the window, this one included, that no admission has used up."""
    start = max(known.now - confirm.within, known.memory.last or known.now - confirm.within)
    return sum(entry.at > start or entry.operation == known.operation for entry in known.memory.seen)


def _cooldown(guards: Guards, known: Known) -> Skipped | None:
    """At most one admission per *cooldown*."""
    last = known.memory.last
    if guards.cooldown is None or last is None or known.now >= last + guards.cooldown:
        return None
    return Skipped(f"cooldown: acted at {clock(last)}; again from {clock(last + guards.cooldown)}")


def _budget(guards: Guards, known: Known) -> Skipped | None:
    """At most *runs* admissions for the subject in the window that ends now."""
    return _spent(guards.budget, known.memory, known.now, "runs used")


def _whole(guards: Guards, known: Known) -> Skipped | None:
    """At most *runs* admissions of the reaction, whatever the subject; a reservation of this operation counts."""
    if known.whole.admitted(known.operation):
        return None
    refusal = _spent(guards.whole, known.whole, known.now, "runs of the whole reaction used")
    return msgspec.structs.replace(refusal, of_all=True) if refusal else None


def _spent(budget: Budget | None, memory: Memory, now: datetime, used: str) -> Skipped | None:
    if budget is None:
        return None
    spent = sorted(entry.at for entry in memory.since(now - budget.per))
    if len(spent) < budget.runs:
        return None
    free = spent[len(spent) - budget.runs] + budget.per
    reason = f"budget: {len(spent)} of {budget.runs} {used}; again from {clock(free)}"
    return Skipped(reason, chain="budget")


def _loop(guards: Guards, known: Known) -> Skipped | LineageWanted | None:
    """Not when reactions go round in a circle. The chain is asked for from the third action in a day on."""
    if guards.loop is None:
        return None
    if known.chain is None:
        acted = len(known.memory.since(known.now - LOOP_WINDOW))
        return LineageWanted() if acted >= LOOP_ACTIONS else None
    times, depth = known.chain.reactions.count(known.reaction), known.chain.depth
    if times >= guards.loop.times:
        return Skipped(
            f"loop: {known.reaction} acted {times} times in this chain, {guards.loop.times} are the limit; "
            f"the chain: {_way(known.chain)}",
            chain=known.chain.root or "loop",
        )
    if depth >= guards.loop.depth:
        return Skipped(
            f"loop: {depth} reactions in this chain, {guards.loop.depth} are the limit; the chain: {_way(known.chain)}",
            chain=known.chain.root or "loop",
        )
    return None


def _way(chain: Chain) -> str:
    return " > ".join(chain.reactions)


def _told(guards: Guards, known: Known) -> str:
    """Say what the guards met that let it pass, each part after a semicolon."""
    return "".join(f"; {part}" for part in _numbers(guards, known))


def _numbers(guards: Guards, known: Known) -> Iterator[str]:
    if guards.confirm:
        events = guards.confirm.events
        yield f"{events} of {events} events within {span(guards.confirm.within)}"
    if guards.cooldown:
        yield "no cooldown running"
    for budget, memory, used in (
        (guards.budget, known.memory, "runs of the budget"),
        (guards.whole, known.whole, "runs of the whole reaction"),
    ):
        if budget:
            others = [one for one in memory.since(known.now - budget.per) if one.operation != known.operation]
            yield f"{len(others) + 1} of {budget.runs} {used}"
    if guards.loop and known.chain is not None and known.chain.depth:
        yield f"no loop: {_way(known.chain)} came before"
