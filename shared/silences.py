"""Silences: subjects of which a person wants no mail until a time. Pure.

All of them stand in one row beside the switches, so that no further request reads them. What cannot be read silences
nothing: a mail too many is better than one too few.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from shared.limits import clock
from shared.store import Row

#: Row and column, in the partition of the switches.
SILENCES = "silences"
#: What is kept of a name and a note, and how many silences there may be: they fit one table property.
CHARACTERS = 200
MOST = 40

type Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Silence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """No mail about *subject* before *until*: *by* whom, since when (*at*), and why (*note*)."""

    subject: str
    until: Moment
    by: str
    at: Moment
    note: str = ""

    @property
    def reason(self) -> str:
        """The reason of what is decided under it, in words."""
        note = f": {self.note[:CHARACTERS]}" if self.note else ""
        return f"silenced by {self.by[:CHARACTERS]} until {clock(self.until.astimezone(UTC))}{note}"

    def about(self, subject: str) -> bool:
        """Tell whether *subject* is meant, without regard to case."""
        return self.subject.casefold() == subject.casefold()


def read_silences(rows: Iterable[Row]) -> tuple[Silence, ...]:
    """Read the silences among rows of switches, those that are over as well."""
    for row in rows:
        if row.key == SILENCES:
            try:
                return msgspec.json.decode(str(row.values.get(SILENCES, "")), type=tuple[Silence, ...])
            except msgspec.DecodeError:
                return ()
    return ()


def write_silences(silences: Iterable[Silence]) -> dict[str, str | int]:
    """Return the columns of the row."""
    return {SILENCES: msgspec.json.encode(tuple(silences)).decode()}


def in_force(silences: Iterable[Silence], now: datetime) -> tuple[Silence, ...]:
    """Return those that are not over, by their subjects."""
    return tuple(sorted((one for one in silences if one.until > now), key=lambda one: one.subject.casefold()))
