"""The guards of a reaction, as reactions.yaml sets them, and how their times are told."""

from datetime import datetime, timedelta

import msgspec

from shared.hours import Hours
from shared.memory import Memory

#: How long the loop guard looks back, and so how long an action is remembered for it.
LOOP_WINDOW = timedelta(days=1)


class Confirm(msgspec.Struct, frozen=True, kw_only=True):
    """Act on the last of *events* different ones within any *within*, then count anew."""

    events: int
    within: timedelta


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """At most *runs* admissions within any *per*."""

    runs: int
    per: timedelta


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """At most *times* the same reaction in a chain of reactions, and at most *depth* of any."""

    times: int
    depth: int


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """The guards of a reaction; None turns one off. *budget* is for each subject, *whole* for all of them."""

    cooldown: timedelta | None = None
    confirm: Confirm | None = None
    budget: Budget | None = None
    whole: Budget | None = None
    loop: Loop | None = None
    hours: Hours | None = None

    @property
    def asked(self) -> bool:
        """Tell whether there is any."""
        return self != Guards()

    @property
    def horizon(self) -> timedelta:
        """How far back the memory of a subject matters; zero when nothing needs to be remembered."""
        return max(
            self.cooldown or timedelta(),
            self.confirm.within if self.confirm else timedelta(),
            self.budget.per if self.budget else timedelta(),
            LOOP_WINDOW if self.loop else timedelta(),
        )

    def admit(self, memory: Memory, operation: str, now: datetime) -> Memory:
        """Remember an admission as far as any of these guards may ask for it."""
        window = self.budget.per if self.budget else timedelta()
        return memory.admit(operation, now=now, horizon=self.horizon, window=window)


def clock(at: datetime) -> str:
    """Return a time as reasons tell it."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def span(time: timedelta) -> str:
    """Return a time as reactions.yaml writes it, in the largest unit that leaves no rest."""
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1))):
        if not time % length:
            return f"{time // length}{unit}"
    return f"{time // timedelta(seconds=1)}s"


def in_words(time: timedelta) -> str:
    """Return how long it took, as people say it: ``45 s``, ``12 min``, ``3 h 5 min``."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    if not minutes:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    told = (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "")
    return " ".join(part for part in told if part)
