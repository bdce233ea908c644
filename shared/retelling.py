"""Events as the Functions host hands them over, told as JSON again."""

from datetime import datetime
from typing import Any


def retell(event: Any) -> dict[str, object]:  # noqa: ANN401 - two unrelated classes of a package not imported here
    """Turn what an Event Grid trigger hands over (EventGridEvent or CloudEvent of azure.functions) into JSON again.

    The binding chooses the class by the payload, not by the annotation, so it is told apart by its attributes.
    """
    if hasattr(event, "event_type"):
        time, names = event.event_time, ("topic", "eventType", "eventTime")
        values = (event.topic, event.event_type)
    else:
        time, names = event.time, ("source", "type", "time")
        values = (event.source, event.type)
    return {
        "id": event.id,
        names[0]: values[0],
        "subject": event.subject,
        names[1]: values[1],
        names[2]: time.isoformat() if isinstance(time, datetime) else time,
        "data": event.get_json(),
    }
