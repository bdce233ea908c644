"""A mail that shows that mails arrive: asked for through the queue, so that it goes the whole way that every mail goes.

Queue, trigger, settings, reactions.yaml, identity, allowance, mail service: whatever stands in its way is the answer,
which whoever asked reads from a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from shared.actions import Deferred, Done, Failed, Operation, Outcome, SendMail
from shared.errors import ContentionError
from shared.gateways import Queue
from shared.messages import Message
from shared.notices import Notice
from shared.post import CONTENTION, Post
from shared.ration import MAILS
from shared.settings import Settings
from shared.store import Row
from shared.telemetry import emit

#: The type of the event that asks for one, and the beginning of the row with the answer, in the partition of mails.
TEST_MAIL = "WorkspaceReactor.TestMail"
TEST = "test|"
ANSWER = "answer"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it so far: `done`, `failed` or `deferred`, why, when, and by which version of the app."""

    outcome: str
    reason: str
    at: datetime
    version: str

    @property
    def final(self) -> bool:
        """Tell whether that is the end of it."""
        return self.outcome != "deferred"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for a test mail (*by*), *to* whom (a name under `recipients`, "" for OPS_EMAIL), and its *id*."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8,40}$")]
    to: str
    by: Annotated[str, msgspec.Meta(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailProbe:
    """Sends test mails. *recipients* are those of reactions.yaml."""

    post: Post
    queue: Queue
    recipients: Mapping[str, tuple[str, ...]]
    settings: Settings
    version: str

    def deliver(self, wish: Wish, message: Message) -> None:
        """Take one delivery of the message that asks for it. Raises StorageError and DeadlineError."""
        page = self.post.store.query(MAILS, [probe_key(wish.id)])
        row = page.rows[0] if page.rows else None
        standing = read_answer(row) if row else None
        if standing and standing.final:
            return
        outcome = self._outcome(wish, page.at)
        if isinstance(outcome, Deferred):
            self.queue.send(message.encode(), after=outcome.after)
        answer = _answer(outcome, at=page.at, version=self.version)
        columns = {ANSWER: msgspec.json.encode(answer).decode()}
        written = Row(partition=MAILS, key=probe_key(wish.id), values=columns, etag=row.etag if row else None)
        self.post.store.merge(written) if row else self.post.store.insert(written)
        emit("mail.tested", {"receipt": wish.id, "outcome": answer.outcome, "reason": answer.reason})

    def _outcome(self, wish: Wish, now: datetime) -> Outcome:
        to = self.recipients.get(wish.to, ()) if wish.to else self.settings.ops_email
        if not to:
            return Failed(f"unknown recipient: {wish.to!r} is not under `recipients` of the deployed reactions.yaml")
        if self.settings.dry_run:
            return Done("", "DRY_RUN is true: everything is ready, and nothing is sent")
        installation = self.settings.installation
        whole = Operation(installation=installation, workspace="", identity=f"test|{wish.id}", reaction="")
        try:
            free = self.post.ration.reserve(whole.mail_id(), now, urgent=True)
        except ContentionError:
            free = now + CONTENTION
        if free is not None:
            return Deferred("the allowance of mails is used up", free - now)
        mail = SendMail(to=to, notice=self._notice(wish, now), priority="critical")
        return self.post.send(mail, operation=whole.mail_id(), first_sent=now)

    def _notice(self, wish: Wish, now: datetime) -> Notice:
        return Notice(
            kind="test",
            headline="Test mail",
            workspace=self.settings.installation,
            experiment="",
            run="",
            status="It works",
            time=now.isoformat(),
            reaction="send-test-mail",
            cause=f"{wish.by} asked for this mail. It went the way that every mail goes; nothing has failed.",
        )


def probe_key(name: str) -> str:
    """Row of the answer."""
    return f"{TEST}{name}"


def read_answer(row: Row) -> Answer:
    """Read the answer."""
    return msgspec.json.decode(str(row.values[ANSWER]), type=Answer)


def _answer(outcome: Outcome, *, at: datetime, version: str) -> Answer:
    match outcome:
        case Done():
            return Answer(outcome="done", reason=outcome.note or outcome.receipt, at=at, version=version)
        case Failed():
            return Answer(outcome="failed", reason=outcome.reason, at=at, version=version)
        case Deferred():
            return Answer(outcome="deferred", reason=outcome.reason, at=at, version=version)
