"""What the app's host.json says about queues, with the defaults of the queue extension where it says nothing."""

import os
import re
from datetime import timedelta
from pathlib import Path

import msgspec

from local.host.errors import HostError

#: Most messages storage hands out at once (Get Messages, ``numofmessages``).
MOST_AT_ONCE = 32
TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


class QueueOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The queue section. *visibility_timeout* and *max_polling_interval* are seconds."""

    batch_size: int = 16
    new_batch_threshold: int = 16
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    max_polling_interval: float = 60.0
    base64: bool = True


class _Queues(msgspec.Struct, rename="camel"):
    batch_size: int = 16
    new_batch_threshold: int | None = None
    max_dequeue_count: int = 5
    visibility_timeout: str = "00:00:00"
    max_polling_interval: str = "00:01:00"
    message_encoding: str = "base64"


class _Extensions(msgspec.Struct):
    queues: _Queues = msgspec.field(default_factory=_Queues)


class _HostJson(msgspec.Struct):
    version: str
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


def queue_options(app_dir: Path, *, cores: int | None = None) -> QueueOptions:
    """Read the queue section of the app's host.json. Raises HostError, naming what is wrong in it.

    *cores* (default: this machine's) make the default of newBatchThreshold: half a batch for each.
    """
    try:
        read = msgspec.json.decode((app_dir / "host.json").read_bytes(), type=_HostJson)
    except FileNotFoundError:
        raise HostError("the app's folder has no host.json: without one Azure does not run it either") from None
    except msgspec.DecodeError as error:
        raise HostError(f"host.json cannot be read: {error}") from error
    queues = read.extensions.queues
    encoding = queues.message_encoding.casefold()
    threshold = queues.new_batch_threshold
    problems = [
        problem
        for wrong, problem in (
            (not 1 <= queues.batch_size <= MOST_AT_ONCE, f"batchSize must be 1 to {MOST_AT_ONCE}"),
            (threshold is not None and threshold < 0, "newBatchThreshold must not be negative"),
            (queues.max_dequeue_count < 1, "maxDequeueCount must be at least 1"),
            (encoding not in {"none", "base64"}, "messageEncoding must be none or base64"),
        )
        if wrong
    ]
    if problems:
        raise HostError(f"host.json, extensions.queues: {'; '.join(problems)}")
    return QueueOptions(
        batch_size=queues.batch_size,
        new_batch_threshold=queues.batch_size // 2 * (cores or os.cpu_count() or 1) if threshold is None else threshold,
        max_dequeue_count=queues.max_dequeue_count,
        visibility_timeout=_seconds(queues.visibility_timeout, "visibilityTimeout"),
        max_polling_interval=_seconds(queues.max_polling_interval, "maxPollingInterval"),
        base64=encoding == "base64",
    )


def _seconds(text: str, name: str) -> float:
    if not (found := TIMESPAN.fullmatch(text)):
        raise HostError(f"host.json, extensions.queues: {name} must be a time span, hh:mm:ss")
    days, hours, minutes, seconds = found.groups()
    span = timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return span.total_seconds()
