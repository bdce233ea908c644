"""Dead letters: one container and one form for everything that needs a person.

The form is Event Grid's own, a JSON array of one event with ``deadLetterReason`` added, so that what Event Grid
could not deliver, what the host gave up and what we refuse lie side by side. What is no event stands there as
``raw`` (base64, size-capped). Names derive from the content: the same letter twice is one blob.
"""

import base64
import hashlib

import msgspec

from shared.gateways import Blobs
from shared.messages import Message

#: A queue message holds 64 KiB; more than that comes from nowhere, and is not worth keeping whole.
RAW_BYTES = 64 * 1024


def letter_of(row: str, failure: str) -> str:
    """Return the name of the letter that a failure on record has."""
    return f"reactor/failed/{hashlib.sha256(f'{row}\0{failure}'.encode()).hexdigest()[:32]}.json"


class BlobDeadLetters:
    """Dead letters in a blob container; every method raises StorageError."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def keep_raw(self, raw: bytes, *, reason: str) -> str:
        """Keep what cannot be read, and return the blob's name."""
        letter = {
            "deadLetterReason": reason,
            "raw": base64.b64encode(raw[:RAW_BYTES]).decode(),
            "bytes": len(raw),
        }
        return self._put(f"reactor/unreadable/{hashlib.sha256(raw).hexdigest()[:32]}.json", letter)

    def keep_event(self, message: Message, *, row: str, failure: str, reason: str) -> str:
        """Keep an event whose reaction failed, and return the blob's name.

        *row* names the event's row and *failure* what a replay reopens: two tellings of one failure are one letter.
        """
        letter: dict[str, object] = {"deadLetterReason": reason, "reactorFailure": failure}
        if message.generation:
            letter["reactorGeneration"] = message.generation
        if message.inline is None:
            letter["reactorBlob"] = message.blob
        else:
            event = msgspec.json.decode(message.inline, type=dict[str, object])
            # A key of ours that the event brings along would tell a replay something that we did not say.
            letter = {**{key: value for key, value in event.items() if not key.startswith("reactor")}, **letter}
        return self._put(letter_of(row, failure), letter)

    def _put(self, name: str, letter: dict[str, object]) -> str:
        self._blobs.put(name, msgspec.json.encode([letter]))
        return name
