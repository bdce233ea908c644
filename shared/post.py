"""Mail within what the service allows: at once, or merged into a summary, which a wake-up mails. Nothing is dropped.

A summary is put into its row before its mail counts as done, and its wake-up into the queue before the row: killed in
between, one of them comes again and meets what is there.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import msgspec

from shared.actions import Deferred, Done, Outcome, SendMail
from shared.digests import (
    DIGESTS,
    Digest,
    Kind,
    digest_keys,
    due_at,
    list_id,
    next_period,
    read_digest,
    write_digest,
)
from shared.errors import ContentionError
from shared.gateways import MailService, Queue
from shared.limits import clock
from shared.messages import wrap
from shared.ration import TRIES, Ration
from shared.store import Row, Store, Written
from shared.telemetry import emit

#: The type of the event that wakes a summary up.
DIGEST_DUE = "WorkspaceReactor.DigestDue"
#: A wake-up this late is taken for lost; what is merged next sends another.
OVERDUE = timedelta(minutes=15)
CONTENTION = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """See shared.gateways.Mail. *daily* is when the daily summary is mailed (UTC)."""

    service: MailService
    ration: Ration
    store: Store
    queue: Queue
    daily: time
    new_token: Callable[[], str] = secrets.token_hex

    def send(self, action: SendMail, *, operation: str, first_sent: datetime) -> Outcome:
        """Send, once reserved. What the service says of its quota holds for all mails from then on."""
        outcome = self.service.send(action, operation=operation, first_sent=first_sent)
        if isinstance(outcome, Deferred) and outcome.quota:
            self.ration.close(first_sent + outcome.after)
        return outcome

    def find(self, operation: str) -> bool | Deferred:
        """See shared.gateways.MailService."""
        return self.service.find(operation)

    def divert(self, action: SendMail, *, operation: str, at: datetime) -> Outcome | None:
        """Reserve an attempt; else merge the mail into a summary, and so it is done."""
        try:
            if action.priority == "digest":
                return self._merge("daily", action, operation, at)
            urgent = action.priority == "critical"
            free = self.ration.reserve(operation, at, urgent=urgent)
            return None if free is None else self._merge("short", action, operation, at)
        except ContentionError:
            return Deferred(reason="many mails at once: tried again", after=CONTENTION, trouble=False)

    def _merge(self, kind: Kind, action: SendMail, operation: str, at: datetime) -> Outcome:
        this, before = digest_keys(kind, list_id(action.to), at, daily=self.daily)
        for _ in range(TRIES):
            rows = {row.key: row for row in self.store.query(DIGESTS, [*this, *before]).rows}
            digests = {key: read_digest(row) for key, row in rows.items()}
            if found := next((key for key, one in digests.items() if one.holds(operation)), ""):
                return _merged(found, digests[found])
            for key in this:
                standing = digests.get(key) or Digest(since=(due := due_at(kind, at, daily=self.daily)), due=due)
                grown = standing.merge(action.notice, operation)
                if grown is None:
                    continue
                if key not in rows or at >= standing.due + OVERDUE:
                    due = max(standing.due, at)
                    self.queue.send(self._wake(key, action), after=due - at)
                    grown = msgspec.structs.replace(grown, due=due)
                if self._write(key, rows.get(key), grown):
                    emit("mail.merged", {"receipt": key, "reaction": action.notice.reaction, "count": grown.mails})
                    return _merged(key, grown)
                break
            else:
                until = next_period(kind, at, daily=self.daily)
                return Deferred(reason="every summary of this time is full or mailed", after=until - at, trouble=False)
        raise ContentionError(partition=DIGESTS, key=this[0])

    def _write(self, key: str, row: Row | None, digest: Digest) -> bool:
        etag = row.etag if row else None
        changed = Row(partition=DIGESTS, key=key, values=write_digest(digest), etag=etag)
        return isinstance(self.store.merge(changed) if etag else self.store.insert(changed), Written)

    def _wake(self, key: str, action: SendMail) -> bytes:
        """Return the wake-up of a row; it is told of a workspace as every event is."""
        told = {"eventType": DIGEST_DUE, "topic": action.notice.workspace, "subject": key, "data": {"row": key}}
        return wrap({"id": self.new_token(), **told}).encode()


def _merged(key: str, digest: Digest) -> Done:
    return Done(receipt=f"{DIGESTS}/{key}", note=f"merged into the summary that is due {clock(digest.due)}")
