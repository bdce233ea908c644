"""How many mails may go: the mail service's allowance, a part of it kept for what is critical. Pure.

Every request counts at the service, refused ones too: so an attempt is reserved before it is made, and nothing is given
back.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from shared.memory import Entry

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Clocks of storage tell whole seconds, and the service's own is another.
MARGIN = timedelta(seconds=1)
#: One of so many mails is kept for critical ones and for summaries.
KEPT = 5
#: The most that a setting may allow: the reservations of an hour fit one table property (about 90 characters each).
MOST = 200


class Spent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The attempts of the last hour, oldest first; *closed*: until when the service itself takes nothing more."""

    entries: tuple[Entry, ...] = ()
    closed: datetime | None = None

    def under_way(self, operation: str, now: datetime) -> bool:
        """Tell whether an attempt is reserved that was never made: none is repeated sooner than that."""
        return any(entry.operation == operation and entry.at > now - MINUTE for entry in self.entries)

    def reserve(self, operation: str, now: datetime) -> "Spent":
        """Count an attempt, and forget what is over."""
        kept = tuple(entry for entry in self.entries if entry.at > now - HOUR - MARGIN)
        closed = self.closed if self.closed and self.closed > now else None
        return Spent(entries=(*kept, Entry(operation=operation, at=now)), closed=closed)

    def close(self, until: datetime) -> "Spent":
        """Have nothing go before *until*, nor before an earlier answer said."""
        return msgspec.structs.replace(self, closed=max(until, self.closed or until))


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What the mail service takes of one sender, in any minute and in any hour."""

    per_minute: int
    per_hour: int

    def free(self, spent: Spent, now: datetime, *, urgent: bool) -> datetime | None:
        """Return when a mail may go, None for now. What is not *urgent* leaves a part of the allowance alone."""
        return max(self._waits(spent, now, urgent=urgent), default=None)

    def _waits(self, spent: Spent, now: datetime, *, urgent: bool) -> Iterator[datetime]:
        if spent.closed is not None and spent.closed > now:
            yield spent.closed
        for limit, window in ((self.per_minute, MINUTE), (self.per_hour, HOUR)):
            most = limit if urgent else limit - limit // KEPT
            within = sorted(entry.at for entry in spent.entries if entry.at > now - window - MARGIN)
            if len(within) >= most:
                yield within[len(within) - most] + window + MARGIN
