"""A summary that is due: sealed, mailed and marked as done, however often its wake-up comes."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from shared.actions import Deferred, Done, Failed, Operation, Outcome, SendMail
from shared.digests import DIGESTS, Digest, list_id, of_key, read_digest, write_digest
from shared.errors import ContentionError
from shared.gateways import DeadLetters, Queue
from shared.messages import Message
from shared.post import CONTENTION, Post
from shared.ration import TRIES
from shared.settings import Settings
from shared.store import Row, Written
from shared.telemetry import Facts, emit
from shared.waits import MAIL_OVERDUE

#: Clocks of storage tell whole seconds: a copy may come that much too early.
EARLY = timedelta(seconds=1)
#: As in shared.orchestration: a second delivery gives the first one this long before it looks the mail up.
SENDING = timedelta(minutes=1)
GONE = "The list of addresses it was for is no longer in reactions.yaml."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """A row as it stands after a step, and what came of that."""

    row: Row
    digest: Digest
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestMail:
    """Mails summaries. *lists* are the lists of addresses of reactions.yaml; OPS_EMAIL gets what is for none."""

    post: Post
    queue: Queue
    dead_letters: DeadLetters
    settings: Settings
    lists: Iterable[tuple[str, ...]]

    def deliver(self, key: str, message: Message) -> None:
        """Take one delivery of the wake-up of row *key*. Raises StorageError and DeadlineError."""
        for _ in range(TRIES):
            page = self.post.store.query(DIGESTS, [key])
            digest = read_digest(page.rows[0]) if page.rows else None
            if digest is None or digest.done:
                emit("digest.known", {"receipt": key})
                return
            if standing := self._step(page.rows[0], digest, page.at):
                self._settle(standing, message, page.at)
                return
        self.queue.send(message.encode(), after=CONTENTION)

    def _step(self, row: Row, digest: Digest, now: datetime) -> _Standing | None:
        """Go one step; None when another writer was quicker, and the row has to be read again."""
        operation = self._operation(row.key)
        if known := self._known(digest, operation, now):
            return _Standing(row=row, digest=digest, outcome=known)
        try:
            free = self.post.ration.reserve(operation, now, urgent=True)
        except ContentionError:
            free = now + CONTENTION
        if free is not None:
            wait = Deferred("the allowance of mails is used up", free - now)
            return _Standing(row=row, digest=digest, outcome=wait)
        sealed = msgspec.structs.replace(digest, sent_at=now)
        written = self._write(row, sealed)
        if written is None:
            return None
        outcome = self.post.send(self._mail(row.key, sealed), operation=operation, first_sent=now)
        return _Standing(row=written, digest=sealed, outcome=outcome)

    def _known(self, digest: Digest, operation: str, now: datetime) -> Outcome | None:
        """Say why it is not to be sent now: too early, another delivery is sending, or it is sent."""
        if digest.sent_at is None:
            early = digest.since - now
            return Deferred("not due yet", early, trouble=False) if early > EARLY else None
        if now < digest.sent_at + SENDING:
            return Deferred("the mail is being sent by another delivery", SENDING)
        found = self.post.find(operation)
        if isinstance(found, Deferred):
            return found
        return Done(operation, "looked up: sent by an earlier attempt") if found else None

    def _settle(self, standing: _Standing, message: Message, now: datetime) -> None:
        row, digest, outcome = standing.row, standing.digest, standing.outcome
        facts: Facts = {"receipt": row.key, "count": digest.mails}
        match outcome:
            case Done():
                self._write(row, msgspec.structs.replace(digest, done=True))
                emit("digest.sent", {**facts, "reason": outcome.note})
            case Failed():
                name = f"{DIGESTS}/{row.key}"
                letter = self.dead_letters.keep_event(message, row=name, failure="digest#1", reason=outcome.reason)
                emit("event.dead_lettered", {"receipt": letter, "reason": outcome.reason}, level=logging.WARNING)
            case Deferred():
                self.queue.send(message.encode(), after=outcome.after)
                self._write(row, msgspec.structs.replace(digest, due=now + outcome.after))
                emit("digest.waits", {**facts, "reason": outcome.reason, "seconds": int(outcome.after.total_seconds())})
                if now >= digest.since + MAIL_OVERDUE:
                    late = int((now - digest.since).total_seconds())
                    emit("mail.overdue", {**facts, "reason": outcome.reason, "seconds": late}, level=logging.ERROR)

    def _mail(self, key: str, digest: Digest) -> SendMail:
        kind, to = of_key(key)
        addresses = next((one for one in self.lists if list_id(one) == to), None)
        remark = "" if addresses else GONE
        notice = digest.notice(installation=self.settings.installation, kind=kind, remark=remark)
        return SendMail(to=addresses or self.settings.ops_email, notice=notice, priority="critical")

    def _operation(self, key: str) -> str:
        whole = Operation(installation=self.settings.installation, workspace="", identity=f"digest|{key}", reaction="")
        return whole.mail_id()

    def _write(self, row: Row, digest: Digest) -> Row | None:
        """Write the row as it was read, and return it with its new version; None when another writer was quicker."""
        columns = write_digest(digest)
        answer = self.post.store.merge(Row(partition=row.partition, key=row.key, values=columns, etag=row.etag))
        if not isinstance(answer, Written):
            return None
        return Row(partition=row.partition, key=row.key, values=columns, etag=answer.etags[0])
