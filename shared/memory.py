"""What a reaction remembers about a subject, and about all of them: the facts that guards ask for. Pure."""

import hashlib
from datetime import datetime, timedelta

import msgspec

#: How many admissions are kept beyond the budget's own window: two that a guard may ask for, one to be taken back.
LATEST = 3
#: How many chains are remembered of which Ops were told, newest last.
TOLD = 20


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that counts: what it was (an operation's digest, or a chain), and when (UTC, the store's clock)."""

    operation: str
    at: datetime


class Ongoing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident that is open; shared/incidents.py has what becomes of it.

    *since* and *latest* are the times of its first and newest failure, *runs* the newest of them. *mail* is the
    operation of its last mail, *mails* how many there were, *told* how many failures they told of; *at* is when the
    last one was decided or, once it is *sent*, accepted.
    """

    thread: str
    kind: str
    owner: str = ""
    since: datetime
    latest: datetime
    failures: int = 1
    runs: tuple[str, ...] = ()
    mail: str
    mails: int = 1
    told: int = 1
    at: datetime
    sent: bool = False


class Memory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Admissions, what was seen (for `confirm`), and the chains of which Ops were told; each oldest first.

    *ongoing* is the incident that is open, *succeeded* when a run of the subject last succeeded, as its event says.
    """

    entries: tuple[Entry, ...] = ()
    seen: tuple[Entry, ...] = ()
    told: tuple[Entry, ...] = ()
    ongoing: Ongoing | None = None
    succeeded: datetime | None = None

    def admitted(self, operation: str) -> bool:
        """Tell whether *operation* counts as an admission."""
        return any(entry.operation == operation for entry in self.entries)

    def since(self, start: datetime) -> tuple[Entry, ...]:
        """Return the admissions after *start*."""
        return tuple(entry for entry in self.entries if entry.at > start)

    @property
    def last(self) -> datetime | None:
        """When it was last admitted."""
        return max((entry.at for entry in self.entries), default=None)

    def admit(self, operation: str, *, now: datetime, horizon: timedelta, window: timedelta) -> "Memory":
        """Remember the admission of *operation*, and forget what no guard asks for any more.

        A budget counts all admissions within its *window*; the other guards want the latest within *horizon*.
        """
        others = [entry for entry in self.entries if entry.at > now - horizon and entry.operation != operation]
        kept = [entry for number, entry in enumerate(reversed(others)) if entry.at > now - window or number < LATEST]
        return msgspec.structs.replace(self, entries=(*reversed(kept), Entry(operation=operation, at=now)))

    def forget(self, operation: str) -> "Memory":
        """Take the admission of *operation* back: what never happened suppresses nothing."""
        return msgspec.structs.replace(
            self, entries=tuple(entry for entry in self.entries if entry.operation != operation)
        )

    def see(self, operation: str, *, now: datetime, window: timedelta, most: int) -> "Memory":
        """Remember that the event of *operation* came; it counts once, from its first coming, within *window*."""
        kept = [entry for entry in self.seen if entry.at > now - window]
        if not any(entry.operation == operation for entry in kept):
            kept.append(Entry(operation=operation, at=now))
        return msgspec.structs.replace(self, seen=tuple(kept[-most:]))

    def tell(self, chain: str, *, now: datetime, window: timedelta) -> "Memory":
        """Remember that Ops are told of *chain*."""
        mark = _mark(chain)
        kept = [entry for entry in self.told if entry.at > now - window and entry.operation != mark]
        return msgspec.structs.replace(self, told=(*kept, Entry(operation=mark, at=now))[-TOLD:])

    def has_told(self, chain: str, *, now: datetime, window: timedelta) -> bool:
        """Tell whether Ops were told of *chain* within *window*."""
        return any(entry.operation == _mark(chain) and entry.at > now - window for entry in self.told)

    def told_by_another(self, operation: str, *, now: datetime, window: timedelta) -> bool:
        """Tell whether Ops were told anything within *window* but of *operation*."""
        return any(entry.operation != _mark(operation) and entry.at > now - window for entry in self.told)


def _mark(chain: str) -> str:
    """Name a chain so that its row stays bounded: a root event's id may be long."""
    return hashlib.sha256(chain.encode()).hexdigest()[:32]
