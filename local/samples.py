"""The project's sample events."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "samples"


def sample(name: str) -> dict[str, Any]:
    """Return the one event of a sample file, whether it stands there alone or in an array."""
    content = json.loads((SAMPLES / f"{name}.json").read_text())
    return content[0] if isinstance(content, list) else content  # type: ignore[no-any-return] # JSON


def all_samples() -> Iterator[dict[str, Any]]:
    """Return every sample event."""
    return (sample(path.stem) for path in sorted(SAMPLES.glob("*.json")))
