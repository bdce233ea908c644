"""Summaries of mails: what is merged, into which row, and what the mail then says. Pure.

A row is one mail to one list of addresses. It grows until it is mailed or full; what comes then goes into the next one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Literal

import msgspec

from shared.notices import ENTRIES, DigestEntry, Notice, characters
from shared.store import Row

#: The partition of all summaries. That of a subject has a ``|`` before its hash: no event can be told into this one.
DIGESTS = "digests"
#: `short`: mails were short; `daily`: nothing in it is urgent.
type Kind = Literal["short", "daily"]
#: So many rows a period: with those of the period before, one request reads them (shared.store.KEYS_PER_REQUEST).
PARTS = 7
#: How long a summary gathers where mails are short.
GATHER = timedelta(minutes=5)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: What a row may measure, in characters of its JSON: a table property takes 32 Ki.
CHARACTERS = 31_000
#: What is kept of a text, and of a run's id, which Azure ML allows 255 characters.
TEXT, RUN = 120, 255
MARK = 12


class Merged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Mails of one reaction that say the same of different runs: how many, since when, and the newest run.

    *workspace* is an ARM id; *first* and *last* are when it happened, as told.
    """

    headline: str
    subject: str
    workspace: str
    reaction: str
    count: int = 1
    first: str = ""
    last: str = ""
    run: str = ""


class Digest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A summary. *operations* are marks of the mails merged in it; *due* is when its live copy comes back.

    *since* is when it was due at first, *sent_at* when it was last sent: nothing is merged any more from then on.
    """

    since: datetime
    due: datetime
    merged: tuple[Merged, ...] = ()
    operations: tuple[str, ...] = ()
    sent_at: datetime | None = None
    done: bool = False

    def holds(self, operation: str) -> bool:
        """Tell whether the mail of *operation* is merged in it."""
        return _mark(operation) in self.operations

    def merge(self, notice: Notice, operation: str) -> "Digest | None":
        """Merge a mail; None where the row takes no more."""
        if self.sent_at is not None:
            return None
        new = _of(notice)
        merged = [_united(one, new) if _same(one, new) else one for one in self.merged]
        if not any(_same(one, new) for one in self.merged):
            merged.append(new)
        grown = msgspec.structs.replace(self, merged=tuple(merged), operations=(*self.operations, _mark(operation)))
        return grown if len(merged) <= ENTRIES and characters(grown) <= CHARACTERS else None

    @property
    def mails(self) -> int:
        """How many mails it stands for."""
        return len(self.operations)

    def notice(self, *, installation: str, kind: Kind, remark: str) -> Notice:
        """Return what the mail says; the same at every attempt, since nothing is merged after the first."""
        places = {one.workspace for one in self.merged}
        reactions = sorted({one.reaction for one in self.merged})
        mails = "1 mail" if self.mails == 1 else f"{self.mails} mails"
        why = "Mails are short, so these were merged into one." if kind == "short" else "What was not urgent today."
        return Notice(
            kind="digest",
            headline=f"Summary of {mails}" if kind == "short" else f"Daily summary: {mails}",
            workspace=places.pop() if len(places) == 1 else installation,
            experiment="",
            run="",
            status="",
            time=self.since.isoformat(),
            reaction=", ".join(reactions),
            cause=f"{why} {remark}".strip(),
            entries=tuple(map(_entry, sorted(self.merged, key=lambda one: (-one.count, one.headline)))),
        )


def list_id(addresses: Iterable[str]) -> str:
    """Name a list of addresses: no address stands in the state."""
    return hashlib.sha256("\0".join(sorted(addresses)).encode()).hexdigest()[:16]


def due_at(kind: Kind, now: datetime, *, daily: time) -> datetime:
    """Return when a summary that is begun *now* is mailed."""
    if kind == "short":
        return now + GATHER
    today = now.replace(hour=daily.hour, minute=daily.minute, second=0, microsecond=0)
    return today if now < today else today + DAY


def digest_keys(kind: Kind, to: str, now: datetime, *, daily: time) -> tuple[list[str], list[str]]:
    """Return the rows of this period and of the one before: a mail told again must meet itself."""
    if kind == "short":
        periods = [f"{at:%Y-%m-%dT%H}" for at in (now, now - HOUR)]
    else:
        day = due_at(kind, now, daily=daily)
        periods = [f"{at:%Y-%m-%d}" for at in (day, day - DAY)]
    this, before = ([f"{kind}|{to}|{period}|{part}" for part in range(PARTS)] for period in periods)
    return this, before


def next_period(kind: Kind, now: datetime, *, daily: time) -> datetime:
    """Return when rows of the next period are there."""
    return due_at(kind, now, daily=daily) if kind == "daily" else now.replace(minute=0, second=0, microsecond=0) + HOUR


def of_key(key: str) -> tuple[Kind, str]:
    """Return the kind of a row, and its list of addresses."""
    kind, to = key.split("|")[:2]
    return ("daily" if kind == "daily" else "short"), to


def read_digest(row: Row) -> Digest:
    """Read a row."""
    return msgspec.json.decode(str(row.values["digest"]), type=Digest)


def write_digest(digest: Digest) -> Mapping[str, str | int]:
    """Return the columns of a row."""
    return {"digest": msgspec.json.encode(digest).decode()}


def _of(notice: Notice) -> Merged:
    return Merged(
        headline=notice.headline[:TEXT],
        workspace=notice.workspace,
        subject=notice.experiment[:TEXT],
        reaction=notice.reaction,
        first=notice.time[:TEXT],
        last=notice.time[:TEXT],
        run=notice.run[:RUN],
    )


def _entry(one: Merged) -> DigestEntry:
    return DigestEntry(
        subject=one.subject,
        headline=one.headline,
        failures=one.count,
        since=one.first,
        run=one.run,
        workspace=one.workspace,
    )


def _same(one: Merged, other: Merged) -> bool:
    return _about(one) == _about(other)


def _about(one: Merged) -> tuple[str, ...]:
    return one.headline, one.subject, one.workspace.casefold(), one.reaction


def _united(one: Merged, new: Merged) -> Merged:
    """Count one more; no order of events is assumed, and the times of one sender sort as text."""
    return msgspec.structs.replace(
        one,
        count=one.count + 1,
        first=min(one.first, new.first),
        last=max(one.last, new.last),
        run=new.run if new.last >= one.last else one.run,
    )


def _mark(operation: str) -> str:
    return hashlib.sha256(operation.encode()).hexdigest()[:MARK]
