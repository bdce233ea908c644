"""How an event stands, as its row tells: decisions, effects and what waits, in the order of the ledger. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import msgspec

import handlers
from handlers.finished import ReactionFinished
from ops.state_rows import Stored
from shared.actions import Done, Failed, mail_beside, reaction_of
from shared.errors import MalformedError
from shared.events import Event, NotOurs, parse
from shared.gateways.dead_letters import letter_of
from shared.live_copy import OVERDUE
from shared.mail import studio_link
from shared.messages import told
from shared.records import EventRecord, ReactionRecord, failure_id, read_event
from shared.settings import WORKSPACE_ID
from shared.store import Row

type State = Literal["done", "failed", "waits", "under way"]
DRY = "dry|"
#: What is done about the end of a job, by the ends of the keys.
CLOSING = {
    "verdict": "verdict",
    "tags": "tags",
    **dict.fromkeys(("finished-event", "verdict-event", "letter-event"), "event"),
}
#: Operation-Ids of mails are UUIDs; a job's name begins with its reaction, ends in 12 digits, and is none.
MAIL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What was decided about one action of a reaction, and what became of it.

    *name* is the job's name, the mail's Operation-Id or the verdict, and *link* the job's page; *state* is None where
    nothing is to be done; *note* says how it is known to be done, or why it failed; *letter* names its dead letter.
    """

    key: str
    decision: str
    reason: str
    kind: Literal["job", "mail", "verdict", "tags", "event"] | None = None
    name: str = ""
    link: str = ""
    state: State | None = None
    note: str = ""
    letter: str = ""
    sent_at: datetime | None = None
    due: datetime | None = None

    @property
    def reaction(self) -> str:
        """The reaction's name."""
        return reaction_of(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An event on record, and its actions; *problem* says why its row cannot be read. *at* is the row's last write.

    *ended* is what it tells of the job of a reaction.
    """

    row: str
    family: str
    label: str
    workspace: str
    identity: str
    event_id: str
    event_type: str
    event_time: str
    generation: int
    dry_run: bool
    at: datetime
    ended: ReactionFinished | None = None
    actions: tuple[Action, ...] = ()
    due: datetime | None = None
    trouble_since: datetime | None = None
    attempts: int = 0
    problem: str = ""

    @property
    def verdict(self) -> str:
        """The verdict on the job, "" where none was given (yet)."""
        return next((one.name for one in self.actions if one.kind == "verdict" and one.state == "done"), "")

    def overdue(self, now: datetime) -> bool:
        """Tell whether the copy that waits is so late that it counts as lost."""
        return self.due is not None and now > self.due + OVERDUE


def standing_of(stored: Stored) -> Standing:
    """Read a row; what this version cannot read is told, not raised."""
    row = stored.row
    columns = {name: str(value) for name, value in row.values.items()}
    event = _recognised(row)
    bare = Standing(
        family=columns.get("family", ""),
        workspace=columns.get("workspace", ""),
        identity=columns.get("identity", ""),
        event_id=columns.get("event_id", ""),
        event_type=columns.get("event_type", ""),
        row=f"{row.partition}/{row.key}",
        label=columns.get("subject", "") if event is None else event.label,
        ended=event if isinstance(event, ReactionFinished) else None,
        event_time=columns.get("event_time", ""),
        generation=_number(row.values.get("generation")),
        dry_run=row.key.startswith(DRY),
        at=stored.at,
    )
    try:
        record = read_event(row)
    except (msgspec.MsgspecError, ValueError) as error:
        problem = f"this version cannot read the row ({type(error).__name__}); use the version that is deployed"
        return replace(bare, problem=problem)
    return replace(
        bare,
        actions=tuple(_actions(record, bare)),
        due=record.wake.due if record.wake else None,
        trouble_since=record.trouble_since,
        attempts=record.attempts,
    )


def effects_of(row: Row) -> frozenset[str]:
    """Return the names of an event's jobs and mails; none where the row cannot be read."""
    try:
        return frozenset(one.effect for one in read_event(row).reactions.values() if one.effect)
    except (msgspec.MsgspecError, ValueError):
        return frozenset()


def label_of(row: Row) -> str:
    """Return the event's short name (model:version, monitor, experiment), its subject where the event is elsewhere."""
    event = _recognised(row)
    return str(row.values.get("subject", "")) if event is None else event.label


def _recognised(row: Row) -> Event | None:
    """Read the event as its family does; None where its content is elsewhere, or cannot be read."""
    family = next((one for one in handlers.HANDLERS if one.name == row.values.get("family")), None)
    if family is None or not row.values.get("event"):
        return None
    try:
        event: Event | NotOurs = family.recognise(parse(told(str(row.values["event"]).encode())))
    except MalformedError:
        return None
    return None if isinstance(event, NotOurs) else event


def _actions(record: EventRecord, bare: Standing) -> Iterator[Action]:
    for key, one in sorted(record.reactions.items()):
        action = Action(key=key, decision=one.decision, reason=one.reason, due=None if one.outcome else one.due)
        yield replace(action, **_effect(key, one, bare), **_outcome(key, one, bare)) if one.effect else action


def _effect(key: str, one: ReactionRecord, bare: Standing) -> dict[str, Any]:
    if key == mail_beside(reaction_of(key)) or MAIL.fullmatch(one.effect):
        return {"kind": "mail", "name": one.effect, "sent_at": one.sent_at}
    if kind := CLOSING.get(key.partition(".")[2]):
        return {"kind": kind, "name": one.outcome.receipt if isinstance(one.outcome, Done) else ""}
    link = studio_link(bare.workspace, one.effect) if WORKSPACE_ID.fullmatch(bare.workspace) else ""
    return {"kind": "job", "name": one.effect, "link": link}


def _outcome(key: str, one: ReactionRecord, bare: Standing) -> dict[str, Any]:
    match one.outcome:
        case Done():
            return {"state": "done", "note": one.outcome.note}
        case Failed():
            letter = letter_of(bare.row, failure_id(key, one.failure))
            return {"state": "failed", "note": one.outcome.reason, "letter": letter}
        case None:
            return {"state": "waits" if one.due else "under way"}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
