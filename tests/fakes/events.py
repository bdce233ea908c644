"""The project's sample events, and ways to tell them differently."""

import json
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[2] / "samples"


def sample(name: str) -> dict[str, Any]:
    """Return the one event of a sample file, whether it stands there alone or in an array."""
    content = json.loads((SAMPLES / f"{name}.json").read_text())
    return content[0] if isinstance(content, list) else content  # type: ignore[no-any-return] # JSON


def altered(name: str, *, event_id: str | None = None, **data: object) -> dict[str, Any]:
    """Return a sample with another id and other data fields; a field given as None becomes null."""
    event = sample(name)
    return {**event, "id": event_id or event["id"], "data": {**event["data"], **data}}
