"""What a mail says, as facts; the templates in shared/mail make text and HTML of it."""

from collections.abc import Mapping
from typing import Literal

import msgspec

#: What a notice may measure in the ledger (characters of its JSON), so that it fits a table property of 32 Ki
#: characters with what stands beside it; and its cause thereof, which is cut. Tags that do not fit then are left out.
NOTICE_CHARACTERS = 28_000
CAUSE_CHARACTERS = 10_000
#: How many measurements a notice names, and how many failures a digest; the others are counted.
MEASUREMENTS = 20
ENTRIES = 40


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A metric that a monitor told as beyond its threshold, of one *feature* where it is of one.

    *better*: the value is on the good side of the threshold all the same.
    """

    metric: str
    feature: str = ""
    value: float | None = None
    threshold: float | None = None
    better: bool = False


def figure(number: float | None) -> str:
    """Tell a number as people read it; "" where there is none."""
    return "" if number is None else f"{number:.6g}"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was at the last success: *what*, and its value *before* and *after*."""

    what: str
    before: str
    after: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What could be found out about a failed run; *unread* says what could not, and why.

    *step* is the id of the first step that failed, *started_by* a person, a schedule or a reaction; *last_success* is
    the run of the same experiment that succeeded before it.
    """

    step: str = ""
    step_name: str = ""
    code: str = ""
    error: str = ""
    started_by: str = ""
    last_success: str = ""
    last_success_at: str = ""
    changes: tuple[Change, ...] = ()
    inputs: Mapping[str, str] = {}
    unread: tuple[str, ...] = ()


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the incident stands that a mail is about.

    *thread*, *kind* and *owner* (who gets them, "" for all others) are those of its first mail, *number* counts its
    mails; *failures* are those so far, *since* is when the first of them happened, *runs* are the newest of them,
    newest first, *until* is when a mail may tell the next ones, or when it was resolved.
    """

    stage: Literal["opened", "reminder", "resolved"]
    thread: str
    kind: str = ""
    owner: str = ""
    number: int = 1
    failures: int = 1
    since: str = ""
    runs: tuple[str, ...] = ()
    until: str = ""


class DigestEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a digest: what a mail of its own would have told of *subject*.

    *failures* are those merged here, since *since*; *run* is the newest of them, in *workspace* (its ARM id).
    """

    subject: str
    headline: str
    failures: int = 1
    since: str = ""
    run: str = ""
    workspace: str = ""


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a mail says, as facts; the templates in shared/mail make text and HTML of it.

    *job* is the one that the same reaction starts, *why* the reason of its decision. Kept in the ledger before the
    first send, so that the body is the same at every attempt; *more_measurements*, *more_tags* and *more_entries* are
    how many were left out there.
    """

    kind: str
    headline: str
    workspace: str
    experiment: str
    run: str
    status: str
    time: str
    reaction: str
    cause: str = ""
    job: str = ""
    why: str = ""
    measurements: tuple[Measurement, ...] = ()
    more_measurements: int = 0
    tags: Mapping[str, str] = {}
    more_tags: int = 0
    studio: str = ""
    runbook: str = ""
    diagnosis: Diagnosis | None = None
    incident: Incident | None = None
    entries: tuple[DigestEntry, ...] = ()
    more_entries: int = 0

    def about(self, incident: Incident | None) -> "Notice":
        """Return the notice as one of its incident; a reminder that has no run of its own is about the newest."""
        if incident is None:
            return self
        run = self.run or next(iter(incident.runs), "")
        return msgspec.structs.replace(self, incident=incident, kind=incident.kind, run=run)

    def bounded(self) -> "Notice":
        """Return what the ledger keeps: a cause of CAUSE_CHARACTERS, and of the rest the first that fit."""
        cause = self.cause
        while (size := characters(cause)) > CAUSE_CHARACTERS:
            cause = cause[: len(cause) * CAUSE_CHARACTERS // size - 1] + "\N{HORIZONTAL ELLIPSIS}"
        bare = msgspec.structs.replace(self, cause=cause, tags={}, more_tags=self.more_tags + len(self.tags))
        bare = _fitting(_fitting(bare, "measurements", MEASUREMENTS), "entries", ENTRIES)
        left = NOTICE_CHARACTERS - characters(bare)
        kept: dict[str, str] = {}
        for name, value in sorted(self.tags.items()):
            size = characters({name: value})
            if size <= left:
                kept[name] = value
                left -= size
        return msgspec.structs.replace(bare, tags=kept, more_tags=bare.more_tags - len(kept))


def characters(value: object) -> int:
    """Count the UTF-16 code units of *value* as JSON: what a table property counts."""
    return len(msgspec.json.encode(value).decode().encode("utf-16-le")) // 2


def _fitting(notice: Notice, field: str, most: int) -> Notice:
    """Keep as many of the first of *field* as fit, *most* at most; count the others in its ``more_``."""
    every = getattr(notice, field)
    uncounted = getattr(notice, f"more_{field}")
    shown = every[:most]
    while True:
        more = uncounted + len(every) - len(shown)
        kept = msgspec.structs.replace(notice, **{field: shown, f"more_{field}": more})
        if not shown or characters(kept) <= NOTICE_CHARACTERS:
            return kept
        shown = shown[:-1]
