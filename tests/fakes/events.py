"""The project's sample events, told differently."""

from typing import Any

from local.samples import SAMPLES, sample

__all__ = ["SAMPLES", "altered", "sample"]


def altered(name: str, *, event_id: str | None = None, **data: object) -> dict[str, Any]:
    """Return a sample with another id and other data fields; a field given as None becomes null."""
    event = sample(name)
    return {**event, "id": event_id or event["id"], "data": {**event["data"], **data}}
