"""Events too large for a queue message or a table property: kept in a blob, told by its name."""

import hashlib
import re

import msgspec

from shared.errors import MalformedError
from shared.gateways import Blobs
from shared.messages import INLINE_BYTES, Message

#: The names that `stow` gives; the client would resolve the dots of others, out of the container.
NAME = re.compile(r"[0-9a-f]{64}\.json")


def stow(message: Message, blobs: Blobs) -> Message:
    """Put a large event into a blob named by its content (so again is harmless), and return the message naming it."""
    content = message.inline
    if content is None or len(content) <= INLINE_BYTES:
        return message
    name = f"{hashlib.sha256(content).hexdigest()}.json"
    blobs.put(name, content)
    return msgspec.structs.replace(message, event=msgspec.UNSET, blob=name)


def fetch(message: Message, blobs: Blobs) -> bytes:
    """Return the event's JSON, from the message or its blob. Raises MalformedError when the blob is gone."""
    if message.inline is not None:
        return message.inline
    found = blobs.get(message.blob) if message.blob and NAME.fullmatch(message.blob) else None
    if found is None:
        raise MalformedError("the blob that holds the event does not exist (any more)")
    return found
