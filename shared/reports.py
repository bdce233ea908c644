"""What events say of an incident: a failure, a success, an interval that is over."""

from datetime import datetime

import msgspec


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The run *run* failed *at* that time; *kind* is that of its mail, *owner* who gets it ("" for all others)."""

    run: str
    kind: str
    owner: str = ""
    at: datetime | None


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """The run *run* succeeded *at* that time."""

    run: str
    at: datetime | None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """The interval after mail *number* of the incident *thread* is over."""

    thread: str
    number: int


type Report = Failure | Success | Due
