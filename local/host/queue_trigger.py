"""What a queue-triggered function is given: its text and the trigger metadata, as the host sends them to the worker."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime

from local.host.errors import HostError
from local.host.protos import TypedData
from local.host.source_queue import StoredMessage
from local.host.worker import Function

QUEUE_TRIGGER = "queueTrigger"
DEFAULT_CONNECTION = "AzureWebJobsStorage"


class UndecodableError(ValueError):
    """The stored text is not base64 although host.json says it is."""


def resolve_queue(function: Function, environ: Mapping[str, str]) -> str:
    """Name the queue, ``%NAME%`` replaced by that app setting. Raises HostError for a setting there is not."""

    def setting(found: re.Match[str]) -> str:
        if not (value := environ.get(found[1], "")):
            raise HostError(f"function {function.name}: app setting {found[1]}, which names its queue, is missing")
        return value

    return re.sub(r"%([^%]+)%", setting, str(function.trigger["queueName"]))


def resolve_connection(function: Function, environ: Mapping[str, str]) -> str:
    """Find the connection string the binding names. Raises HostError when it is not set."""
    name = str(function.trigger.get("connection") or DEFAULT_CONNECTION)
    value = environ.get(f"AzureWebJobs{name}") or environ.get(name)
    if not value:
        raise HostError(
            f"function {function.name}: app setting {name} is missing; the local host needs a connection string there"
        )
    return value


def decode(text: str, *, base64_encoded: bool) -> bytes:
    """Decode a stored text as host.json says. Raises UndecodableError for text that is not base64."""
    if not base64_encoded:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableError from error


def trigger_metadata(message: StoredMessage, text: str) -> dict[str, TypedData]:
    """Build the metadata of one delivery.

    The host lays each top-level key of a JSON message over it, whatever its case and meaning: an ``id`` in the message
    takes the place of the message's own. Arrays and nulls are left out, objects stay JSON, the rest becomes text.
    """
    metadata = {
        "QueueTrigger": TypedData(string=text),
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "DequeueCount": TypedData(json=json.dumps(message.dequeue_count)),
        "InsertionTime": _time(message.inserted_on),
        "ExpirationTime": _time(message.expires_on),
        "NextVisibleTime": _time(message.next_visible_on),
    }
    names = {name.casefold(): name for name in metadata}
    for key, value in _top_level(text).items():
        if value is None or isinstance(value, list):
            continue
        name = names.setdefault(key.casefold(), key)
        metadata[name] = TypedData(json=json.dumps(value)) if isinstance(value, dict) else TypedData(string=str(value))
    return metadata


def _top_level(text: str) -> dict[str, object]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _time(moment: datetime | None) -> TypedData:
    return TypedData(json=json.dumps(moment.isoformat() if moment else None))
