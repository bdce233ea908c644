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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Stop when groups are asked for and not kept: tests that share a file or a twin would disturb each other."""
    if getattr(config.option, "loadgroup", False):
        torn = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if torn:
            raise pytest.UsageError(f"pytest-xdist does not keep groups with this pytest: {torn[0]}")


@pytest.fixture(scope="session")
def azurite() -> "Iterator[Azurite]":
    """Give a running Azurite with the state created; tests keep apart by their own partitions and names."""
    from local.azurite import Azurite, create_state  # noqa: PLC0415 - the storage SDKs, which pure tests do without

    with Azurite() as running:
        create_state(running.connection_string)
        yield running
