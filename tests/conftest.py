"""What all tests share: one Azurite per worker, started by the first test that wants it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from local.azurite import Azurite

# The same examples everywhere, and no time limit on one: a busy machine is no failure.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def azurite() -> "Iterator[Azurite]":
    """Give a running Azurite with the state created; tests keep apart by their own partitions and names."""
    from local.azurite import Azurite, create_state  # noqa: PLC0415 - the storage SDKs, which pure tests do without

    with Azurite() as running:
        create_state(running.connection_string)
        yield running
