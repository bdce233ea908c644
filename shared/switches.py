"""Pause switches: what a person has stopped without redeploying, one reaction or all of them.

A switch that cannot be read is a pause, and storage that does not answer is an error: neither is ever taken for "go".
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from shared.actions import reaction_of
from shared.silences import SILENCES, Silence, in_force, read_silences
from shared.store import Row, Store

#: The partition of all switches. That of a subject has a ``|`` before its hash: no event can be told into this one.
SWITCHES = "switches"
#: Stands for every reaction; no reaction has this name.
ALL = "*"
#: How old a reading may be.
SECONDS = 30.0
#: What is kept of a name and a note in the reason of a decision.
CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause in force of *reaction* (or ALL): its events wait, or are dropped, which is for good.

    *problem* says why the switch could not be read; then nobody knows *by* whom and *at* what time, and events wait.
    """

    reaction: str
    by: str = ""
    at: datetime | None = None
    drop: bool = False
    note: str = ""
    problem: str = ""

    @property
    def reason(self) -> str:
        """The reason of what is decided under this pause, in words."""
        if self.problem:
            return f"paused: {self.problem}"
        what = "all reactions paused" if self.reaction == ALL else "paused"
        since = f" since {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" if self.at else ""
        note = f": {self.note[:CHARACTERS]}" if self.note else ""
        return f"{what} by {self.by[:CHARACTERS]}{since}{', --drop' * self.drop}{note}"


class _Columns(msgspec.Struct, frozen=True):
    """The columns of a pause in force."""

    state: Literal["paused"]
    by: str
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    events: Literal["wait", "drop"]
    note: str = ""


def pause_key(reaction: str) -> str:
    """Row of the switch of a reaction, or of ALL."""
    return f"pause|{reaction}"


def write_pause(pause: Pause) -> dict[str, str | int]:
    """Return the columns of a pause; what an earlier one left is overwritten."""
    at = pause.at.isoformat() if pause.at else ""
    events = "drop" if pause.drop else "wait"
    ended = {"resumed_by": "", "resumed_at": ""}
    return {"state": "paused", "by": pause.by, "at": at, "events": events, "note": pause.note, **ended}


def write_resumed(*, by: str, at: datetime) -> dict[str, str | int]:
    """Return the columns that end a pause; who began it stays on record."""
    return {"state": "resumed", "resumed_by": by, "resumed_at": at.isoformat()}


def read_pause(row: Row) -> Pause | None:
    """Read a switch; None where it says that work was resumed, and only there."""
    reaction = row.key.removeprefix(pause_key(""))
    if row.values.get("state") == "resumed":
        return None
    try:
        told = msgspec.convert(dict(row.values), _Columns)
    except msgspec.ValidationError:
        problem = f"the row {row.key[:CHARACTERS]} of {SWITCHES} cannot be read, so it counts; pause or resume it anew"
        return Pause(reaction=reaction, problem=problem)
    return Pause(reaction=reaction, by=told.by, at=told.at, drop=told.events == "drop", note=told.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The pauses among *asked* and all silences, as they were read; not to be used at *until* or later.

    *at* is the store's clock when it was read.
    """

    asked: frozenset[str]
    pauses: Mapping[str, Pause]
    silences: tuple[Silence, ...]
    at: datetime
    until: float


class Switches:
    """The switches of *reactions*, read from *store* at most every SECONDS; *clock* is monotonic.

    Safe to share between threads, without a lock: a reading is replaced as a whole, and two at once do no harm.
    """

    def __init__(self, store: Store, *, reactions: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._reactions = frozenset(reactions)
        self._clock = clock
        self._reading: _Reading | None = None

    def paused(self, reaction: str) -> Pause | None:
        """Return the pause in force for *reaction* (or the key of one of its actions): its own before that of all.

        Raises StorageError and DeadlineError: then nobody knows, and nothing may be done.
        """
        name = reaction_of(reaction)
        reading = self._fresh(name)
        return reading.pauses.get(name) or reading.pauses.get(ALL)

    def silenced(self, *names: str) -> Silence | None:
        """Return the silence in force about one of *names*. Raises as `paused`."""
        reading = self._fresh(ALL)
        now = reading.at + timedelta(seconds=SECONDS - (reading.until - self._clock()))
        silences = in_force(reading.silences, now)
        return next((one for name in names for one in silences if one.about(name)), None)

    def _fresh(self, name: str) -> _Reading:
        reading = self._reading
        if reading is None or name not in reading.asked or self._clock() >= reading.until:
            reading = self._reading = self._read(self._reactions | {ALL, name})
        return reading

    def _read(self, names: frozenset[str]) -> _Reading:
        until = self._clock() + SECONDS  # from before the read: a slow one is no younger
        page = self._store.query(SWITCHES, [SILENCES, *(pause_key(name) for name in sorted(names))])
        switches = (row for row in page.rows if row.key != SILENCES)
        pauses = {pause.reaction: pause for pause in map(read_pause, switches) if pause is not None}
        return _Reading(asked=names, pauses=pauses, silences=read_silences(page.rows), at=page.at, until=until)
