"""Reasons not to act: pure functions of what a reaction remembers about a subject. Each is a decision with its reason.

Times are the store's own clock. An operation that is admitted already is admitted again: killed between admission
and effect, a redelivery must not meet its own mark.
"""

from datetime import datetime, timedelta

import msgspec


class Admitted(msgspec.Struct, frozen=True):
    """Act."""


class Skipped(msgspec.Struct, frozen=True):
    """Do not act; final. *reason* names the guard and its values."""

    reason: str


type Decision = Admitted | Skipped


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """At most *runs* admissions within any *per*."""

    runs: int
    per: timedelta


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """The guards of a reaction; None turns one off."""

    cooldown: timedelta | None = None
    budget: Budget | None = None

    @property
    def horizon(self) -> timedelta:
        """How far back memory matters; zero when nothing needs to be remembered."""
        return max(self.cooldown or timedelta(), self.budget.per if self.budget else timedelta())


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An admission: the operation's digest and when (UTC)."""

    operation: str
    at: datetime


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What a reaction remembers about a subject: its admissions, oldest first, none older than the horizon."""

    entries: tuple[Entry, ...] = ()

    def admit(self, operation: str, *, now: datetime, horizon: timedelta) -> "Memory":
        """Remember the admission of *operation*, and forget what no guard asks for any more."""
        kept = tuple(entry for entry in self.entries if entry.at > now - horizon and entry.operation != operation)
        return Memory(entries=(*kept, Entry(operation=operation, at=now)))

    def forget(self, operation: str) -> "Memory":
        """Take the admission of *operation* back: what never happened suppresses nothing."""
        return Memory(entries=tuple(entry for entry in self.entries if entry.operation != operation))


def decide(guards: Guards, memory: Memory, *, operation: str, now: datetime) -> Decision:
    """Ask every guard; the first one that refuses decides."""
    if any(entry.operation == operation for entry in memory.entries):
        return Admitted()
    return _cooldown(guards.cooldown, memory, now) or _budget(guards.budget, memory, now) or Admitted()


def _cooldown(every: timedelta | None, memory: Memory, now: datetime) -> Skipped | None:
    """At most one admission per *every*."""
    last = max((entry.at for entry in memory.entries), default=None)
    if every is None or last is None or now >= last + every:
        return None
    return Skipped(f"cooldown: acted at {_clock(last)}; again from {_clock(last + every)}")


def _budget(budget: Budget | None, memory: Memory, now: datetime) -> Skipped | None:
    """At most *runs* admissions in the window that ends now."""
    if budget is None:
        return None
    spent = sorted(entry.at for entry in memory.entries if entry.at > now - budget.per)
    if len(spent) < budget.runs:
        return None
    free = spent[len(spent) - budget.runs] + budget.per
    return Skipped(f"budget: {len(spent)} of {budget.runs} runs used; again from {_clock(free)}")


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
