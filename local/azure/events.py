"""Events as Azure ML publishes them: Event Grid schema, camelCase keys, name-based ids, 7-digit times."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

#: An event in either schema, as JSON.
type Event = dict[str, Any]

PROVIDER = "Microsoft.MachineLearningServices"
NAMESPACE = uuid.UUID("0b8f1f5e-6f0c-5d5c-9a39-5d1f0b6f2c11")


def stable_id(*parts: str) -> str:
    """A version-5 UUID of *parts*: the same parts, the same id."""
    return str(uuid.uuid5(NAMESPACE, "|".join(parts)))


def seven_digits(at: datetime) -> str:
    """*at* (UTC) with seven fractional digits and a Z, the form of the captured events."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z"


def event(kind: str, *, workspace: str, subject: str, at: datetime, data: Mapping[str, object]) -> Event:
    """An event of *kind* (the type's last part) of the workspace with that ARM id."""
    time = seven_digits(at)
    return {
        "topic": workspace,
        "subject": subject,
        "eventType": f"{PROVIDER}.{kind}",
        "eventTime": time,
        "id": stable_id(workspace, subject, kind, str(data.get("runStatus", "")), time),
        "data": dict(data),
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def to_cloud_event(plain: Mapping[str, Any]) -> Event:
    """The CloudEvents 1.0 form of an event in Event Grid schema."""
    return {
        "specversion": "1.0",
        "source": plain["topic"],
        "subject": plain["subject"],
        "type": plain["eventType"],
        "time": plain["eventTime"],
        "id": plain["id"],
        "data": plain["data"],
    }


def kind_of(some: Mapping[str, Any]) -> str:
    """The event type in either schema."""
    return str(some.get("eventType") or some.get("type") or "")


def is_cloud_event(some: Mapping[str, Any]) -> bool:
    """Whether *some* is a CloudEvent."""
    return "specversion" in some
