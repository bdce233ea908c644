"""Twins for the runtime tests: one each for pushed and queued delivery, per worker process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.twin import Twin

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def twin() -> Iterator[Twin]:
    """Return the shipped app on the twin, with the shipped reactions, pushed to."""
    with Twin() as twin:
        yield twin
