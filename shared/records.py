"""Rows of the ledger as typed records. A row per event, a row per (reaction, subject); one partition per subject."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.actions import Done, Failed, reaction_of
from shared.columns import column_of, key_of
from shared.lineage import Chain
from shared.memory import Memory
from shared.notices import Incident, Notice
from shared.store import Row

READABLE = 60


class ReactionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was decided for one reaction, and what became of it.

    *operation* is the operation's digest, *effect* the job's name or the mail's Operation-Id; *failure* counts the
    failures so far; *due* is when what was deferred may be decided or tried again, and *limited_since* since when it
    has been deferred for a reason that has a limit; *sent_at* and *notice* are written before a mail's first send;
    *chain* is the one behind the event where it was read, for the job to carry on; *incident* how the one stands that
    the mail is about.
    """

    decision: Literal["admitted", "skipped", "unmatched", "deferred"]
    reason: str = ""
    operation: str = ""
    effect: str = ""
    due: datetime | None = None
    sent_at: datetime | None = None
    notice: Notice | None = None
    outcome: Done | Failed | None = None
    failure: int = 0
    limited_since: datetime | None = None
    chain: Chain | None = None
    incident: Incident | None = None

    @property
    def pending(self) -> bool:
        """Admitted, and not carried out yet."""
        return self.decision == "admitted" and self.outcome is None

    @property
    def open(self) -> bool:
        """Still to be carried out, or to be decided."""
        return self.pending or self.decision == "deferred"

    def over(self, now: datetime) -> bool:
        """Tell whether what was deferred is due."""
        return self.due is None or self.due <= now

    def undecided(self, *, name: str, reopen: str, now: datetime | None) -> bool:
        """Tell whether no condition held before, the wait for a decision is over, or a replay reopens its failure."""
        if self.decision == "deferred":
            return now is not None and self.over(now)
        failed = isinstance(self.outcome, Failed) and reopen == failure_id(name, self.failure)
        return self.decision == "unmatched" or failed


class Wake(msgspec.Struct, frozen=True):
    """The one live copy of a waiting event: its token, and when it is due."""

    token: str
    due: datetime


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The row of an event: decisions and outcomes by the key of each action, and what it waits for."""

    reactions: Mapping[str, ReactionRecord] = {}
    wake: Wake | None = None
    trouble_since: datetime | None = None
    attempts: int = 0

    @property
    def pending(self) -> frozenset[str]:
        """Reactions admitted and not carried out."""
        return frozenset(name for name, record in self.reactions.items() if record.pending)

    @property
    def open(self) -> frozenset[str]:
        """Reactions not carried out, or not decided: there must be a live copy of the event."""
        return frozenset(name for name, record in self.reactions.items() if record.open)

    def changed(self, reactions: Mapping[str, ReactionRecord]) -> "EventRecord":
        """Return the row with some reactions' records replaced; where none is open then, it waits for nothing."""
        row = msgspec.structs.replace(self, reactions={**self.reactions, **reactions})
        return row if row.open else msgspec.structs.replace(row, wake=None, trouble_since=None)

    def job_beside(self, key: str) -> str:
        """Return the name of the job that goes with the mail *key*, "" where the reaction starts none."""
        reaction = reaction_of(key)
        return self.reactions[reaction].effect if reaction != key and reaction in self.reactions else ""

    def waiting(self, now: datetime) -> Mapping[str, timedelta]:
        """Return what is open and not due yet, and how long it has to wait."""
        return {name: at - now for name in self.open if (at := self.reactions[name].due) is not None and at > now}


def failure_id(reaction: str, number: int) -> str:
    """Name a failure, so that a replay reopens just that one."""
    return f"{reaction}#{number}"


def partition_key(workspace: str, subject: str) -> str:
    """Partition of everything about *subject*: readable where the characters allow, ending in a hash.

    Keys refuse slashes, ``#``, ``?`` and control characters (Azure Table storage data model).
    """
    workspace = workspace.casefold()
    readable = re.sub(r"[^a-z0-9._-]+", "-", f"{workspace.rsplit('/', 1)[-1]}.{subject.casefold()}")[:READABLE]
    return f"{readable}|{hashlib.sha256(f'{workspace}\0{subject}'.encode()).hexdigest()[:16]}"


def event_key(family: str, identity: str, generation: int) -> str:
    """Row of an event: by what happened, not by how it was told."""
    digest = hashlib.sha256(f"{family}\0{identity}".encode()).hexdigest()[:32]
    return f"event|{digest}|{generation}" if generation else f"event|{digest}"


def memory_key(reaction: str) -> str:
    """Row of what a reaction remembers: about the subject, or in its own partition about all of them."""
    return f"memory|{reaction}"


def whole_partition(reaction: str) -> str:
    """Partition of what a reaction remembers about all subjects. No subject's has an ``=`` in it."""
    return f"reaction={reaction}"


def write_event(before: EventRecord | None, after: EventRecord) -> dict[str, str | int]:
    """Return the columns that changed; a column that becomes empty is written as such, since updates merge."""
    old = before or EventRecord()
    columns: dict[str, str | int] = {
        column_of(key): _text(record) for key, record in after.reactions.items() if old.reactions.get(key) != record
    }
    if after.wake != old.wake:
        columns["wake"] = _text(after.wake) if after.wake else ""
    if after.trouble_since != old.trouble_since:
        columns["trouble_since"] = after.trouble_since.isoformat() if after.trouble_since else ""
    if after.attempts != old.attempts:
        columns["attempts"] = after.attempts
    return columns


def read_event(row: Row) -> EventRecord:
    """Read an event's row; columns and fields that this version does not know are ignored."""
    columns = row.values
    wake, trouble = str(columns.get("wake", "")), str(columns.get("trouble_since", ""))
    return EventRecord(
        reactions={
            key: msgspec.json.decode(str(text), type=ReactionRecord)
            for name, text in columns.items()
            if (key := key_of(name))
        },
        wake=msgspec.json.decode(wake, type=Wake) if wake else None,
        trouble_since=datetime.fromisoformat(trouble) if trouble else None,
        attempts=int(columns.get("attempts", 0)),
    )


def write_memory(memory: Memory) -> dict[str, str | int]:
    """Return the columns of a memory row."""
    return {"memory": _text(memory)}


def read_memory(row: Row) -> Memory:
    """Read a memory row."""
    return msgspec.json.decode(str(row.values["memory"]), type=Memory)


def _text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
