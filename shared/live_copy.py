"""The one live copy of an event that waits: put into the queue with a delay, named in the event's row by its token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from shared.actions import Deferred, Outcome
from shared.gateways import Queue
from shared.ledger import Admission
from shared.messages import Message
from shared.records import Wake

#: A wake-up this late is taken for lost: any delivery may then carry the event on.
OVERDUE = timedelta(minutes=15)
CONTENTION = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCopy:
    """Puts copies of *message* back. *new_token* and *jitter* (0 to 1) are the randomness. Raises StorageError."""

    message: Message
    queue: Queue
    new_token: Callable[[], str]
    jitter: Callable[[], float]

    def drives(self, admission: Admission) -> bool:
        """Tell whether this is the live copy, or there is none (any more)."""
        wake = admission.record.wake
        ours = {self.message.token, self.message.replaces}  # the copy may be quicker than the row that names it
        return wake is None or wake.token in ours or admission.now >= wake.due + OVERDUE

    def wake(self, admission: Admission, outcomes: Mapping[str, Outcome]) -> Wake | None:
        """Put one copy back for the earliest of what waits, unless a live copy waits already."""
        waits = [outcome.after for outcome in outcomes.values() if isinstance(outcome, Deferred)]
        if not self.drives(admission):
            return None
        waits += [wait for name, wait in admission.record.waiting(admission.now).items() if name not in outcomes]
        return self.renew(admission, min(waits)) if waits else None

    def renew(self, admission: Admission, after: timedelta) -> Wake:
        """Put a copy back that takes the place of the one which the row names."""
        token = self.new_token()
        replaced = admission.record.wake.token if admission.record.wake else ""
        return Wake(token=token, due=admission.now + self.put_back(token, after, replaces=replaced))

    def put_back(self, token: str, after: timedelta, *, replaces: str) -> timedelta:
        """Put a copy into the queue; jitter keeps what waits for one cause from coming back at one moment."""
        delay = after * (1 + self.jitter() / 10)
        copy = msgspec.structs.replace(self.message, token=token, replaces=replaces)
        self.queue.send(copy.encode(), after=delay)
        return delay
