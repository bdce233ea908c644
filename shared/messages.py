"""Messages of the queue: the bare event as Event Grid writes it, or ours that wrap it.

Ours are base64 JSON: the keys of a plain JSON message would overwrite the trigger's metadata. Event Grid writes
the event bare, raw or base64; a person may put a whole sample file, an array, there. All are read.
"""

import base64
import binascii
from typing import Annotated

import msgspec

from shared.errors import MalformedError

#: What an event may measure (bytes of JSON) to travel and be kept inline: base64 of it and its wrapping fit a
#: 64 KiB queue message, and its text fits a table property of 32 Ki characters. Larger ones go through a blob.
INLINE_BYTES = 32_000

#: More events than that do not fit a message, but what is none does: thirty thousand sends outlast a run.
MOST_EVENTS = 200

#: A token is 64 characters, the name of a failure a reaction's name and a number: with them a message fits the queue.
type Mark = Annotated[str, msgspec.Meta(max_length=200)]

#: Row keys and ids are made of it; 0 is the event as it was told.
type Generation = Annotated[int, msgspec.Meta(ge=0)]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One event on its way: inline, or as the name of a blob.

    *token* marks the one live copy of a waiting event (the row's ``wake`` names it), *replaces* the copy before it,
    which the row may still name; *reopen* is the failure that a replay reopens (``reaction#number``), *generation* an
    event repeated on purpose.
    """

    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    blob: str | None = None
    token: Mark = ""
    replaces: Mark = ""
    reopen: Mark = ""
    generation: Generation = 0

    @property
    def inline(self) -> bytes | None:
        """The event's JSON; None when a blob holds it."""
        return None if isinstance(self.event, msgspec.UnsetType) else bytes(self.event)

    def encode(self) -> bytes:
        """JSON, ready for the queue."""
        return msgspec.json.encode(self)


def decode(text: bytes) -> tuple[Message, ...]:
    """Read a queue message: one Message per event in it. Raises MalformedError."""
    content = _json_bytes(text)
    try:
        shape = msgspec.json.decode(content, type=dict[str, msgspec.Raw] | list[msgspec.Raw])
        if isinstance(shape, list):
            if len(shape) > MOST_EVENTS:
                raise MalformedError(f"the message is an array of more than {MOST_EVENTS} events")
            return tuple(Message(event=msgspec.Raw(bytes(event))) for event in shape)
        if shape.keys() & {"event", "blob"} and not shape.keys() & {"data", "id"}:
            return (msgspec.json.decode(content, type=Message),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"the message is not JSON that can be read ({type(error).__name__})") from None
    return (Message(event=msgspec.Raw(content)),)


def _json_bytes(text: bytes) -> bytes:
    """Return *text* itself when it looks like JSON, else what it is the base64 of."""
    stripped = text.strip()
    if stripped[:1] in {b"{", b"["}:
        return stripped
    try:
        return base64.b64decode(stripped, validate=True).strip()
    except binascii.Error:
        raise MalformedError("the message is neither JSON nor base64") from None


def told(content: bytes) -> object:
    """Decode an event strictly. Raises MalformedError for what is not JSON, too deep or out of range."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"the event is not JSON that can be read ({type(error).__name__})") from None


def wrap(event: object) -> Message:
    """Wrap an event that is decoded already. Raises MalformedError for text that is no valid Unicode."""
    try:
        return Message(event=msgspec.Raw(msgspec.json.encode(event)))
    except (ValueError, RecursionError, TypeError) as error:
        raise MalformedError(f"the event cannot be written as JSON ({type(error).__name__})") from None
