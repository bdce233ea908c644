"""A dead letter as an operator sees it: what kind it is, what it holds, and what is wrong with it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from ops.letter_box import REPLAYED, Entry
from shared.errors import MalformedError
from shared.messages import decode, told

type Kind = Literal["failed", "unreadable", "poison", "event-grid", "foreign"]

#: Larger than anything that belongs there: an event is at most 1 MB.
LARGEST = 4 * 1024 * 1024
#: What Event Grid adds to an event (CloudEvents: in lower case), and what we add.
DELIVERY = ("deliveryAttempts", "lastDeliveryOutcome", "publishTime", "lastDeliveryAttemptTime")
ADDED = frozenset(key.casefold() for key in ("deadLetterReason", *DELIVERY))
OURS = frozenset({"reactorfailure", "reactorgeneration", "reactorblob"})
FAILURE = re.compile(r"(?P<reaction>[a-z0-9][a-z0-9-]{0,100})#[1-9][0-9]{0,8}")
#: Numbers of a message; more than anybody will ever need.
GENERATIONS = 1_000_000


class _Whole(msgspec.Struct, frozen=True):
    """What the fields of our own letters must be."""

    deadLetterReason: str = ""  # noqa: N815 - the names in the letter
    reactorFailure: str = ""  # noqa: N815
    reactorGeneration: int = 0  # noqa: N815
    reactorBlob: str = ""  # noqa: N815
    raw: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What stands in a blob of the container.

    *events* are the events in it, as JSON without what was added; *failure* is what a replay reopens; *blob* holds the
    event when it is large; *raw* are the bytes of what was no event, *raw_bytes* how many there were. *problem* says
    what is wrong with the letter itself.
    """

    name: str
    when: datetime
    size: int
    kind: Kind
    reason: str = ""
    events: tuple[bytes, ...] = ()
    delivery: Mapping[str, object] = field(default_factory=dict)
    failure: str = ""
    generation: int = 0
    blob: str = ""
    raw: bytes = b""
    raw_bytes: int = 0
    problem: str = ""

    @property
    def replayed(self) -> bool:
        """Whether it was put back already."""
        return self.name.startswith(REPLAYED)

    @property
    def reaction(self) -> str:
        """The reaction that failed, "" for other kinds."""
        return self.failure.rpartition("#")[0]

    @property
    def header(self) -> Mapping[str, str]:
        """What the first event says about itself, as far as it does: type, subject, id, time, workspace."""
        return header_of(self.events[0]) if self.events else {}


def header_of(event: bytes) -> Mapping[str, str]:
    """Read an event's header in either schema, leniently: what is missing or no text is left out."""
    try:
        fields = told(event)
    except MalformedError:
        return {}
    if not isinstance(fields, dict):
        return {}
    names = {
        "type": ("eventType", "type"),
        "subject": ("subject",),
        "id": ("id",),
        "time": ("eventTime", "time"),
        "workspace": ("topic", "source"),
    }
    found = {name: next((fields[key] for key in keys if key in fields), None) for name, keys in names.items()}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def read_letter(entry: Entry, content: bytes) -> Letter:
    """Read a blob of the container. What cannot be read is a letter too, with the problem."""
    name = entry.name.removeprefix(REPLAYED)
    try:
        items = msgspec.json.decode(content, type=list[dict[str, msgspec.Raw]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _foreign(entry, "it is not a JSON array of events, as a dead letter is")
    if not items:
        return _foreign(entry, "it is empty")
    if not name.startswith("reactor/"):
        return _undelivered(entry, items)
    if len(items) > 1:
        return _foreign(entry, "it holds several letters, which the service never writes")
    try:
        fields = msgspec.json.decode(msgspec.json.encode(items[0]), type=_Whole)
        return _ours(entry, name, items[0], fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error):
        return _foreign(entry, "its fields are not those that the service writes")


def foreign_letter(entry: Entry) -> Letter:
    """Return the letter of a blob that is too large to be one; it is not even read."""
    return _foreign(entry, f"it is larger than {LARGEST:,} bytes, which no dead letter is")


def _foreign(entry: Entry, problem: str) -> Letter:
    return Letter(name=entry.name, when=entry.when, size=entry.size, kind="foreign", problem=problem)


def _undelivered(entry: Entry, items: list[dict[str, msgspec.Raw]]) -> Letter:
    first = {key.casefold(): _value(value) for key, value in items[0].items() if key.casefold() in ADDED}
    return Letter(
        name=entry.name,
        when=entry.when,
        size=entry.size,
        kind="event-grid",
        reason=str(first.get("deadletterreason", "")),
        events=tuple(_without(item, ADDED) for item in items),
        delivery={key: first[key.casefold()] for key in DELIVERY if key.casefold() in first},
    )


def _ours(entry: Entry, name: str, item: dict[str, msgspec.Raw], fields: _Whole) -> Letter:
    """Raises binascii.Error when ``raw`` is no base64."""
    if name.startswith("reactor/unreadable/"):
        raw = base64.b64decode(fields.raw, validate=True)
        return Letter(
            name=entry.name,
            when=entry.when,
            size=entry.size,
            kind="poison" if fields.deadLetterReason.startswith("poison:") else "unreadable",
            reason=fields.deadLetterReason,
            events=_events_in(raw),
            raw=raw,
            raw_bytes=fields.bytes,
        )
    if not FAILURE.fullmatch(fields.reactorFailure) or not 0 <= fields.reactorGeneration < GENERATIONS:
        return _foreign(entry, "reactorFailure or reactorGeneration is not what the service writes")
    inline = "data" in item or not fields.reactorBlob
    return Letter(
        name=entry.name,
        when=entry.when,
        size=entry.size,
        kind="failed",
        reason=fields.deadLetterReason,
        # Event Grid's own additions are still there where a letter of its was put back by hand.
        events=(_without(item, ADDED | OURS),) if inline else (),
        failure=fields.reactorFailure,
        generation=fields.reactorGeneration,
        blob="" if inline else fields.reactorBlob,
    )


def _events_in(raw: bytes) -> tuple[bytes, ...]:
    """Return the events of a message that can be read after all, as a poison message mostly can."""
    try:
        return tuple(message.inline for message in decode(raw) if message.inline is not None)
    except MalformedError:
        return ()


def _without(item: Mapping[str, msgspec.Raw], keys: frozenset[str]) -> bytes:
    """Return the event without what was added, its other values byte for byte as they were."""
    return msgspec.json.encode({key: value for key, value in item.items() if key.casefold() not in keys})


def _value(raw: msgspec.Raw) -> object:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str | int | float | bool) else None
